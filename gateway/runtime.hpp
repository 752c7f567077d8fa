// A configuration made ready to serve: compiled once, immutable, shared by all workers.
#pragma once

#include <boost/system/result.hpp>

#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "auth/jose/key_directory.hpp"
#include "auth/policy/authenticator.hpp"
#include "config/config.hpp"
#include "config/load.hpp"
#include "gateway/addresses.hpp"
#include "gateway/cors.hpp"
#include "gateway/endpoints/dialect.hpp"
#include "gateway/http1/forward_rules.hpp"
#include "gateway/http1/server_connection.hpp"
#include "gateway/key_snapshot.hpp"
#include "gateway/router.hpp"
#include "gateway/upstream/tls_client.hpp"

namespace sallyport::gateway {

struct CompiledRoute {
  const config::Route* config = nullptr;
  std::string name;  // for logs: "api.example.com/orders/"
  policy::RoutePolicy policy;
  http1::ForwardPolicy forward;
  CorsPolicy cors;
  std::size_t upstream = 0;  // index into Config::upstreams
  std::chrono::milliseconds timeout{30'000};
  std::uint64_t max_body = 0;
};

CompiledRoute compile_route(const config::Route& route, const config::Config& config);

struct Runtime {
  config::Config config;
  Router router;
  std::vector<CompiledRoute> routes;
  CorsPolicy endpoint_cors;
  endpoints::Dialect dialect;
  policy::RoutePolicy bearer_only;  // of our own endpoints that need a live token
  AddressSet trusted_proxies;
  std::vector<std::shared_ptr<const upstream::TlsClient>> upstream_tls;  // null: no https servers
  http1::HeadLimits head_limits;
  http1::ConnectionLimits connection_limits;

  // As loaded at the start; a worker's keys() are those in force. Issuers with a URL have none yet.
  std::shared_ptr<const KeySnapshot> keys;

  std::set<std::string, std::less<>> changing_issuers;  // whose keys may change while we run

  bool issues_tokens() const { return !config.tokens.issuer.empty(); }
  // May this issuer have keys that we don't know yet?
  bool may_learn(std::string_view issuer) const { return changing_issuers.contains(issuer); }
};

// Loads the keys that the configuration names (making our own on the first start) and compiles everything.
// The error is a message for the operator: which file or setting, and the way out. Blocking.
boost::system::result<std::shared_ptr<const Runtime>, std::string> compile(config::Config config,
                                                                           UnixSeconds now);

}  // namespace sallyport::gateway
