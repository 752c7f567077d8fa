#include "config/complete.hpp"

#include <string>

namespace sallyport::config {
namespace {

std::string lower(std::string text) {
  for (auto& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text;
}

// RFC 8414 section 3.1: the issuer's own path stands behind the well-known one.
std::string path_of(const std::string& issuer) {
  const auto scheme = issuer.find("://");
  const auto slash = scheme == std::string::npos ? scheme : issuer.find('/', scheme + 3);
  if (slash == std::string::npos) return {};
  auto path = issuer.substr(slash);
  while (path.ends_with('/')) path.pop_back();
  return path;
}

void complete_endpoints(AuthEndpoints& auth, const std::string& issuer, const Users& users,
                        const Places& places) {
  const auto fill = [&](const char* key, std::string& path, const std::string& standard) {
    if (path.empty() && !places.given(std::string("auth.endpoints.") + key)) path = standard;
  };
  auto& own = auth.endpoints;
  const auto& prefix = auth.prefix;
  fill("register", own.register_, prefix + "/register");
  fill("login", own.login, prefix + "/login");
  fill("refresh", own.refresh, prefix + "/refresh");
  fill("logout", own.logout, prefix + "/logout");
  fill("sessions", own.sessions, prefix + "/sessions");
  if (writes_passwords(users)) fill("password", own.password, prefix + "/password");
  fill("me", own.me, prefix + "/me");
  fill("ticket", own.ticket, prefix + "/ticket");
  fill("verify", own.verify, prefix + "/verify");
  fill("openapi", own.openapi, prefix + "/openapi.json");
  fill("docs", own.docs, prefix + "/docs");
  // Only where somebody could have a token for them.
  const bool resets = users.reset.on && writes_passwords(users);
  if (resets && users.webhook) fill("reset_request", own.reset_request, prefix + "/password/reset-request");
  if (resets) fill("reset", own.reset, prefix + "/password/reset");
  if (users.webhook && users.source == "store") fill("confirm", own.confirm, prefix + "/confirm");
  fill("token", own.token, "/oauth2/token");
  fill("revoke", own.revoke, "/oauth2/revoke");
  fill("introspect", own.introspect, "/oauth2/introspect");
  fill("jwks", own.jwks, "/.well-known/jwks.json");
  fill("metadata", own.metadata, "/.well-known/oauth-authorization-server" + path_of(issuer));
}

}  // namespace

void complete(Config& config, const Places& places) {
  if (!config.tokens.issuer.empty())
    complete_endpoints(config.auth, config.tokens.issuer, config.users, places);
  config.auth.host = lower(config.auth.host);
  for (auto& route : config.routes) {
    if (!route.auth_stated && config.defaults.auth) route.auth = *config.defaults.auth;
    route.host = lower(route.host);
  }
}

}  // namespace sallyport::config
