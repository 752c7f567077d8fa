// POST logout: ends this session (by either of its tokens, expired or not), the user's others, or all.
#include "gateway/cookie_session.hpp"
#include "gateway/endpoints/acts.hpp"
#include "gateway/endpoints/fields.hpp"
#include "gateway/endpoints/scope.hpp"
#include "gateway/judge.hpp"
#include "gateway/refuse.hpp"

namespace sallyport::gateway::endpoints {
namespace {

// The access token that came along, verified but for expiry and revocation.
std::optional<Verdict> take_claims(Call call) {
  const policy::Credential credential = credential_of(call.exchange.request());
  if (credential.kind == policy::Credential::Kind::malformed) return Verdict::token_malformed;
  if (credential.kind == policy::Credential::Kind::none) return std::nullopt;
  auto claims = call.worker.authenticator().claims_of(credential.token, call.worker.unix_now());
  if (!claims) {
    call.context.reason = jose::to_string(claims.error());
    return Verdict::token_invalid;
  }
  call.context.claims = std::move(*claims);
  return std::nullopt;
}

// The cookies' part in a logout: the refresh token names the session however old the access token is. true:
// they are what the client came with.
bool take_cookies(Call call, std::optional<std::string>& refresh_token) {
  const SessionCookies cookies = cookies_of(call);
  if (refresh_token || cookies.refresh.empty()) return false;
  refresh_token = std::string(cookies.refresh);
  return true;
}

Task<> end_this(Call call, std::optional<std::string> refresh_token) {
  if (const auto verdict = take_claims(call))
    co_return co_await refuse(call.worker, call.exchange, call.context, *verdict);
  const bool by_cookies = take_cookies(call, refresh_token);
  const bool by_refresh_token = refresh_token.has_value();
  if (!call.context.claims && !refresh_token)
    co_return co_await refuse(call.worker, call.exchange, call.context, Verdict::token_missing);
  std::shared_ptr<const jose::Claims> access = call.context.claims;
  const auto done = co_await call.sessions().logout(std::move(access), std::move(refresh_token));
  if (!done) {
    if (done.error().failure == sessions::LogoutFailure::invalid && by_cookies)
      call.context.cookies = clearing_lines();
    const Failure failure = failure_of(done.error(), by_refresh_token);
    co_return co_await fail(call, failure);
  }
  if (call.context.claims)
    audit(call, "logout", call.context.claims->subject, call.context.claims->session_id, "this");
  else
    audit(call, "logout", {}, {}, "this");  // SessionService's own line names user and session
  if (by_cookies) call.context.cookies = clearing_lines();
  co_await answer_nothing(call);
}

// Ends other people's devices too, so an old token isn't enough.
Task<> end_many(Call call, LogoutScope scope) {
  const RequestHead& head = call.exchange.request();
  const policy::RoutePolicy& policy = call.runtime().bearer_only;
  CookieJudgement judged = co_await judge_cookies(call.worker, head, policy, call.context);
  if (!judged.judged) judged.verdict = judge(call.worker, head, policy, call.context);
  if (judged.verdict) co_return co_await refuse(call.worker, call.exchange, call.context, *judged.verdict);
  const std::shared_ptr<const jose::Claims> claims = call.context.claims;
  std::optional<sessions::SessionId> except;
  if (scope == LogoutScope::others) except = sessions::SessionId::parse(claims->session_id);
  std::string user = claims->subject;
  const auto ended =
      co_await call.sessions().end_all_of_user(std::move(user), except, sessions::EndCause::logout);
  if (!ended) {
    const Failure failure = failure_of(ended.error());
    co_return co_await fail(call, failure);
  }
  if (scope == LogoutScope::all &&
      claims->session_id.empty()) {  // minted without a session: the token itself
    std::shared_ptr<const jose::Claims> access = claims;
    std::optional<std::string> no_refresh_token;
    const auto done = co_await call.sessions().logout(std::move(access), std::move(no_refresh_token));
    if (!done) {
      const Failure failure = failure_of(done.error(), false);
      co_return co_await fail(call, failure);
    }
  }
  audit(call, "logout", claims->subject, claims->session_id, to_string(scope));
  if (scope == LogoutScope::all && judged.judged) call.context.cookies = clearing_lines();
  co_await answer_nothing(call);
}

}  // namespace

Task<> logout(Call call) {
  if (cookies_of(call).state != SessionCookies::State::absent && !from_our_pages(call))
    co_return co_await refuse(call.worker, call.exchange, call.context, Verdict::origin_refused);
  const auto scope = logout_scope(call.exchange.request().query);
  const auto body = co_await read_json(call, Body::optional);
  if (!body) co_return;
  if (!scope) {
    const Failure failure = invalid_request("scope must be one of this, others and all", "scope");
    co_return co_await fail(call, failure);
  }
  Fields fields(*body, call.dialect());
  std::optional<std::string> refresh_token = fields.optional("refresh_token");
  if (!fields.good()) {
    const Failure failure = invalid_fields(fields.problems());
    co_return co_await fail(call, failure);
  }
  if (*scope == LogoutScope::self) co_return co_await end_this(call, std::move(refresh_token));
  co_await end_many(call, *scope);
}

}  // namespace sallyport::gateway::endpoints
