#include "gateway/net/http_get.hpp"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <stdexcept>
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

std::string describe(const error_code& ec) {
  if (ec == net::error::timed_out || ec == net::error::operation_aborted)
    return "no whole answer within " + std::to_string(HttpGetter::kTime.count()) + " s";
  if (ec == net::error::eof) return "the connection ended inside the answer";
  return ec.message();
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

HttpGetter::HttpGetter(net::any_io_executor executor, Deadlines& deadlines)
    : executor_(executor),
      deadlines_(deadlines),
      resolver_(executor),
      tls_(SSL_CTX_new(TLS_client_method())) {
  if (!tls_ || SSL_CTX_set_min_proto_version(tls_.get(), TLS1_2_VERSION) != 1)
    throw std::runtime_error("OpenSSL can't set up TLS for fetching keys");
  SSL_CTX_set_verify(tls_.get(), SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_default_verify_paths(tls_.get());  // none there: then every certificate is refused, and said so
  ERR_clear_error();
}

void HttpGetter::stop() {
  stopped_ = true;
  for (Stream* stream : running_) stream->cancel();
}

// One connection, one request, one answer.
class HttpGetter::Conversation {
 public:
  Conversation(HttpGetter& getter, const HttpUrl& url, Stream::Socket socket)
      : getter_(getter), url_(url), stream_(std::move(socket), getter.deadlines_) {
    getter_.running_.insert(&stream_);
  }
  ~Conversation() { getter_.running_.erase(&stream_); }

  // false, and the reason in `problem`.
  Task<bool> connect(upstream::Resolver::Endpoint endpoint, std::string& problem);
  Task<Result> ask();

 private:
  Task<bool> secure(std::string& problem);
  Task<error_code> more();

  HttpGetter& getter_;
  const HttpUrl& url_;
  Stream stream_;
  http1::ResponseReader reader_{http1::HeadLimits{}};
  std::string received_;
};

Task<bool> HttpGetter::Conversation::connect(upstream::Resolver::Endpoint endpoint, std::string& problem) {
  const SteadyTime end = std::chrono::steady_clock::now() + kTime;
  stream_.read_until(end);
  stream_.write_until(end);
  const error_code ec = co_await stream_.connect(endpoint);
  if (ec) {
    problem = ec == net::error::timed_out ? describe(ec) : "cannot connect: " + ec.message();
    co_return false;
  }
  if (!url_.server.tls) co_return true;
  co_return co_await secure(problem);
}

Task<bool> HttpGetter::Conversation::secure(std::string& problem) {
  Ssl ssl(SSL_new(getter_.tls_.get()));
  SSL* const raw = ssl.get();  // the stream owns it, after the handshake too
  const std::string& host = url_.server.host;
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

Task<error_code> HttpGetter::Conversation::more() {
  const std::size_t had = received_.size();
  received_.resize(had + kBlock);
  const std::span<char> into(received_.data() + had, kBlock);
  const IoResult got = co_await stream_.read_some(into);
  received_.resize(had + got.bytes);
  co_return got.ec;
}

Task<HttpGetter::Result> HttpGetter::Conversation::ask() {
  const std::string request = "GET " + url_.target + " HTTP/1.1\r\nHost: " + url_.authority +
                              "\r\nUser-Agent: sallyport\r\nAccept: application/json, "
                              "application/jwk-set+json\r\nConnection: close\r\n\r\n";
  std::array<iovec, 1> pieces{piece_of(request)};
  if (const error_code ec = co_await stream_.write_all(pieces)) co_return describe(ec);

  reader_.reset(false);
  http1::HeadStep head;
  for (;;) {
    head = reader_.read_head(received_);
    if (head.progress == http1::Progress::refused) co_return std::string("its answer is not HTTP");
    if (head.progress == http1::Progress::complete) break;
    if (const error_code ec = co_await more()) co_return describe(ec);
  }
  const unsigned status = reader_.head().status;
  if (status >= 300 && status < 400)
    co_return "it answers " + std::to_string(status) + ", a redirect: name the URL that it leads to";
  if (status != 200) co_return "it answers " + std::to_string(status);
  for (const Field& field : reader_.head().fields)
    if (iequals(field.name, "content-encoding") && !iequals(field.value, "identity"))
      co_return std::string("its answer is compressed although nobody asked for that");
  Document document;
  if (const Field* type = reader_.head().find(FieldId::content_type)) document.content_type = type->value;
  received_.erase(0, head.consumed);

  for (;;) {
    const http1::BodyStep body = reader_.read_body(received_);
    document.body.append(body.piece);
    received_.erase(0, body.consumed);
    if (document.body.size() > kMaxBody)
      co_return "its answer is larger than " + std::to_string(kMaxBody / 1024) + " KiB";
    if (body.progress == http1::Progress::complete) co_return document;
    if (body.progress == http1::Progress::refused) co_return std::string("its answer is not HTTP");
    if (body.consumed > 0) continue;
    const error_code ec = co_await more();
    if (ec == net::error::eof && reader_.end_of_stream().progress == http1::Progress::complete)
      co_return document;
    if (ec) co_return describe(ec);
  }
}

Task<HttpGetter::Result> HttpGetter::get(HttpUrl url) {
  error_code ec;
  const SteadyTime give_up = std::chrono::steady_clock::now() + kTime;
  const auto endpoints = co_await resolver_.resolve(url.server, give_up, ec);
  if (endpoints.empty()) co_return "cannot find the host " + url.server.host;
  std::string problem;
  for (const auto& endpoint : endpoints) {
    if (stopped_) break;
    Stream::Socket socket(executor_);
    socket.open(endpoint.protocol(), ec);
    if (ec) {
      problem = ec.message();
      continue;
    }
    Conversation conversation(*this, url, std::move(socket));
    const bool connected = co_await conversation.connect(endpoint, problem);
    if (!connected) continue;
    co_return co_await conversation.ask();
  }
  co_return problem.empty() ? std::string("stopped") : problem;
}

}  // namespace sallyport::gateway
