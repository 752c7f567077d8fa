#include "gateway/handle_request.hpp"

#include <spdlog/spdlog.h>

#include "gateway/await_key.hpp"
#include "gateway/cookie_session.hpp"
#include "gateway/cookies.hpp"
#include "gateway/endpoints/endpoints.hpp"
#include "gateway/forward.hpp"
#include "gateway/judge.hpp"
#include "gateway/net/loop_clock.hpp"
#include "gateway/path.hpp"
#include "gateway/refuse.hpp"
#include "gateway/tickets.hpp"
#include "gateway/worker.hpp"

namespace sallyport::gateway {
namespace {

// Answers an OPTIONS that touches no upstream: 204 with these lines.
[[gnu::cold]] Task<> answer_options(Worker& worker, Exchange& exchange, RequestContext& context,
                                    std::string_view lines) {
  ReplyContext reply;
  reply.request_id = context.provenance.request_id;
  reply.date = worker.date();
  reply.extra = lines;
  context.status = 204;
  context.endpoint = "options";
  const OwnAnswer answer{204, nullptr, {}, {}};
  (void)co_await exchange.answer(answer, reply);  // a client that left is seen at the next read
}

// The token was refused for want of its issuer's key: judged again once that may have come.
[[gnu::cold]] Task<std::optional<Verdict>> judge_with_new_key(Worker& worker, const RequestHead& head,
                                                              const policy::RoutePolicy& policy,
                                                              RequestContext& context) {
  const bool again = co_await await_key(worker, head, context);
  if (again) co_return judge(worker, head, policy, context);
  co_return Verdict::token_invalid;
}

// In cookie mode: by cookies where they count, else by its token.
Task<std::optional<Verdict>> judge_sender(Worker& worker, const RequestHead& head,
                                          const policy::RoutePolicy& policy, RequestContext& context) {
  const CookieJudgement by_cookies = co_await judge_cookies(worker, head, policy, context);
  if (by_cookies.judged) co_return by_cookies.verdict;
  const std::optional<Verdict> verdict = judge(worker, head, policy, context);
  if (!verdict || !lacks_key(context)) co_return verdict;
  const std::optional<Verdict> again = co_await judge_with_new_key(worker, head, policy, context);
  co_return again;
}

// Somebody without a session opens a page: to the login page, and back from there.
[[gnu::cold]] Task<> send_to_login(Worker& worker, Exchange& exchange, RequestContext& context,
                                   const std::string& location) {
  ReplyContext how = reply_context(worker, context);
  const std::string line = "Location: " + location + "\r\n";
  how.extra = line;
  context.status = 302;
  context.refusal = "login_required";
  const OwnAnswer answer{302, nullptr, {}, {}};
  if (const error_code ec = co_await exchange.answer(answer, how)) exchange.cut();
}

const CorsPolicy* cors_of(const Runtime& runtime, const Match& match) {
  if (match.kind == Match::Kind::endpoint) return &runtime.endpoint_cors;
  return match.has_route ? &runtime.routes[match.route].cors : nullptr;
}

Task<> serve(Worker& worker, Exchange& exchange, RequestContext& context) {
  const RequestHead& head = exchange.request();
  const Runtime& runtime = context.runtime();
  const bool by_cookies = runtime.config.auth.cookies.on;  // without them, no coroutine more than needed
  // RFC 9110 9.3.7: "OPTIONS *" asks the server itself whether it is there.
  std::string lines;
  if (head.raw_path == "*") co_return co_await answer_options(worker, exchange, context, lines);

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
    if (asked && match.kind != Match::Kind::bad_path) {
      // A preflight asks before any credential exists (Fetch standard).
      cors->append_preflight(lines, head);
      co_return co_await answer_options(worker, exchange, context, lines);
    }
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
      const policy::RoutePolicy& policy = runtime.bearer_only;
      const bool asks = !endpoints::needs_no_token(match.endpoint);
      std::optional<Verdict> verdict;
      if (asks && by_cookies) verdict = co_await judge_sender(worker, head, policy, context);
      if (asks && !by_cookies) verdict = judge(worker, head, policy, context);
      if (!by_cookies && verdict && lacks_key(context))
        verdict = co_await judge_with_new_key(worker, head, policy, context);
      if (verdict) co_return co_await refuse(worker, exchange, context, *verdict);
      co_return co_await endpoints::serve(worker, exchange, context, match);
    }
    case Match::Kind::route:
      break;
  }
  TicketJudgement judged;
  if (head.has_query) judged = co_await judge_ticket(worker, head, *context.route, context);
  const policy::RoutePolicy& policy = context.route->policy;
  if (!judged.judged && by_cookies) judged.verdict = co_await judge_sender(worker, head, policy, context);
  if (!judged.judged && !by_cookies) judged.verdict = judge(worker, head, policy, context);
  if (!judged.judged && !by_cookies && judged.verdict && lacks_key(context))
    judged.verdict = co_await judge_with_new_key(worker, head, policy, context);
  if (by_cookies && judged.verdict && reply_for(*judged.verdict).status == 401) {
    const std::string_view query = context.query ? std::string_view(*context.query) : head.query;
    const auto location = login_location(head, runtime.config.auth, query);
    if (location) co_return co_await send_to_login(worker, exchange, context, *location);
  }
  if (judged.verdict) co_return co_await refuse(worker, exchange, context, *judged.verdict);
  co_await forward(worker, exchange, context);
}

Verdict verdict_of(const http1::Refusal& refusal) { return verdict_for_status(refusal.status); }

}  // namespace

Task<> handle_request(Worker& worker, Exchange& exchange, const Arrival& arrival,
                      const http1::Refusal* refusal) {
  std::unique_ptr<RequestContext> context = worker.take_context();
  context->serving = worker.serving();
  context->began = loop_now();
  const Runtime& runtime = context->runtime();
  if (runtime.config.tracing)
    context->trace = decide_trace(traceparent_of(exchange.request()), runtime.config.tracing->sample,
                                  worker.chance(), worker.chance());
  decide_provenance(context->provenance, exchange.request(), arrival, runtime.trusted_proxies,
                    worker.chance(), context->trace);
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
