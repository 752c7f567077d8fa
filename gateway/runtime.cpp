#include "gateway/runtime.hpp"

#include <algorithm>

#include "auth/jose/stored_keys.hpp"
#include "gateway/issuers.hpp"
#include "gateway/own_key_watch.hpp"

namespace sallyport::gateway {

CompiledRoute compile_route(const config::Route& route, const config::Config& config) {
  CompiledRoute compiled;
  compiled.config = &route;
  compiled.name = route.host + route.path;
  compiled.policy.auth = route.auth;
  compiled.policy.access = policy::AccessPolicy(route.allow);
  compiled.policy.degraded = route.degraded.value_or(config.revocation.degraded);
  compiled.forward = http1::ForwardPolicy::compile(route, config.auth);
  compiled.cors = CorsPolicy(route.cors, route.methods, config.auth.expired_header);
  const auto upstream = std::find_if(config.upstreams.begin(), config.upstreams.end(),
                                     [&](const config::Upstream& u) { return u.name == route.upstream; });
  compiled.upstream = static_cast<std::size_t>(upstream - config.upstreams.begin());
  compiled.timeout = route.timeout.value_or(config.defaults.timeout);
  compiled.max_body = route.max_body.value_or(config.defaults.max_body);
  return compiled;
}

boost::system::result<std::shared_ptr<const Runtime>, std::string> compile(config::Config config,
                                                                           UnixSeconds now) {
  auto runtime = std::make_shared<Runtime>();
  runtime->config = std::move(config);
  const config::Config& c = runtime->config;

  auto keys = std::make_shared<KeySnapshot>();
  if (!c.tokens.issuer.empty() && !jose::keys_in_store(c.tokens)) {  // the latter come once it is there
    auto own = open_own_keys(c.tokens, now);
    if (!own) return own.error();
    keys->signing = own->signing;
    keys->refresh = std::move(own->refresh);
    keys->jwks = own->verifying->jwks();
  }
  Issuers issuers = load_issuers(c.tokens, now);
  if (!issuers.notes.empty()) return issuers.notes.front();
  keys->issuers = std::move(issuers.issuers);
  runtime->keys = std::move(keys);
  runtime->changing_issuers.insert(issuers.by_url.begin(), issuers.by_url.end());
  if (runtime->issues_tokens() && (jose::keys_in_store(c.tokens) || OwnKeyWatch::wanted(c.tokens)))
    runtime->changing_issuers.insert(c.tokens.issuer);

  Router::Compiled router = Router::compile(c);
  if (!router.problems.empty()) return router.problems.front().text();
  runtime->router = std::move(router.router);

  for (const config::Upstream& upstream : c.upstreams) {
    auto tls = upstream::TlsClient::open(upstream);
    if (!tls) return tls.error();
    runtime->upstream_tls.push_back(std::move(*tls));
  }
  runtime->routes.reserve(c.routes.size());
  for (const config::Route& route : c.routes) runtime->routes.push_back(compile_route(route, c));
  runtime->dialect = endpoints::Dialect(c.auth);
  runtime->endpoint_cors = CorsPolicy(c.auth.cors, {"GET", "POST", "DELETE"}, c.auth.expired_header);
  runtime->bearer_only.access = policy::AccessPolicy({.issuers = {c.tokens.issuer}});
  runtime->bearer_only.degraded = c.revocation.degraded;
  for (const std::string& proxy : c.trusted_proxies) runtime->trusted_proxies.add(proxy);

  runtime->head_limits.head_size = c.limits.head_size;
  runtime->head_limits.fields = c.limits.fields;
  runtime->connection_limits = {c.limits.head, c.limits.keep_alive, c.limits.body_idle, c.limits.write_stall,
                                c.limits.body_rate};
  return std::shared_ptr<const Runtime>(std::move(runtime));
}

}  // namespace sallyport::gateway
