// POST revoke (RFC 7009): the end of a session by its refresh token, or of one access token.
#include "gateway/endpoints/acts.hpp"
#include "gateway/endpoints/oauth.hpp"
#include "gateway/refuse.hpp"

namespace sallyport::gateway::endpoints {
namespace {

OAuthFailure not_theirs() {
  return oauth_failure("unauthorized_client", "The token was not issued to this client");
}

Task<> answer_ok(Call call) {
  Answer answer;
  answer.content_type = {};
  co_await answer_with(call, answer);
}

Task<> end_by_refresh_token(Call call, std::string text, std::string owner) {
  std::shared_ptr<const jose::Claims> no_access_token;
  std::optional<std::string> token(std::move(text));
  const auto done =
      co_await call.sessions().logout(std::move(no_access_token), std::move(token), std::move(owner));
  if (!done) {
    const OAuthFailure failure = oauth_failure(failure_of(done.error(), true));
    co_return co_await oauth_fail(call, failure);
  }
  audit(call, "logout", {}, {}, "revoked");  // SessionService's own line names user and session
  co_await answer_ok(call);
}

Task<> end_access_token(Call call, std::shared_ptr<const jose::Claims> claims) {
  call.context.claims = claims;
  std::shared_ptr<const jose::Claims> token = claims;
  const auto done = co_await call.sessions().end_token(std::move(token));
  if (!done) {
    const OAuthFailure failure = oauth_failure(failure_of(done.error()));
    co_return co_await oauth_fail(call, failure);
  }
  audit(call, "token_revoked", claims->subject, claims->session_id);
  co_await answer_ok(call);
}

}  // namespace

Task<> revoke(Call call) {
  const auto asked = co_await read_oauth(call);
  if (!asked) co_return;
  const auto token = asked->form.find("token");
  if (!token) {
    const OAuthFailure failure = oauth_failure("invalid_request", "token is required");
    co_return co_await oauth_fail(call, failure);
  }
  // token_type_hint is only that: each kind is known by its form.
  const auto owner = owner_of(call, *token);
  if (owner && *owner == asked->client.id) {
    std::string text(*token);
    co_return co_await end_by_refresh_token(call, std::move(text), *owner);
  }
  std::shared_ptr<const jose::Claims> claims;
  if (!owner) claims = own_claims(call, *token);
  if (owner || (claims && client_of(*claims) != asked->client.id)) {
    const OAuthFailure failure = not_theirs();
    co_return co_await oauth_fail(call, failure);
  }
  if (claims) co_return co_await end_access_token(call, std::move(claims));
  co_await answer_ok(call);  // section 2.2: an unknown token is revoked as far as the client cares
}

}  // namespace sallyport::gateway::endpoints
