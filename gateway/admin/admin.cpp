#include "gateway/admin/admin.hpp"

#include <spdlog/spdlog.h>

#include "config/dump.hpp"
#include "gateway/admin/ask.hpp"
#include "gateway/date.hpp"
#include "gateway/net/listen.hpp"
#include "gateway/refuse.hpp"
#include "gateway/text.hpp"
#include "gateway/webhook.hpp"

namespace sallyport::gateway {
namespace {

constexpr std::size_t kMaxConnections = 64;
constexpr std::size_t kBlock = 32 * 1024;
constexpr std::chrono::seconds kReloadPatience{10};
constexpr std::size_t kMaxBody = 16 * 1024;

void report(std::exception_ptr error) {
  if (error) spdlog::error("the admin listener failed on a connection");
}

// A browser can't be told to send a token with a page's address, so whoever has none yet gets the same page
// with the 401: it holds nothing but a form for the token, and asks for the rest with it.
bool is_console(const RequestHead& head) {
  return head.raw_path == "/admin/" && (head.method == "GET" || head.method == "HEAD");
}

}  // namespace

Admin::Admin(net::io_context& control, const config::Admin& config, std::shared_ptr<const Runtime> runtime,
             const Follower& follower, const KeyKeeper& keys, const Shared& shared, Metrics& metrics,
             const ReloadRecord& reloads, DoReload reload)
    : control_(control),
      address_(config.address),
      token_(config.token),
      runtime_(std::move(runtime)),
      follower_(follower),
      keys_(keys),
      shared_(shared),
      metrics_(metrics),
      reloads_(reloads),
      reload_(std::move(reload)),
      acceptor_(control),
      deadlines_(std::chrono::steady_clock::now()),
      blocks_(kBlock, 4),
      scratch_(http1::HeadLimits{}, blocks_, 4),
      ticker_(control),
      console_(inline_page("console")),
      sign_in_("WWW-Authenticate: Bearer realm=\"sallyport\"\r\n" + console_.lines) {}

boost::system::result<void, std::string> Admin::listen(std::optional<int> inherited) {
  if (!inherited) {
    if (auto free = probe_port(address_); !free) return free.error();
    auto descriptor = open_listener(address_, 64);
    if (!descriptor) return descriptor.error();
    inherited = *descriptor;
  }
  const bool v6 = address_.host.find(':') != std::string::npos;
  acceptor_.assign(v6 ? net::ip::tcp::v6() : net::ip::tcp::v4(), *inherited);
  return {};
}

void Admin::begin() {
  spawn(control_, accept(), report);
  spawn(control_, tick(), report);
}

void Admin::use(std::shared_ptr<const Runtime> runtime) {
  runtime_ = std::move(runtime);
  token_ = runtime_->config.admin->token;
}

void Admin::stop() {
  draining_ = true;
  error_code ignored;
  acceptor_.close(ignored);
  ticker_.cancel();
  for (http1::ServerConnection* connection : connections_) connection->abort();
}

Task<> Admin::tick() {
  while (!draining_) {
    deadlines_.tick(std::chrono::steady_clock::now());
    ticker_.expires_after(Deadlines::kTick);
    auto [ec] = co_await ticker_.async_wait(kAwait);
    (void)ec;
  }
}

Task<> Admin::accept() {
  while (!draining_) {
    auto [ec, socket] = co_await acceptor_.async_accept(kAwait);
    if (ec == net::error::operation_aborted) co_return;
    if (ec) {
      net::steady_timer pause(control_, std::chrono::milliseconds(100));
      auto [ignored] = co_await pause.async_wait(kAwait);
      (void)ignored;
      continue;
    }
    if (connections_.size() >= kMaxConnections) continue;
    const int descriptor = socket.release(ec);
    if (ec) continue;
    Task<> connection = serve(Socket(control_.get_executor(), descriptor));
    spawn(control_, std::move(connection), report);
  }
}

Task<> Admin::serve(Socket socket) {
  Stream stream(std::move(socket), deadlines_);
  http1::ServerConnection::Host host{deadlines_, scratch_, blocks_, limits_, draining_, draining_, {}};
  host.handle = [this](http1::ServerConnection& connection, const http1::Refusal* refusal) {
    return answer(connection, refusal);
  };
  http1::ServerConnection connection(stream, host);
  connections_.insert(&connection);
  co_await connection.run();
  connections_.erase(&connection);
}

ReadyState Admin::readiness() const { return readiness_of(shared_, follower_, keys_); }

// The bearer token, on loopback too; and a Host that a page of somewhere else can't have led a browser to.
std::optional<Verdict> Admin::may(const RequestHead& head) const {
  const Field* credential = nullptr;
  for (const Field& field : head.fields) {
    if (field.id != FieldId::authorization) continue;
    if (credential != nullptr) return Verdict::token_malformed;
    credential = &field;
  }
  constexpr std::string_view kScheme = "Bearer ";
  if (credential == nullptr || !iequals(credential->value.substr(0, kScheme.size()), kScheme))
    return Verdict::token_missing;
  const std::string_view token = trim(credential->value.substr(kScheme.size()));
  if (token_.empty() || !token_.equals(token)) return Verdict::token_invalid;
  const bool by_address = parse_ip(head.host.starts_with('[') && head.host.ends_with(']')
                                       ? head.host.substr(1, head.host.size() - 2)
                                       : head.host)
                              .has_value();
  if (!by_address && !iequals(head.host, "localhost")) return Verdict::forbidden;
  return std::nullopt;
}

Task<std::string> Admin::metrics() {
  const Follower::Status status = follower_.status();
  metrics_.followed(status.staleness, status.resyncs);
  if (shared_.webhook != nullptr) {
    const Webhook::Counters messages = shared_.webhook->counters();
    metrics_.webhook(messages.sent, messages.failed, messages.dropped, messages.waiting);
  }
  metrics_.token_cache(shared_.token_cache_hits, shared_.token_cache_misses);
  metrics_.process(
      shared_.connections.load(), readiness().ready,
      (shared_.access ? shared_.access->dropped() : 0) + (shared_.audit ? shared_.audit->dropped() : 0));
  metrics_.reloads(reloads_.succeeded, reloads_.failed, reloads_.last.good, reloads_.in_force_since);
  const std::vector<WorkerReport> said = co_await reports();
  RequestTallies requests;
  for (const WorkerReport& report : said) requests.add(report.requests);
  std::string text = metrics_.text();
  append_requests(text, requests);
  append_upstreams(text, together(said));
  if (shared_.store != nullptr && shared_.store->tally() != nullptr)
    append_store(text, *shared_.store->tally());
  co_return text;
}

Task<> Admin::answer(http1::ServerConnection& connection, const http1::Refusal* refusal) {
  const std::string date =
      imf_fixdate(std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()));
  ReplyContext context;
  context.date = date;
  OwnAnswer answer{200, nullptr, "text/plain", "ok\n"};
  const RequestHead& head = connection.request();
  std::string body;
  if (refusal != nullptr) {
    answer.refusal = &reply_for(verdict_for_status(refusal->status));
  } else if (head.raw_path.starts_with("/admin/")) {
    const auto verdict = may(head);
    if (verdict == Verdict::token_missing && is_console(head)) {
      answer.status = 401;
      answer.content_type = "text/html; charset=utf-8";
      answer.body = console_.html;
      context.extra = sign_in_;
    } else if (verdict) {
      answer.refusal = &reply_for(*verdict);
    } else {
      Document document = co_await act(connection);
      answer.status = document.status;
      answer.content_type = document.type;
      if (document.refusal) answer.refusal = &reply_for(*document.refusal);
      context.allow = document.allow;
      context.extra = document.lines;
      body = std::move(document.body);
      answer.body = body;
    }
  } else if (head.raw_path != "/livez" && head.raw_path != "/readyz" && head.raw_path != "/metrics") {
    answer.refusal = &reply_for(Verdict::not_found);
  } else if (head.method != "GET" && head.method != "HEAD") {
    answer.refusal = &reply_for(Verdict::method_not_allowed);
    context.allow = "GET, HEAD";
  } else if (head.raw_path == "/metrics") {
    body = co_await metrics();
    answer.content_type = "text/plain; version=0.0.4";
    answer.body = body;
  } else if (head.raw_path == "/readyz") {
    const ReadyState now = readiness();
    answer.status = now.ready ? 200 : 503;
    body = now.ready ? "ready\n" : shared_.draining ? "draining\n" : "not ready: " + now.problem + "\n";
    body += "revocations read: " + std::to_string(follower_.status().entries) + "\n";
    answer.body = body;
  }
  if (answer.refusal != nullptr) answer.status = answer.refusal->status;
  (void)co_await connection.answer(answer, context);
}

// Whoever asks has shown the token.
Task<Admin::Document> Admin::act(http1::ServerConnection& connection) {
  const std::string method(connection.request().method), path(connection.request().raw_path);
  const std::string query(connection.request().query);
  const bool posts = path == "/admin/reload" || path == "/admin/revoke";
  if (posts && method == "POST") {
    if (path == "/admin/reload") co_return co_await reload();
    co_return co_await revoke(connection);
  }
  if (path == "/admin/upstreams" && (method == "GET" || method == "HEAD")) co_return co_await upstreams();
  PeopleRequest request = read_people_request(method, path, query);
  if (request.act != PeopleRequest::Act::none) co_return co_await people(std::move(request));
  Document document;
  document.allow = posts ? "POST" : path == "/admin/upstreams" ? "GET, HEAD" : request.allow;
  if (document.allow.empty()) co_return tell(method, path);
  document.refusal = Verdict::method_not_allowed;
  co_return document;
}

// What a worker that doesn't answer said the last time stands for it.
Task<std::vector<WorkerReport>> Admin::reports() {
  std::function<WorkerReport(Worker&)> question = [](Worker& worker) {
    return report_of(worker, std::chrono::steady_clock::now());
  };
  std::vector<Worker*> workers = workers_;
  std::vector<std::optional<WorkerReport>> said =
      co_await ask_all<WorkerReport>(control_, std::move(workers), std::move(question));
  last_.resize(said.size());
  for (std::size_t i = 0; i < said.size(); ++i)
    if (said[i]) last_[i] = std::move(*said[i]);
  co_return last_;
}

Task<Admin::Document> Admin::upstreams() {
  const std::vector<WorkerReport> said = co_await reports();
  Document document;
  document.body = upstreams_json(together(said));
  co_return document;
}

Task<Admin::Document> Admin::people(PeopleRequest request) {
  std::function<Task<AdminAnswer>(Worker&)> act = [request = std::move(request)](Worker& worker) {
    return answer_people(worker, request);
  };
  std::optional<AdminAnswer> answer =
      co_await run_on<AdminAnswer>(control_, *workers_.front(), std::move(act));
  Document document;
  document.status = answer ? answer->status : 503;
  if (answer) document.body = std::move(answer->body);
  co_return document;
}

Task<Admin::Document> Admin::revoke(http1::ServerConnection& connection) {
  Document document;
  config::Secret body;
  {
    std::string text;
    for (bool more = !connection.body_complete(); more;) {
      const BodyPiece piece = co_await connection.read_body();
      if (piece.state == BodyPiece::State::refused || piece.state == BodyPiece::State::gone ||
          text.size() + piece.bytes.size() > kMaxBody) {
        connection.close_after();
        document.refusal = Verdict::bad_request;
        co_return document;
      }
      text += piece.bytes;
      more = piece.state != BodyPiece::State::end;
    }
    body = config::Secret(std::move(text));
  }
  std::function<Task<AdminAnswer>(Worker&)> act = [body = std::move(body)](Worker& worker) {
    return answer_revoke(worker, body);
  };
  std::optional<AdminAnswer> answer =
      co_await run_on<AdminAnswer>(control_, *workers_.front(), std::move(act));
  document.status = answer ? answer->status : 503;
  if (answer) document.body = std::move(answer->body);
  co_return document;
}

Task<Admin::Document> Admin::reload() {
  struct Answer {
    explicit Answer(net::io_context& control) : timer(control, kReloadPatience) {}
    net::steady_timer timer;
    std::optional<ReloadOutcome> outcome;
  };
  const auto answer = std::make_shared<Answer>(control_);
  reload_([answer](const ReloadOutcome& outcome) {
    answer->outcome = outcome;
    answer->timer.cancel();
  });
  if (!answer->outcome) {
    auto [ec] = co_await answer->timer.async_wait(kAwait);
    (void)ec;  // cancelled: there is an outcome
  }
  ReloadOutcome outcome;
  outcome.problems = {"the workers haven't taken the new configuration up yet; /admin/status will tell"};
  if (answer->outcome) outcome = std::move(*answer->outcome);
  Document document;
  document.status = outcome.good ? 200 : 422;
  document.body = reload_json(outcome);
  co_return document;
}

Admin::Document Admin::tell(std::string_view method, std::string_view path) const {
  Document document;
  if (path == "/admin/") {
    document.type = "text/html; charset=utf-8";
    document.body = console_.html;
    document.lines = console_.lines;
  } else if (path == "/admin/keys") {
    document.body = keys_json(keys_.current());
  } else if (path == "/admin/status") {
    document.body = status_json(readiness(), shared_.connections.load(), reloads_);
  } else if (path == "/admin/config") {
    document.type = "application/yaml";
    document.body = config::dump(runtime_->config);
  } else if (path == "/admin/routes") {
    document.body = routes_json(*runtime_);
  } else if (path == "/admin/revocations") {
    document.body = revocations_json(follower_.status());
  } else {
    document.refusal = Verdict::not_found;
  }
  if (!document.refusal && method != "GET" && method != "HEAD") {
    document.refusal = Verdict::method_not_allowed;
    document.allow = "GET, HEAD";
  }
  return document;
}

}  // namespace sallyport::gateway
