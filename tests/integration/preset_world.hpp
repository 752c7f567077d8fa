// A gateway that speaks a sample's dialect, before a recording API, with one user.
#pragma once

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <string>

#include "tests/support/gateway_process.hpp"
#include "tests/support/http_client.hpp"
#include "tests/support/jwt.hpp"
#include "tests/support/origin.hpp"

namespace sallyport::testing {

inline const std::string kSigningSecret = "a-signing-secret-of-the-tests-0123456789";
inline constexpr std::string_view kUserPassword = "Correct-Horse-1";

struct PresetOptions {
  std::string refresh;           // further keys of tokens.refresh
  std::string tokens;            // further lines of tokens
  std::string role = "Manager";  // of whoever registers
  std::string auth;              // further keys of auth
  std::string routes;            // further lines
  std::map<std::string, std::string> env;
};

class PresetWorld {
 public:
  explicit PresetWorld(const std::string& preset, const PresetOptions& more = {}) {
    GatewayOptions how;
    how.wait_for = "ready:";
    how.env = more.env;
    how.files = {{"signing", kSigningSecret + "\n"}};
    gateway_ = std::make_unique<GatewayProcess>(
        SALLYPORT_BINARY,
        "listeners: [{address: \"127.0.0.1:0\"}]\nworkers: 1\nstore: \"sqlite:state.db\"\n"
        "tokens:\n  issuer: https://auth.test\n  audience: [api]\n"
        "  signing: {algorithm: HS256, secret: \"${file:signing}\"}\n  refresh: {keys: keys/" +
            more.refresh + "}\n" + more.tokens + "users: {registration: true, new: {roles: [" + more.role +
            "]}}\nauth: {preset: " + preset + more.auth + "}\nupstreams: {api: {servers: [\"" +
            origin_.url() + "\"]}}\nroutes:\n  - {path: /api/values/, upstream: api, auth: required}\n" +
            more.routes,
        how);
  }

  GatewayProcess& gateway() { return *gateway_; }
  Origin& origin() { return origin_; }
  HttpClient client() const { return HttpClient(gateway_->port()); }
  Response post(std::string_view path, const boost::json::object& body, const Headers& headers = {}) const {
    return client().post(path, boost::json::serialize(body), headers);
  }
  Response api(const std::string& access) const { return client().get("/api/values/1", bearer(access)); }
  std::string database() const {
    std::string all;
    for (const char* name : {"state.db", "state.db-wal"})
      if (std::filesystem::exists(gateway_->dir() / name)) all += read_file(gateway_->dir() / name);
    return all;
  }

 private:
  Origin origin_;
  std::unique_ptr<GatewayProcess> gateway_;
};

// The same token with an end that many seconds earlier, or with other members; signed with `secret`. It was
// issued when it was: what is older than the store counts as revoked.
inline std::string remade(const std::string& token, std::int64_t earlier,
                          const boost::json::object& with = {}, std::string_view secret = kSigningSecret) {
  auto claims = boost::json::parse(payload_of(token)).as_object();
  claims["exp"] = claims["exp"].as_int64() - earlier;
  for (const auto& member : with) {
    if (member.value().is_null())
      claims.erase(member.key());
    else
      claims[member.key()] = member.value();
  }
  return hs256(header_of(token), boost::json::serialize(claims), secret);
}

inline boost::json::object claims_of(const std::string& token) {
  return boost::json::parse(payload_of(token)).as_object();
}

}  // namespace sallyport::testing
