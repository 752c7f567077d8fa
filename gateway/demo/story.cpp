// The texts of the demo.
#include "gateway/demo/story.hpp"

#include <initializer_list>
#include <string_view>
#include <utility>

namespace sallyport::demo {

namespace {

constexpr std::chrono::seconds kClockSkew{1};

std::string yaml_quoted(std::string_view text) {  // a YAML double-quoted scalar
  std::string result = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    result += c;
  }
  return result + "\"";
}

// Replaces each `@name@`.
std::string filled(std::string text, std::initializer_list<std::pair<std::string_view, std::string>> values) {
  for (const auto& [name, value] : values)
    for (std::size_t at = text.find(name); at != text.npos; at = text.find(name, at + value.size()))
      text.replace(at, name.size(), value);
  return text;
}

constexpr std::string_view kYaml = R"(# Written by sallyport-demo at each start.
listeners:
  - address: 127.0.0.1:@port@
store: @store@
tokens:
  issuer: https://demo.sallyport.example
  audience: [demo]
  access_ttl: @ttl@s        # so short that you can watch it expire
  clock_skew: @skew@s
  signing: {algorithm: ES256, keys: keys/}
users: {source: store, registration: true, new: {roles: [user]}}
defaults: {auth: required}
upstreams:
  demo: {servers: ["http://127.0.0.1:@api@"]}
routes:
  - {path: /public/, upstream: demo, auth: none}
  - {path: /api/, upstream: demo}
  - {path: /api/admin/, upstream: demo, allow: {roles: [admin]}}
)";

constexpr std::string_view kStory = R"STORY(
The gateway listens on http://127.0.0.1:@port@ in front of a small API. Paste these into another terminal, one after the other.

# 1. Register, once (a second time is 409 username_taken: go on), and log in.
GW=http://127.0.0.1:@port@
curl -si $GW/auth/register -H 'Content-Type: application/json' -d '{"username":"ada","password":"correct-horse-battery"}'; echo
LOGIN=$(curl -s $GW/auth/login -H 'Content-Type: application/json' -d '{"username":"ada","password":"correct-horse-battery"}')
TOKEN=$(echo "$LOGIN" | sed -n 's/.*"access_token": *"\([^"]*\)".*/\1/p')
REFRESH=$(echo "$LOGIN" | sed -n 's/.*"refresh_token": *"\([^"]*\)".*/\1/p')

# 2. Call the API: without the token 401, with it 200 and the identity headers that the gateway added.
curl -si $GW/api/whoami; echo
curl -si $GW/api/whoami -H "Authorization: Bearer $TOKEN"; echo

# 3. Let the token expire (it lives @ttl@ s): 401 with Token-Expired: true.
sleep @sleep@
curl -si $GW/api/whoami -H "Authorization: Bearer $TOKEN"; echo

# 4. Refresh, and call again with the new token.
PAIR=$(curl -s $GW/auth/refresh -H 'Content-Type: application/json' -d "{\"refresh_token\":\"$REFRESH\"}")
TOKEN=$(echo "$PAIR" | sed -n 's/.*"access_token": *"\([^"]*\)".*/\1/p')
REFRESH=$(echo "$PAIR" | sed -n 's/.*"refresh_token": *"\([^"]*\)".*/\1/p')
curl -si $GW/api/orders -H "Authorization: Bearer $TOKEN"; echo

# 5. Log out; the same token is refused as revoked at once (no Token-Expired), and so is the refresh token.
curl -si -X POST $GW/auth/logout -H "Authorization: Bearer $TOKEN"
curl -si $GW/api/orders -H "Authorization: Bearer $TOKEN"; echo
curl -si $GW/auth/refresh -H 'Content-Type: application/json' -d "{\"refresh_token\":\"$REFRESH\"}"; echo

Ctrl-C ends the demo. @after@
)STORY";

}  // namespace

std::string gateway_yaml(const Plan& plan) {
  return filled(std::string(kYaml), {{"@port@", std::to_string(plan.port)},
                                     {"@ttl@", std::to_string(plan.access_ttl.count())},
                                     {"@skew@", std::to_string(kClockSkew.count())},
                                     {"@api@", std::to_string(plan.api_port)},
                                     {"@store@", yaml_quoted(plan.store)}});
}

std::string story(const Plan& plan, std::uint16_t port) {
  std::string after = "Started again, it still knows the user and refuses the revoked tokens.";
  if (plan.store.starts_with("memory:"))
    after = "Started again, it has forgotten everything: the store is memory:.";
  return filled(std::string(kStory), {{"@port@", std::to_string(port)},
                                      {"@ttl@", std::to_string(plan.access_ttl.count())},
                                      {"@sleep@", std::to_string((plan.access_ttl + kClockSkew).count() + 1)},
                                      {"@after@", after}});
}

}  // namespace sallyport::demo
