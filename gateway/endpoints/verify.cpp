// GET verify: for teams that keep nginx (auth_request) or Traefik (forwardAuth) in front. The proxy describes
// a client's request in X-Forwarded-*; the answer is what its route here would have decided, with the
// identity headers that the upstream is to get. Whoever lies in them fools nobody but himself: no request
// goes on.
#include "gateway/await_key.hpp"
#include "gateway/cookie_session.hpp"
#include "gateway/endpoints/acts.hpp"
#include "gateway/endpoints/endpoints.hpp"
#include "gateway/http1/target.hpp"
#include "gateway/identity_headers.hpp"
#include "gateway/judge.hpp"
#include "gateway/path.hpp"
#include "gateway/refuse.hpp"
#include "gateway/text.hpp"
#include "gateway/tickets.hpp"

namespace sallyport::gateway::endpoints {
namespace {

// The value of a field that must be there at most once; nullopt: repeated.
std::optional<std::string_view> once(const RequestHead& head, std::string_view name) {
  std::string_view value;
  bool found = false;
  for (const Field& field : head.fields) {
    if (!iequals(field.name, name)) continue;
    if (found) return std::nullopt;
    found = true;
    value = field.value;
  }
  return value;
}

// The client's request, as the proxy tells of it: this one with another method and target.
std::optional<RequestHead> described(const RequestHead& head) {
  const auto method = once(head, "X-Forwarded-Method"), uri = once(head, "X-Forwarded-Uri"),
             host = once(head, "X-Forwarded-Host");
  if (!method || !uri || !host || !is_token(*method) || !uri->starts_with('/')) return std::nullopt;
  RequestHead asked = head;
  asked.method = *method;
  asked.target = *uri;
  const std::size_t question = uri->find('?');
  asked.raw_path = uri->substr(0, question);
  asked.has_query = question != uri->npos;
  asked.query = asked.has_query ? uri->substr(question + 1) : std::string_view{};
  if (!host->empty()) {
    if (!http1::valid_authority(*host, asked.host)) return std::nullopt;
    asked.authority = *host;
  }
  return asked;
}

Task<std::optional<Verdict>> judge_described(Call call, const RequestHead& asked,
                                             const policy::RoutePolicy& policy) {
  const CookieJudgement by_cookies = co_await judge_cookies(call.worker, asked, policy, call.context);
  if (by_cookies.judged) co_return by_cookies.verdict;
  const std::optional<Verdict> verdict = judge(call.worker, asked, policy, call.context);
  if (!verdict || !lacks_key(call.context)) co_return verdict;
  const bool again = co_await await_key(call.worker, asked, call.context);
  if (again) co_return judge(call.worker, asked, policy, call.context);
  co_return Verdict::token_invalid;
}

Task<std::optional<Verdict>> judge_route(Call call, const RequestHead& asked, const CompiledRoute& route) {
  const TicketJudgement by_ticket = co_await judge_ticket(call.worker, asked, route, call.context);
  if (by_ticket.judged) co_return by_ticket.verdict;
  co_return co_await judge_described(call, asked, route.policy);
}

Task<> answer_passes(Call call, const CompiledRoute* route) {
  Answer answer;
  answer.content_type = {};
  if (route != nullptr && call.context.claims)
    answer.lines = identity_headers(*call.context.claims, route->config->claims_to_headers,
                                    route->config->claims_format);
  co_await answer_with(call, answer);
}

}  // namespace

Task<> verify(Call call) {
  const auto asked = described(call.exchange.request());
  if (!asked) {
    const Failure failure = invalid_request(
        "X-Forwarded-Method and X-Forwarded-Uri must tell of the request, once each", "no description");
    co_return co_await fail(call, failure);
  }
  const Runtime& runtime = call.runtime();
  std::string scratch;
  const NormalPath path = normalise_path(asked->raw_path, scratch);
  const auto preflight = preflight_method(*asked);
  const Match match = runtime.router.find(asked->host, path, preflight.value_or(asked->method));
  const CompiledRoute* route = match.has_route ? &runtime.routes[match.route] : nullptr;
  if (route != nullptr && route->cors.on()) {
    call.context.cors.clear();
    route->cors.append_answer(call.context.cors, *asked);
    if (preflight && match.kind != Match::Kind::bad_path)  // asked before any credential exists
      co_return co_await answer_passes(call, nullptr);
  }

  std::optional<Verdict> verdict;
  switch (match.kind) {
    case Match::Kind::bad_path:
      verdict = Verdict::bad_request;
      break;
    case Match::Kind::not_found:
      verdict = Verdict::not_found;
      break;
    case Match::Kind::method_not_allowed:
      verdict = Verdict::method_not_allowed;
      break;
    case Match::Kind::endpoint:
      if (!needs_no_token(match.endpoint))
        verdict = co_await judge_described(call, *asked, runtime.bearer_only);
      break;
    case Match::Kind::route:
      verdict = co_await judge_route(call, *asked, *route);
      break;
  }
  if (verdict) co_return co_await refuse(call.worker, call.exchange, call.context, *verdict, match.allow);
  co_await answer_passes(call, route);
}

}  // namespace sallyport::gateway::endpoints
