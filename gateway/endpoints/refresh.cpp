// POST refresh: a refresh token for the next pair of its session.
#include "gateway/await_key.hpp"
#include "gateway/cookie_session.hpp"
#include "gateway/endpoints/acts.hpp"
#include "gateway/endpoints/fields.hpp"
#include "gateway/refuse.hpp"

namespace sallyport::gateway::endpoints {

namespace {

using ClaimsResult = boost::system::result<std::shared_ptr<const jose::Claims>, jose::TokenError>;

// As await_refresh_key() for the access token that comes along.
Task<ClaimsResult> claims_of(Call call, const std::string& token) {
  auto claims = call.worker.authenticator().claims_of(token, call.worker.unix_now());
  if (claims || claims.error() != jose::TokenError::unknown_key) co_return claims;
  std::optional<jose::KeyWish> wish = jose::key_wish(token);
  if (!wish) co_return claims;
  const bool looked = co_await await_key(call.worker, std::move(*wish));
  if (looked) claims = call.worker.authenticator().claims_of(token, call.worker.unix_now());
  co_return claims;
}

}  // namespace

Task<> refresh(Call call) {
  const SessionCookies cookies = cookies_of(call);
  const bool by_cookie = !cookies.refresh.empty();
  const auto body = co_await read_json(call, by_cookie ? Body::optional : Body::required);
  if (!body) co_return;
  Fields fields(*body, call.dialect());
  const bool in_body = !by_cookie || fields.optional("refresh_token").has_value();
  std::string token = in_body ? fields.required("refresh_token") : std::string(cookies.refresh);
  const std::optional<std::string> access_token = fields.optional("access_token");
  if (!fields.good()) {
    const Failure failure = invalid_fields(fields.problems());
    co_return co_await fail(call, failure);
  }

  if (!in_body && !from_our_pages(call))
    co_return co_await refuse(call.worker, call.exchange, call.context, Verdict::origin_refused);

  std::shared_ptr<const jose::Claims> access;
  if (access_token) {
    auto claims = co_await claims_of(call, *access_token);
    if (!claims) {
      Failure failure = failure_of(sessions::RefreshError{sessions::RefreshFailure::invalid, {}});
      failure.reason = jose::to_string(claims.error());
      co_return co_await fail(call, failure);
    }
    access = std::move(*claims);
    call.context.claims = access;
  }
  co_await await_refresh_key(call.worker, token);
  sessions::Client client = client_of(call, {});
  auto refreshed = co_await call.sessions().refresh(std::move(token), std::move(access), std::move(client));
  if (!refreshed) {
    if (!in_body && ends_session(refreshed.error().failure)) call.context.cookies = clearing_lines();
    const Failure failure = failure_of(refreshed.error());
    co_return co_await fail(call, failure);
  }
  co_await answer_tokens(call, *refreshed);
}

}  // namespace sallyport::gateway::endpoints
