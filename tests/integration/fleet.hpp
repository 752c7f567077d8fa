// What the tests of one or several gateways share: a configuration, a registered user, and the words of the
// session API.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/support/gateway_process.hpp"
#include "tests/support/http_client.hpp"
#include "tests/support/origin.hpp"

namespace sallyport::testing {

struct Pair {
  std::string access, refresh, session;
};

inline std::string error_of(const Response& response) { return response.text("error"); }

inline Pair pair_of(const Response& response) {
  return {response.text("access_token"), response.text("refresh_token"), response.text("session_id")};
}

inline std::string credentials(std::string_view name) {
  return R"({"username":")" + std::string(name) + R"(","password":"correct horse battery"})";
}

struct FleetOptions {
  std::string access_ttl = "10m";
  std::string more;            // further YAML, at the top level
  std::string refresh = "{}";  // tokens.refresh without keys
  std::string routes;          // further routes to the origin, YAML lines of the list
  std::string users = "{registration: true, new: {roles: [user]}}";
  unsigned workers = 2;
  std::string keys;  // tokens.signing from `keys:` on; empty: one folder of keys for all
  std::string program = SALLYPORT_BINARY;
  std::string origin_host = "127.0.0.1";
};

// Gateways over one store and one folder of keys, in front of one recording origin.
class Fleet {
 public:
  // `store`: a URL, or a section as YAML writes it on one line: {url: ..., wait_replicas: 1}.
  Fleet(std::string store, FleetOptions options = {})
      : options_(std::move(options)), store_(std::move(store)) {}

  // Starts one more; waits until it is ready. `store`: its own way to the store; `env`: added to its own.
  GatewayProcess& add(const std::string& store = {}, std::map<std::string, std::string> env = {}) {
    GatewayOptions how;
    how.wait_for = "ready:";
    how.env = std::move(env);
    gateways_.push_back(std::make_unique<GatewayProcess>(options_.program, yaml(store), how));
    return *gateways_.back();
  }
  GatewayProcess& operator[](std::size_t i) { return *gateways_[i]; }
  std::size_t size() const { return gateways_.size(); }
  Origin& origin() { return origin_; }
  std::string yaml(const std::string& store = {}) const {
    return "listeners: [{address: \"127.0.0.1:0\"}]\nworkers: " + std::to_string(options_.workers) +
           "\nstore: " + quoted(store.empty() ? store_ : store) +
           "\ntokens:\n  issuer: https://auth.test\n  audience: [api]\n  access_ttl: " + options_.access_ttl +
           "\n  signing: {algorithm: ES256, keys: " +
           (options_.keys.empty() ? "\"" + (dir_ / "keys") + "\"" : options_.keys) +
           "}\n  refresh: " + options_.refresh + "\nusers: " + options_.users +
           "\nupstreams: {api: {servers: [\"http://" + options_.origin_host + ":" +
           std::to_string(origin_.port()) +
           "\"]}}\nroutes:\n  - {path: /api/, upstream: api, auth: required}\n" + options_.routes +
           options_.more;
  }

  Pair login(std::size_t i, std::string_view name) {
    const HttpClient client(gateways_[i]->port());
    client.post("/auth/register", credentials(name));  // taken the second time
    return pair_of(client.post("/auth/login", credentials(name)));
  }
  Response refresh(std::size_t i, const std::string& token) {
    return HttpClient(gateways_[i]->port()).post("/auth/refresh", R"({"refresh_token":")" + token + "\"}");
  }
  Response call(std::size_t i, const std::string& access) {
    return HttpClient(gateways_[i]->port()).get("/api/x", bearer(access));
  }
  Response logout(std::size_t i, const std::string& access) {
    return HttpClient(gateways_[i]->port()).post("/auth/logout", "", bearer(access));
  }
  const TempDir& dir() const { return dir_; }

 private:
  static std::string quoted(const std::string& store) {
    return store.starts_with('{') ? store : "\"" + store + "\"";
  }

  FleetOptions options_;
  std::string store_;
  TempDir dir_;
  Origin origin_;
  std::vector<std::unique_ptr<GatewayProcess>> gateways_;
};

}  // namespace sallyport::testing
