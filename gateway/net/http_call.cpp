#include "gateway/net/http_call.hpp"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <utility>

#include "config/urls.hpp"
#include "gateway/http1/reader.hpp"
#include "gateway/text.hpp"

namespace sallyport::gateway {
namespace {

// SNI; SSL_set_tlsext_host_name without its cast.
bool set_server_name(SSL* ssl, const char* name) {
  return SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, const_cast<char*>(name)) == 1;
}

constexpr std::size_t kBlock = 16 * 1024;

// "5 s", "0.25 s"
std::string seconds(std::chrono::milliseconds time) {
  std::string text = std::to_string(time.count() / 1000);
  if (const auto rest = time.count() % 1000; rest > 0) {
    text += "." + std::to_string(1000 + rest).substr(1);
    text.erase(text.find_last_not_of('0') + 1);
  }
  return text + " s";
}

}  // namespace

std::optional<HttpUrl> parse_http_url(std::string_view url) {
  const std::size_t scheme = url.starts_with("https://") ? 8 : url.starts_with("http://") ? 7 : 0;
  if (scheme == 0) return std::nullopt;
  const auto bad = [](char c) { return c <= ' ' || c >= 0x7F || c == '#' || c == '\\'; };
  if (std::any_of(url.begin(), url.end(), bad)) return std::nullopt;
  const std::size_t path = std::min(url.find_first_of("/?", scheme), url.size());
  const std::string_view authority = url.substr(scheme, path - scheme);
  if (authority.find('@') != authority.npos) return std::nullopt;
  auto server = config::parse_server(url.substr(0, path));
  if (!server) return std::nullopt;
  std::string target(url.substr(path));
  if (!target.starts_with('/')) target.insert(0, "/");
  return HttpUrl{std::move(*server), std::string(authority), std::move(target)};
}

HttpCaller::HttpCaller(net::any_io_executor executor, Deadlines& deadlines)
    : executor_(executor), deadlines_(deadlines), resolver_(executor) {}

// Made for the first https call: reading all the authorities takes some 20 ms and a megabyte, which most
// callers never need. nullptr: OpenSSL can't.
SSL_CTX* HttpCaller::tls() {
  if (tls_) return tls_.get();
  tls_.reset(SSL_CTX_new(TLS_client_method()));
  if (!tls_ || SSL_CTX_set_min_proto_version(tls_.get(), TLS1_2_VERSION) != 1) {
    tls_.reset();
    return nullptr;
  }
  SSL_CTX_set_options(tls_.get(), SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_verify(tls_.get(), SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_default_verify_paths(tls_.get());  // none there: then every certificate is refused, and said so
  ERR_clear_error();
  return tls_.get();
}

void HttpCaller::expect(const HttpUrl& url) {
  if (url.server.tls) tls();
}

void HttpCaller::stop() {
  stopped_ = true;
  for (Stream* stream : running_) stream->cancel();
}

// One connection, one request, one answer.
class HttpCaller::Conversation {
 public:
  Conversation(HttpCaller& caller, const HttpCall& call, SteadyTime end, Stream::Socket socket)
      : caller_(caller), call_(call), end_(end), stream_(std::move(socket), caller.deadlines_) {
    caller_.running_.insert(&stream_);
  }
  ~Conversation() { caller_.running_.erase(&stream_); }

  // false, and the reason in `problem`.
  Task<bool> connect(upstream::Resolver::Endpoint endpoint, SteadyTime until, std::string& problem);
  Task<Result> ask();

 private:
  Task<bool> secure(std::string& problem);
  Task<error_code> more();
  Task<std::size_t> read_head(std::string& problem);
  std::string head() const;
  std::string describe(const error_code& ec) const;

  HttpCaller& caller_;
  const HttpCall& call_;
  const SteadyTime end_;
  Stream stream_;
  http1::ResponseReader reader_{http1::HeadLimits{}};
  std::string received_;
};

std::string HttpCaller::Conversation::describe(const error_code& ec) const {
  if (ec == net::error::timed_out || ec == net::error::operation_aborted)
    return "no whole answer within " + seconds(call_.timeout);
  if (ec == net::error::eof) return "the connection ended inside the answer";
  return ec.message();
}

Task<bool> HttpCaller::Conversation::connect(upstream::Resolver::Endpoint endpoint, SteadyTime until,
                                             std::string& problem) {
  stream_.read_until(until);
  stream_.write_until(until);
  const error_code ec = co_await stream_.connect(endpoint);
  if (ec) {
    problem = ec == net::error::timed_out ? describe(ec) : "cannot connect: " + ec.message();
    co_return false;
  }
  stream_.read_until(end_);
  stream_.write_until(end_);
  if (!call_.url.server.tls) co_return true;
  co_return co_await secure(problem);
}

Task<bool> HttpCaller::Conversation::secure(std::string& problem) {
  SSL_CTX* const context = caller_.tls();
  if (context == nullptr) {
    problem = "OpenSSL can't set up TLS";
    co_return false;
  }
  Ssl ssl(SSL_new(context));
  SSL* const raw = ssl.get();  // the stream owns it, after the handshake too
  const std::string& host = call_.url.server.host;
  const bool is_ip = config::is_ip(host);
  const bool named =
      raw != nullptr && (is_ip ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(raw), host.c_str()) == 1
                               : SSL_set1_host(raw, host.c_str()) == 1 && set_server_name(raw, host.c_str()));
  if (!named) {
    problem = "OpenSSL refuses the host's name";
    co_return false;
  }
  SSL_set_connect_state(raw);
  const error_code ec = co_await stream_.handshake(std::move(ssl));
  if (!ec) co_return true;
  const long verdict = SSL_get_verify_result(raw);
  if (verdict != X509_V_OK)
    problem = std::string("its TLS certificate is not good: ") + X509_verify_cert_error_string(verdict);
  else
    problem = ec == net::error::timed_out ? describe(ec) : "the TLS handshake failed";
  ERR_clear_error();
  co_return false;
}

Task<error_code> HttpCaller::Conversation::more() {
  const std::size_t had = received_.size();
  received_.resize(had + kBlock);
  const std::span<char> into(received_.data() + had, kBlock);
  const IoResult got = co_await stream_.read_some(into);
  received_.resize(had + got.bytes);
  co_return got.ec;
}

std::string HttpCaller::Conversation::head() const {
  std::string text = call_.method + " " + call_.url.target + " HTTP/1.1\r\nHost: " + call_.url.authority +
                     "\r\nUser-Agent: sallyport\r\nConnection: close\r\n";
  for (const auto& [name, value] : call_.fields) text += name + ": " + value + "\r\n";
  if (!call_.body.empty() || call_.method == "POST" || call_.method == "PUT")
    text += "Content-Length: " + std::to_string(call_.body.size()) + "\r\n";
  return text + "\r\n";
}

// Reads until the answer's own head is there, behind any 1xx; `problem`: why it never will be. Returns its
// length: the fields are views into what was received.
Task<std::size_t> HttpCaller::Conversation::read_head(std::string& problem) {
  const bool no_body = call_.method == "HEAD";
  reader_.reset(no_body);
  for (;;) {
    const http1::HeadStep step = reader_.read_head(received_);
    if (step.progress == http1::Progress::refused) {
      problem = "its answer is not HTTP";
      co_return 0;
    }
    if (step.progress == http1::Progress::complete) {
      if (reader_.head().status >= 200) co_return step.consumed;
      received_.erase(0, step.consumed);
      reader_.reset(no_body);
      continue;
    }
    const error_code ec = co_await more();
    if (ec) {
      problem = describe(ec);
      co_return 0;
    }
  }
}

Task<HttpCaller::Result> HttpCaller::Conversation::ask() {
  const std::string request = head();
  std::array<iovec, 2> both{piece_of(request), piece_of(call_.body.reveal())};
  const std::span<iovec> pieces(both.data(), call_.body.empty() ? 1 : 2);
  const error_code sent = co_await stream_.write_all(pieces);
  if (sent) co_return describe(sent);
  std::string problem;
  const std::size_t length = co_await read_head(problem);
  if (!problem.empty()) co_return problem;
  Answer answer;
  for (const Field& field : reader_.head().fields) {
    if (iequals(field.name, "content-encoding") && !iequals(field.value, "identity"))
      co_return std::string("its answer is compressed although nobody asked for that");
    std::uint64_t wait = 0;
    if (iequals(field.name, "retry-after") && parse_decimal(field.value, wait))
      answer.retry_after = std::chrono::seconds(std::min<std::uint64_t>(wait, 86'400));
  }
  answer.status = reader_.head().status;
  if (const Field* type = reader_.head().find(FieldId::content_type)) answer.content_type = type->value;
  received_.erase(0, length);

  for (;;) {
    const http1::BodyStep body = reader_.read_body(received_);
    answer.body.append(body.piece);
    received_.erase(0, body.consumed);
    if (answer.body.size() > call_.max_answer)
      co_return "its answer is larger than " + std::to_string(call_.max_answer / 1024) + " KiB";
    if (body.progress == http1::Progress::complete) co_return answer;
    if (body.progress == http1::Progress::refused) co_return std::string("its answer is not HTTP");
    if (body.consumed > 0) continue;
    const error_code ec = co_await more();
    if (ec == net::error::eof && reader_.end_of_stream().progress == http1::Progress::complete)
      co_return answer;
    if (ec) co_return describe(ec);
  }
}

Task<HttpCaller::Result> HttpCaller::call(HttpCall call) {
  error_code ec;
  const SteadyTime end = std::chrono::steady_clock::now() + call.timeout;
  const auto endpoints = co_await resolver_.resolve(call.url.server, end, ec);
  if (endpoints.empty()) co_return "cannot find the host " + call.url.server.host;
  std::string problem;
  for (std::size_t i = 0; i < endpoints.size() && !stopped_; ++i) {
    Stream::Socket socket(executor_);
    ec = socket.open(endpoints[i].protocol());
    if (ec) {
      problem = ec.message();
      continue;
    }
    // An address that swallows what is sent to it leaves time for the next one.
    const SteadyTime now = std::chrono::steady_clock::now();
    const SteadyTime until = i + 1 < endpoints.size() ? now + (end - now) / 2 : end;
    Conversation conversation(*this, call, end, std::move(socket));
    const bool connected = co_await conversation.connect(endpoints[i], until, problem);
    if (!connected) continue;
    co_return co_await conversation.ask();
  }
  co_return problem.empty() ? std::string("stopped") : problem;
}

Task<HttpCaller::Result> HttpCaller::get(HttpUrl url) {
  HttpCall wanted;
  wanted.url = std::move(url);
  wanted.fields = {{"Accept", "application/json, application/jwk-set+json"}};
  Result answer = co_await call(std::move(wanted));
  if (!answer || answer->status == 200) co_return answer;
  const std::string status = "it answers " + std::to_string(answer->status);
  if (answer->status >= 300 && answer->status < 400)
    co_return status + ", a redirect: name the URL that it leads to";
  co_return status;
}

}  // namespace sallyport::gateway
