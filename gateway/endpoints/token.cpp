// POST token: RFC 6749 section 4.3 (a user's name and password) and section 6 (a refresh token) for a pair.
#include "gateway/await_key.hpp"
#include "gateway/endpoints/acts.hpp"
#include "gateway/endpoints/json_object.hpp"
#include "gateway/endpoints/oauth.hpp"

namespace sallyport::gateway::endpoints {
namespace {

// Every scope that is asked for must be one that the user has; the token then has all of them, and says so.
bool covers(std::string_view granted, std::string_view asked) {
  const auto next = [](std::string_view& list) {
    const std::size_t end = list.find(' ');
    const std::string_view one = list.substr(0, end);
    list.remove_prefix(end == list.npos ? list.size() : end + 1);
    return one;
  };
  while (!asked.empty()) {
    const std::string_view one = next(asked);
    bool found = one.empty();
    for (std::string_view rest = granted; !rest.empty() && !found;) found = next(rest) == one;
    if (!found) return false;
  }
  return true;
}

std::string scope_of(const users::User& user) {
  const auto scope = user.claims.find("scope");
  return scope == user.claims.end() ? std::string() : scope->second;
}

OAuthFailure invalid_scope() {
  return oauth_failure("invalid_scope", "A scope was asked for that this user has not");
}

Task<> answer(Call call, const sessions::TokenPair& pair, const OAuthClient& client) {
  note_user(call, pair);
  JsonObject json;
  json.text("access_token", pair.access_token)
      .text("token_type", "Bearer")
      .number("expires_in", pair.expires_in.count());
  if (client.may(config::Grant::refresh_token)) json.text("refresh_token", pair.refresh_token);
  if (const std::string scope = scope_of(pair.user); !scope.empty()) json.text("scope", scope);
  const std::string body = std::move(json).take();
  co_await answer_oauth(call, body);
}

Task<> by_password(Call call, const OAuthCall& asked) {
  const auto name = asked.form.find("username"), password = asked.form.find("password");
  if (!name || !password) {
    const OAuthFailure failure = oauth_failure("invalid_request", "username and password are required");
    co_return co_await oauth_fail(call, failure);
  }
  sessions::Client from = client_of(call, asked.client.id);
  from.client_id = asked.client.id;
  std::string typed(*name);
  config::Secret given{std::string(*password)};
  std::string address = from.ip;
  auto user = co_await call.users().login(std::move(typed), std::move(given), std::move(address));
  if (!user) {
    const Failure why = failure_of(user.error());
    audit(call, "login_failed", *name, {}, why.error);
    const OAuthFailure failure = oauth_failure(why);
    co_return co_await oauth_fail(call, failure);
  }
  if (!covers(scope_of(*user), asked.form.find("scope").value_or(std::string_view{}))) {
    const OAuthFailure failure = invalid_scope();
    co_return co_await oauth_fail(call, failure);
  }
  auto opened = co_await call.sessions().open(std::move(*user), std::move(from));
  if (!opened) {
    const Failure why = failure_of(opened.error());
    audit(call, "login_failed", *name, {}, why.error);
    const OAuthFailure failure = oauth_failure(why);
    co_return co_await oauth_fail(call, failure);
  }
  audit(call, "login", opened->user.id, opened->session_id);
  co_await answer(call, *opened, asked.client);
}

Task<> by_refresh_token(Call call, const OAuthCall& asked) {
  const auto given = asked.form.find("refresh_token");
  if (!given) {
    const OAuthFailure failure = oauth_failure("invalid_request", "refresh_token is required");
    co_return co_await oauth_fail(call, failure);
  }
  std::string token(*given);
  co_await await_refresh_key(call.worker, token);
  sessions::Client from = client_of(call, {});
  from.client_id = asked.client.id;
  std::shared_ptr<const jose::Claims> no_access_token;
  auto refreshed =
      co_await call.sessions().refresh(std::move(token), std::move(no_access_token), std::move(from));
  if (!refreshed) {
    const OAuthFailure failure = oauth_failure(failure_of(refreshed.error()));
    co_return co_await oauth_fail(call, failure);
  }
  // Section 6: none beyond what was granted; what the user no longer has is refused with the tokens unsent,
  // and the client repeats without it.
  if (!covers(scope_of(refreshed->user), asked.form.find("scope").value_or(std::string_view{}))) {
    const OAuthFailure failure = invalid_scope();
    co_return co_await oauth_fail(call, failure);
  }
  co_await answer(call, *refreshed, asked.client);
}

}  // namespace

Task<> token(Call call) {
  const auto asked = co_await read_oauth(call);
  if (!asked) co_return;
  const auto grant = asked->form.find("grant_type");
  OAuthFailure failure;
  if (!grant) {
    failure = oauth_failure("invalid_request", "grant_type is required");
  } else if (*grant != "password" && *grant != "refresh_token") {
    failure = oauth_failure("unsupported_grant_type", "The grant types are password and refresh_token");
  } else {
    const bool password = *grant == "password";
    if (asked->client.may(password ? config::Grant::password : config::Grant::refresh_token)) {
      if (password) co_return co_await by_password(call, *asked);
      co_return co_await by_refresh_token(call, *asked);
    }
    failure = oauth_failure("unauthorized_client", "This client may not use this grant type");
  }
  co_await oauth_fail(call, failure);
}

}  // namespace sallyport::gateway::endpoints
