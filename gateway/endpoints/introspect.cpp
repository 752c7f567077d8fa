// POST introspect (RFC 7662): what a token of ours says, for a client that may ask.
#include <boost/json/serialize.hpp>

#include "gateway/endpoints/acts.hpp"
#include "gateway/endpoints/json_object.hpp"
#include "gateway/endpoints/oauth.hpp"

namespace sallyport::gateway::endpoints {
namespace {

constexpr std::string_view kInactive = R"({"active":false})";

// Everything that the token says stands there under the same names (section 2.2), and who it is for.
std::string access_token_json(const jose::Claims& claims, const config::ClaimNames& names) {
  boost::json::object json;
  json["active"] = true;
  json["token_type"] = "Bearer";
  for (const auto& member : claims.all) json[member.key()] = member.value();
  if (const boost::json::value* name = claims.find(names.name); name && name->is_string())
    json["username"] = *name;
  return boost::json::serialize(json);
}

Task<> about_refresh_token(Call call, std::string token, std::string owner) {
  std::string client = owner;
  const auto found = co_await call.sessions().look_up(std::move(token), std::move(client));
  if (!found) {
    const OAuthFailure failure = oauth_failure(failure_of(found.error()));
    co_return co_await oauth_fail(call, failure);
  }
  if (!*found) co_return co_await answer_oauth(call, kInactive);
  const sessions::Session& session = **found;
  JsonObject json;
  json.flag("active", true)
      .text("token_type", "refresh_token")
      .text("iss", call.config().tokens.issuer)
      .text("sub", session.user_id)
      .text("sid", session.id.text())
      .number("iat", to_seconds(session.rotated).time_since_epoch().count());
  if (const auto end = call.sessions().end_of(session)) json.number("exp", end->time_since_epoch().count());
  if (!owner.empty()) json.text("client_id", owner);
  const std::string body = std::move(json).take();
  co_await answer_oauth(call, body);
}

}  // namespace

Task<> introspect(Call call) {
  const auto asked = co_await read_oauth(call);
  if (!asked) co_return;
  OAuthFailure failure;
  if (!asked->client.proven) {
    // Section 2.1: never without knowing who asks, else it would try out tokens for strangers.
    failure = oauth_failure("invalid_client", "The client must authenticate with a secret");
    failure.status = 401;
    co_return co_await oauth_fail(call, failure);
  }
  if (!asked->client.client->introspect) {
    failure = oauth_failure("unauthorized_client", "This client may not ask what tokens say");
    failure.status = 403;
    co_return co_await oauth_fail(call, failure);
  }
  const auto token = asked->form.find("token");
  if (!token) {
    failure = oauth_failure("invalid_request", "token is required");
    co_return co_await oauth_fail(call, failure);
  }
  if (auto owner = owner_of(call, *token)) {
    std::string text(*token);
    co_return co_await about_refresh_token(call, std::move(text), std::move(*owner));
  }
  // As a route would judge it: expired, revoked and foreign tokens aren't active.
  const policy::Decision decision =
      call.worker.authenticator().decide(policy::Credential::bearer(*token), call.runtime().bearer_only,
                                         call.worker.unix_now(), call.worker.freshness());
  if (decision.verdict == policy::Verdict::store_unavailable) {
    failure = oauth_failure(failure_of(StoreError{}));
    co_return co_await oauth_fail(call, failure);
  }
  if (decision.verdict != policy::Verdict::allowed) co_return co_await answer_oauth(call, kInactive);
  const std::string body = access_token_json(*decision.claims, call.config().tokens.claims);
  co_await answer_oauth(call, body);
}

}  // namespace sallyport::gateway::endpoints
