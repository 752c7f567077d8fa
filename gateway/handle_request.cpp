#include "gateway/handle_request.hpp"

#include <spdlog/spdlog.h>

#include <array>

#include "gateway/await_key.hpp"
#include "gateway/endpoints/endpoints.hpp"
#include "gateway/forward.hpp"
#include "gateway/path.hpp"
#include "gateway/refuse.hpp"
#include "gateway/tickets.hpp"
#include "gateway/worker.hpp"

namespace sallyport::gateway {
namespace {

constexpr std::size_t kMaxAuthorizationFields = 2;  // two are refused like twenty

policy::Credential credential_of(const RequestHead& head) {
  std::array<std::string_view, kMaxAuthorizationFields> values;
  std::size_t count = 0;
  for (const Field& field : head.fields)
    if (field.id == FieldId::authorization && count < values.size()) values[count++] = field.value;
  return policy::parse_authorization(std::span<const std::string_view>(values.data(), count));
}

// Who sends it, and may they? Fills the context's claims; nullopt: go on, else what to answer.
std::optional<Verdict> judge(Worker& worker, const RequestHead& head, const policy::RoutePolicy& policy,
                             RequestContext& context) {
  if (policy.auth == config::AuthMode::none) return std::nullopt;
  policy::Decision decision =
      worker.authenticator().decide(credential_of(head), policy, worker.unix_now(), worker.freshness());
  context.claims = std::move(decision.claims);
  if (decision.reason) context.reason = jose::to_string(*decision.reason);
  if (passes(decision.verdict)) {
    if (decision.first_seen && context.claims) worker.confirm(context.claims);
    return std::nullopt;
  }
  switch (decision.verdict) {
    case policy::Verdict::token_missing:
      return Verdict::token_missing;
    case policy::Verdict::token_malformed:
      return Verdict::token_malformed;
    case policy::Verdict::token_expired:
      return Verdict::token_expired;
    case policy::Verdict::token_revoked:
      return Verdict::token_revoked;
    case policy::Verdict::forbidden:
      return Verdict::forbidden;
    case policy::Verdict::store_unavailable:
      return Verdict::store_unavailable;
    default:
      return Verdict::token_invalid;
  }
}

// A preflight asks before any credential exists (Fetch standard); it touches no upstream.
Task<> answer_preflight(Worker& worker, Exchange& exchange, RequestContext& context, const CorsPolicy& cors) {
  std::string lines;
  cors.append_preflight(lines, exchange.request());
  ReplyContext reply;
  reply.request_id = context.provenance.request_id;
  reply.date = worker.date();
  reply.extra = lines;
  context.status = 204;
  context.endpoint = "preflight";
  OwnAnswer answer{204, nullptr, {}, {}};
  (void)co_await exchange.answer(answer, reply);  // a client that left is seen at the next read
}

const CorsPolicy* cors_of(const Runtime& runtime, const Match& match) {
  if (match.kind == Match::Kind::endpoint) return &runtime.endpoint_cors;
  return match.has_route ? &runtime.routes[match.route].cors : nullptr;
}

Task<> serve(Worker& worker, Exchange& exchange, RequestContext& context) {
  const RequestHead& head = exchange.request();
  const Runtime& runtime = worker.runtime();

  const NormalPath path = normalise_path(head.raw_path, context.path_scratch);
  if (!path.good()) {
    context.reason = path.refusal;
    co_return co_await refuse(worker, exchange, context, Verdict::bad_request);
  }
  context.path = path.path;

  const auto asked = preflight_method(head);
  Match match = runtime.router.find(head.host, path, asked.value_or(head.method));
  const CorsPolicy* cors = cors_of(runtime, match);
  if (asked && (cors == nullptr || !cors->on())) {
    // No preflight to answer here: an OPTIONS like any other, which doesn't borrow the rule of another
    // method.
    match = runtime.router.find(head.host, path, head.method);
    cors = cors_of(runtime, match);
  }
  if (match.has_route) context.route = &runtime.routes[match.route];
  if (cors != nullptr && cors->on()) {
    if (asked && match.kind != Match::Kind::bad_path)
      co_return co_await answer_preflight(worker, exchange, context, *cors);
    cors->append_answer(context.cors, head);
  }

  switch (match.kind) {
    case Match::Kind::bad_path:
      context.reason = "ambiguous_path";
      co_return co_await refuse(worker, exchange, context, Verdict::bad_request);
    case Match::Kind::not_found:
      co_return co_await refuse(worker, exchange, context, Verdict::not_found);
    case Match::Kind::method_not_allowed:
      co_return co_await refuse(worker, exchange, context, Verdict::method_not_allowed, match.allow);
    case Match::Kind::endpoint: {
      const bool open = endpoints::needs_no_token(match.endpoint);
      if (!open) {
        auto verdict = judge(worker, head, runtime.bearer_only, context);
        if (verdict && lacks_key(context)) {
          const bool again = co_await await_key(worker, head, context);
          if (again) verdict = judge(worker, head, runtime.bearer_only, context);
        }
        if (verdict) co_return co_await refuse(worker, exchange, context, *verdict);
      }
      co_return co_await endpoints::serve(worker, exchange, context, match);
    }
    case Match::Kind::route:
      break;
  }
  TicketJudgement judged = co_await judge_ticket(worker, head, *context.route, context);
  if (!judged.judged) judged.verdict = judge(worker, head, context.route->policy, context);
  if (!judged.judged && judged.verdict && lacks_key(context)) {
    const bool again = co_await await_key(worker, head, context);
    if (again) judged.verdict = judge(worker, head, context.route->policy, context);
  }
  if (judged.verdict) co_return co_await refuse(worker, exchange, context, *judged.verdict);
  co_await forward(worker, exchange, context);
}

Verdict verdict_of(const http1::Refusal& refusal) { return verdict_for_status(refusal.status); }

}  // namespace

Task<> handle_request(Worker& worker, Exchange& exchange, const Arrival& arrival,
                      const http1::Refusal* refusal) {
  std::unique_ptr<RequestContext> context = worker.take_context();
  context->began = std::chrono::steady_clock::now();
  decide_provenance(context->provenance, exchange.request(), arrival, worker.runtime().trusted_proxies,
                    worker.chance());
  bool broken = false;
  try {
    if (refusal != nullptr) {
      context->reason = refusal->code;
      co_await refuse(worker, exchange, *context, verdict_of(*refusal));
    } else {
      co_await serve(worker, exchange, *context);
    }
  } catch (const std::exception& error) {
    spdlog::error("request {}: {}", context->provenance.request_id, error.what());
    context->reason = "exception";
    broken = true;
  }
  if (broken && !exchange.response_started()) {
    exchange.close_after();
    co_await refuse(worker, exchange, *context, Verdict::internal_error);
  } else if (broken) {
    exchange.cut();
  }
  worker.log_access(*context, refusal == nullptr ? &exchange.request() : nullptr, exchange);
  worker.give_back(std::move(context));
}

}  // namespace sallyport::gateway
