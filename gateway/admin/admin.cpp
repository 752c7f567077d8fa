#include "gateway/admin/admin.hpp"

#include <spdlog/spdlog.h>

#include <boost/json/serialize.hpp>

#include "config/dump.hpp"
#include "gateway/admin/ask.hpp"
#include "gateway/admin/openapi.hpp"
#include "gateway/date.hpp"
#include "gateway/net/listen.hpp"
#include "gateway/refuse.hpp"
#include "gateway/span_sender.hpp"
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
  if (shared_.spans != nullptr) {
    const SpanSender::Counters spans = shared_.spans->counters();
    metrics_.spans(spans.sent, spans.dropped, spans.failed);
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
  const RequestHead& head = connection.request();
  admin::Found found;
  if (refusal == nullptr) found = admin::find(head.method, head.raw_path);
  const auto verdict = refusal == nullptr && admin::needs_token(head.raw_path) ? may(head) : std::nullopt;
  Document document;
  if (refusal != nullptr) {
    document.refusal = verdict_for_status(refusal->status);
  } else if (verdict == Verdict::token_missing && found.entry != nullptr &&
             found.entry->act == admin::Act::console) {
    // A browser can't be told to send a token with a page's address, so whoever has none yet gets the same
    // page with the 401: it holds nothing but a form for the token, and asks for the rest with it.
    document.status = 401;
    document.type = found.entry->type;
    document.body = console_.html;
    document.lines = sign_in_;
  } else if (verdict) {
    document.refusal = verdict;
  } else if (found.entry == nullptr) {
    document.refusal = found.allow.empty() ? Verdict::not_found : Verdict::method_not_allowed;
    context.allow = found.allow;
  } else {
    document = co_await act(connection, found);
  }
  OwnAnswer answer{document.status, nullptr, document.type, document.body};
  if (document.refusal) {
    answer.refusal = &reply_for(*document.refusal);
    answer.status = answer.refusal->status;
  }
  context.extra = document.lines;
  (void)co_await connection.answer(answer, context);
}

// Whoever asks may.
Task<Admin::Document> Admin::act(http1::ServerConnection& connection, const admin::Found& found) {
  using admin::Act;
  Document document;
  document.type = found.entry->type;
  switch (found.entry->act) {
    case Act::livez:
      document.body = "ok\n";
      break;
    case Act::readyz: {
      const ReadyState now = readiness();
      document.status = now.ready ? 200 : 503;
      document.body = now.ready          ? "ready\n"
                      : shared_.draining ? "draining\n"
                                         : "not ready: " + now.problem + "\n";
      document.body += "revocations read: " + std::to_string(follower_.status().entries) + "\n";
      break;
    }
    case Act::metrics:
      document.body = co_await metrics();
      break;
    case Act::console:
      document.body = console_.html;
      document.lines = console_.lines;
      break;
    case Act::openapi:
      document.body = boost::json::serialize(admin::openapi_document());
      break;
    case Act::status:
      document.body = status_json(readiness(), shared_.connections.load(), reloads_);
      break;
    case Act::config:
      document.body = config::dump(runtime_->config);
      break;
    case Act::routes:
      document.body = routes_json(*runtime_);
      break;
    case Act::keys:
      document.body = keys_json(keys_.current());
      break;
    case Act::revocations:
      document.body = revocations_json(follower_.status());
      break;
    case Act::upstreams: {
      const std::vector<WorkerReport> said = co_await reports();
      document.body = upstreams_json(together(said));
      break;
    }
    case Act::revoke:
      co_return co_await revoke(connection);
    case Act::reload:
      co_return co_await reload();
    case Act::users:
    case Act::user:
    case Act::end_sessions:
    case Act::disable:
    case Act::enable:
    case Act::reset_token:
    case Act::session:
    case Act::end_session: {
      PeopleRequest request = read_people_request(found.entry->act, found.id, connection.request().query);
      co_return co_await people(std::move(request));
    }
  }
  co_return document;
}

// What it was asked to do may still happen; asking again is safe.
Admin::Document Admin::Document::of(std::optional<AdminAnswer> said) {
  Document document;
  if (!said) {
    document.refusal = Verdict::store_unavailable;
    return document;
  }
  document.status = said->status;
  document.body = std::move(said->body);
  return document;
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

Task<Admin::Document> Admin::people(PeopleRequest request) {
  std::function<Task<AdminAnswer>(Worker&)> act = [request = std::move(request)](Worker& worker) {
    return answer_people(worker, request);
  };
  std::optional<AdminAnswer> answer =
      co_await run_on<AdminAnswer>(control_, *workers_.front(), std::move(act));
  co_return Document::of(std::move(answer));
}

Task<Admin::Document> Admin::revoke(http1::ServerConnection& connection) {
  config::Secret body;
  {
    std::string text;
    for (bool more = !connection.body_complete(); more;) {
      const BodyPiece piece = co_await connection.read_body();
      if (piece.state == BodyPiece::State::refused || piece.state == BodyPiece::State::gone ||
          text.size() + piece.bytes.size() > kMaxBody) {
        connection.close_after();
        Document document;
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
  co_return Document::of(std::move(answer));
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

}  // namespace sallyport::gateway
