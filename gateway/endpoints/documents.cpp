#include "gateway/endpoints/documents.hpp"

#include <algorithm>
#include <array>

#include "gateway/date.hpp"
#include "gateway/endpoints/json_object.hpp"

namespace sallyport::gateway::endpoints {
namespace {

// "https://auth.example.com" of "https://auth.example.com/tenant"; empty: no URL.
std::string_view origin_of(std::string_view issuer) {
  for (const std::string_view scheme : {std::string_view("https://"), std::string_view("http://")})
    if (issuer.starts_with(scheme)) return issuer.substr(0, issuer.find_first_of("/?#", scheme.size()));
  return {};
}

std::string session_json(const sessions::Session& session, std::string_view current) {
  const std::string id = session.id.text();
  JsonObject json;
  json.text("id", id)
      .text("device", session.device)
      .text("ip", session.ip)
      .text("user_agent", session.user_agent)
      .text("created", rfc3339(to_seconds(session.created)))
      .text("last_used", rfc3339(to_seconds(session.last_used)))
      .flag("current", id == current);
  return std::move(json).take();
}

}  // namespace

bool is_profile_field(std::string_view name) {
  constexpr std::array<std::string_view, 4> kOwn{"id", "username", "password", "email"};
  for (const std::string_view own : kOwn)
    if (name == own) return false;
  return true;
}

bool is_email_required(const config::Users& users) {
  return users.require_confirmed_email ||
         std::any_of(users.profile.begin(), users.profile.end(), [](const config::ProfileField& field) {
           return field.name == "email" && field.required;
         });
}

std::string user_json(const users::User& user, const std::vector<config::ProfileField>& profile) {
  JsonObject json;
  json.text("id", user.id).text("username", user.name);
  for (const config::ProfileField& shown : profile) {
    const std::string& name = shown.name;
    if (!shown.show) continue;
    if (name == "email") {
      if (!user.email.empty()) json.text(name, user.email);
    } else if (is_profile_field(name)) {
      const auto field = user.profile.find(name);
      if (field != user.profile.end()) json.text(name, field->second);
    }
  }
  return std::move(json).take();
}

std::string token_json(const sessions::TokenPair& pair, const std::vector<config::ProfileField>& profile) {
  JsonObject json;
  json.text("access_token", pair.access_token)
      .text("token_type", "Bearer")
      .number("expires_in", pair.expires_in.count())
      .text("expires_at", rfc3339(pair.expires_at))
      .text("refresh_token", pair.refresh_token);
  if (pair.refresh_expires_in) json.number("refresh_expires_in", pair.refresh_expires_in->count());
  json.text("session_id", pair.session_id).json("user", user_json(pair.user, profile));
  return std::move(json).take();
}

std::string sessions_json(const std::vector<sessions::Session>& sessions, std::string_view current) {
  std::string list = "[";
  for (const sessions::Session& session : sessions) {
    if (list.size() > 1) list += ',';
    list += session_json(session, current);
  }
  JsonObject json;
  json.json("sessions", list + "]");
  return std::move(json).take();
}

std::string metadata_json(const config::Config& config) {
  const config::Endpoints& paths = config.auth.endpoints;
  const std::vector<config::Client>& clients = config.auth.clients;
  const std::string origin(origin_of(config.tokens.issuer));
  JsonObject json;
  json.text("issuer", config.tokens.issuer);
  const auto place = [&](std::string_view name, const std::string& path) {
    const bool served = !origin.empty() && !path.empty();
    if (served) json.text(name, origin + path);
    return served;
  };
  const auto any = [&](auto is) { return std::any_of(clients.begin(), clients.end(), is); };
  const bool confidential = any([](const config::Client& client) { return !client.secret.empty(); });
  const bool open =
      clients.empty() || any([](const config::Client& client) { return client.secret.empty(); });
  const std::string by_secret = R"("client_secret_basic","client_secret_post")";
  const std::string methods = "[" + std::string(open ? R"("none")" : "") + (open && confidential ? "," : "") +
                              (confidential ? by_secret : "") + "]";

  const auto granted = [&](config::Grant grant) {
    return clients.empty() || any([&](const config::Client& client) {
             return std::find(client.grants.begin(), client.grants.end(), grant) != client.grants.end();
           });
  };
  std::string grants;
  if (!paths.token.empty() && granted(config::Grant::password)) grants = R"("password")";
  if (!paths.token.empty() && granted(config::Grant::refresh_token))
    grants += (grants.empty() ? "" : ",") + std::string(R"("refresh_token")");

  if (place("token_endpoint", paths.token)) json.json("token_endpoint_auth_methods_supported", methods);
  place("jwks_uri", paths.jwks);
  // Required by RFC 8414 section 2: there is no authorization endpoint, hence no response type.
  place("service_documentation", paths.docs);
  json.json("response_types_supported", "[]").json("grant_types_supported", "[" + grants + "]");
  if (place("revocation_endpoint", paths.revoke))
    json.json("revocation_endpoint_auth_methods_supported", methods);
  if (any([](const config::Client& client) { return client.introspect; }) &&
      place("introspection_endpoint", paths.introspect))
    json.json("introspection_endpoint_auth_methods_supported", "[" + by_secret + "]");
  return std::move(json).take();
}

}  // namespace sallyport::gateway::endpoints
