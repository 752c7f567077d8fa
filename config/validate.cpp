#include "config/validate.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <span>

#include "config/judge.hpp"
#include "config/names.hpp"
#include "config/presets.hpp"
#include "config/suggest.hpp"
#include "config/urls.hpp"

namespace sallyport::config {
namespace {

constexpr std::size_t kShortestSecret = 32;  // RFC 8725 3.5, SECURITY J3
const std::vector<std::string> kAlgorithms{"ES256", "ES384", "ES512", "RS256", "RS384", "RS512", "PS256",
                                           "PS384", "PS512", "EdDSA", "HS256", "HS384", "HS512"};

bool is_hmac(std::string_view algorithm) { return algorithm.starts_with("HS"); }

bool is_loopback(const Address& address) { return address.host.starts_with("127.") || address.host == "::1"; }

void judge_listener(const Config& config, const Listener& listener, const std::string& path, Judge& judge) {
  const bool tls = !listener.tls.empty() || judge.places.given(path + ".tls");
  if (judge.places.given(path + ".tls") && listener.tls.empty())
    judge.problem(path + ".tls", "the list is empty; add `{certificate: ..., key: ...}` or remove the key");
  if (tls && !listener.redirect.empty())
    judge.problem(path + ".redirect",
                  "a listener that only redirects to https speaks plain HTTP; remove tls");
  if (!listener.redirect.empty() && listener.redirect_port == listener.address.port)
    judge.problem(path + ".redirect_port", "the redirect would lead back to this listener");
  const bool asks = listener.client_certificates != ClientCertificates::none;
  for (const auto& [key, set] :
       {std::pair{".tls_min_version", listener.tls_min_version != "1.2"},
        std::pair{".client_ca", !listener.client_ca.empty()}, std::pair{".client_certificates", asks}})
    if (!tls && set) judge.problem(path + key, "it is for listeners with `tls`");
  if (tls && asks && listener.client_ca.empty() && !judge.places.given(path + ".client_ca"))
    judge.problem(path + ".client_certificates",
                  "`client_ca` is missing: whose client certificates are good");
  if (tls && !asks && !listener.client_ca.empty() && !judge.places.given(path + ".client_certificates"))
    judge.problem(path + ".client_ca", "say `client_certificates: optional` or `required` with it");
  if (listener.proxy_protocol && config.trusted_proxies.empty() && !judge.places.given("trusted_proxies[0]"))
    judge.problem(path + ".proxy_protocol",
                  "nobody may send the PROXY header: name the load balancers in trusted_proxies");
}

void judge_listeners(const Config& config, Judge& judge) {
  if (config.listeners.empty() && judge.places.given("listeners"))
    judge.problem("listeners", "there is no listener; add `- address: 0.0.0.0:8080`");
  std::set<std::string> seen;
  for (std::size_t i = 0; i < config.listeners.size(); ++i) {
    const auto& listener = config.listeners[i];
    const auto path = "listeners[" + std::to_string(i) + "]";
    if (listener.address.host.empty()) continue;
    const auto text = print_address(listener.address);
    if (listener.address.port != 0 && !seen.insert(text).second)
      judge.problem(path + ".address", "another listener has " + text + " already");
    judge_listener(config, listener, path, judge);
    if (listener.tls.empty() && listener.redirect.empty() && !is_loopback(listener.address) &&
        !config.tokens.issuer.empty() && config.trusted_proxies.empty())
      judge.warning(
          path + ".address",
          "passwords and tokens cross " + text +
              " in clear; give the listener tls, or name the TLS proxy in front in trusted_proxies");
  }
  if (config.admin && config.admin->address.port != 0 && seen.contains(print_address(config.admin->address)))
    judge.problem("admin.address",
                  "clients connect to this address (listeners); the admin listener needs its own");
  for (std::size_t i = 0; i < config.trusted_proxies.size(); ++i)
    if (const auto& proxy = config.trusted_proxies[i]; !proxy.empty() && !is_cidr(proxy))
      judge.problem("trusted_proxies[" + std::to_string(i) + "]",
                    in_quotes(proxy) + " is no IP address and no network such as 10.0.0.0/8");
}

void judge_secret_length(const Secret& secret, const std::string& path, Judge& judge) {
  if (!secret.empty() && secret.size() < kShortestSecret)
    judge.problem(path, "the secret has " + std::to_string(secret.size()) +
                            " bytes; at least 32 are needed, made with "
                            "`openssl rand -base64 48`");
}

void judge_wrap_key(const Tokens& tokens, Judge& judge) {
  const bool stored = tokens.signing.keys == "store" || tokens.refresh.keys == "store";
  if (stored && tokens.signing.wrap_key.empty() && !judge.places.given("tokens.signing.wrap_key"))
    judge.problem("tokens.signing", "`keys: store` needs `wrap_key`, a secret that encrypts them there");
}

void judge_signing(const Tokens& tokens, Judge& judge) {
  const auto& signing = tokens.signing;
  const std::string path = "tokens.signing";
  judge_secret_length(signing.secret, path + ".secret", judge);
  judge_secret_length(signing.wrap_key, path + ".wrap_key", judge);
  if (is_hmac(signing.algorithm)) {
    if (signing.secret.empty() && !judge.places.given(path + ".secret"))
      judge.problem(path, signing.algorithm + " needs `secret`, as ${file:path} or ${env:NAME}");
    if (!signing.keys.empty())
      judge.problem(path + ".keys", signing.algorithm + " signs with `secret`; remove keys");
    if (tokens.refresh.keys.empty())
      judge.problem("tokens.refresh", "with " + signing.algorithm +
                                          " there is no directory of signing keys to keep the "
                                          "refresh token keys in; name one in `keys`");
    if (signing.rotate_every.count() > 0)
      judge.problem(path + ".rotate_every", "a secret isn't rotated by the gateway; remove this");
    judge_wrap_key(tokens, judge);
    return;
  }
  if (!signing.secret.empty())
    judge.problem(path + ".secret",
                  "a secret is for HS256, HS384 and HS512; " + signing.algorithm + " uses `keys`");
  if (signing.keys.empty() && !judge.places.given(path + ".keys"))
    judge.problem(path, signing.algorithm + " needs `keys`, a directory; serve fills an empty one");
  judge_wrap_key(tokens, judge);
  if (!tokens.refresh.keys.empty() && (tokens.refresh.keys == "store") != (signing.keys == "store"))
    judge.problem("tokens.refresh.keys", "`store` goes for signing.keys and refresh.keys together");
  if (signing.rotate_every.count() > 0 && signing.rotate_every < tokens.access_ttl)
    judge.problem(path + ".rotate_every", "shorter than access_ttl: keys would pile up; a day is plenty");
}

void judge_lifetimes(const Tokens& tokens, Judge& judge) {
  const auto& refresh = tokens.refresh;
  const auto off = Seconds{0};
  if (refresh.absolute_ttl != off && tokens.access_ttl > refresh.absolute_ttl)
    judge.problem("tokens.access_ttl",
                  "it is longer than refresh.absolute_ttl: a token would outlive its session");
  if (refresh.idle_ttl != off && tokens.access_ttl > refresh.idle_ttl)
    judge.problem("tokens.access_ttl",
                  "it is longer than refresh.idle_ttl: the session would be gone before the first refresh");
  if (refresh.idle_ttl != off && refresh.absolute_ttl != off && refresh.idle_ttl > refresh.absolute_ttl)
    judge.problem("tokens.refresh.idle_ttl",
                  "it is longer than absolute_ttl and would never matter; shorten it or say off");
  if (refresh.concurrency_window > refresh.rotation_grace)
    judge.problem("tokens.refresh.concurrency_window", "it is longer than rotation_grace");
}

void judge_foreign(const ForeignIssuer& foreign, const std::string& path, Judge& judge) {
  judge_secret_length(foreign.secret, path + ".secret", judge);
  bool hmac = false, asymmetric = false;
  for (std::size_t i = 0; i < foreign.algorithms.size(); ++i) {
    const auto& name = foreign.algorithms[i];
    if (name.empty()) continue;
    (is_hmac(name) ? hmac : asymmetric) = true;
    if (std::find(kAlgorithms.begin(), kAlgorithms.end(), name) == kAlgorithms.end())
      judge.problem(path + ".algorithms[" + std::to_string(i) + "]",
                    in_quotes(name) + " is no algorithm that we verify" + did_you_mean(name, kAlgorithms) +
                        "; allowed: " + one_of(kAlgorithms));
  }
  const int sources = !foreign.jwks.empty() + !foreign.discovery.empty() + !foreign.key_file.empty() +
                      !foreign.secret.empty();
  const bool failed = judge.places.given(path + ".jwks") || judge.places.given(path + ".discovery") ||
                      judge.places.given(path + ".key_file") || judge.places.given(path + ".secret");
  if (sources == 0 && !failed)
    judge.problem(path, "its keys are missing; name one of jwks, discovery, key_file or secret");
  if (sources > 1) judge.problem(path, "name one of jwks, discovery, key_file and secret, not several");
  // CONTRACT 4: symmetric keys come from files only, never from URLs; and a public key is never an HMAC
  // secret.
  if (hmac && foreign.secret.empty() && sources > 0)
    judge.problem(path + ".algorithms",
                  "HS256, HS384 and HS512 need `secret`; public keys never verify them");
  if (asymmetric && !foreign.secret.empty())
    judge.problem(path + ".algorithms", "`secret` verifies HS256, HS384 and HS512 only");
  for (const auto& [key, url] :
       {std::pair{".jwks", &foreign.jwks}, std::pair{".discovery", &foreign.discovery}})
    if (url->starts_with("http://"))
      judge.warning(path + key, "keys that come over plain HTTP can be replaced on the way; use https");
}

void judge_tokens(const Config& config, Judge& judge) {
  const auto& tokens = config.tokens;
  const bool needed =
      std::any_of(config.routes.begin(), config.routes.end(),
                  [](const Route& route) { return route.auth != AuthMode::none && route.auth_stated; }) ||
      config.defaults.auth;
  if (tokens.issuer.empty() && tokens.issuers.empty() && needed && !judge.places.given("tokens.issuer") &&
      !judge.places.given("tokens.issuers"))
    judge.problem(
        "tokens",
        "routes need a token but nobody may issue one; set tokens.issuer (our own) or tokens.issuers");
  if (tokens.issuer.empty() && config.users.registration)
    judge.problem("users.registration", "registration needs tokens.issuer");
  if (!tokens.issuer.empty()) {
    if (tokens.audience.empty())
      judge.problem("tokens", "`audience` is missing: who our tokens are for, such as [api]");
    judge_signing(tokens, judge);
    judge_lifetimes(tokens, judge);
  }
  std::set<std::string> seen{tokens.issuer};
  for (std::size_t i = 0; i < tokens.issuers.size(); ++i) {
    const auto path = "tokens.issuers[" + std::to_string(i) + "]";
    const auto& foreign = tokens.issuers[i];
    if (!foreign.issuer.empty() && !seen.insert(foreign.issuer).second)
      judge.problem(path + ".issuer",
                    in_quotes(foreign.issuer) + " is configured already; one entry per issuer");
    judge_foreign(foreign, path, judge);
  }
}

// Each name once among those of one body, and our names spelt as we spell them.
void judge_names(const std::map<std::string, std::string>& names, std::span<const std::string_view> known,
                 const Users& users, const std::string& path, Judge& judge) {
  std::vector<std::string> ours(known.begin(), known.end());
  for (const auto& field : users.profile) ours.push_back(field.name);
  std::map<std::string, std::string> taken;
  for (const auto& [name, theirs] : names) {
    const auto where = path + "." + name;
    const auto plain = name.starts_with("user.") ? name.substr(5) : name;
    if (std::find(ours.begin(), ours.end(), plain) == ours.end())
      judge.problem(where, "the endpoints have no member " + in_quotes(plain) + did_you_mean(plain, ours) +
                               "; known: " + one_of(ours));
    if (theirs.empty() || theirs == "off") continue;
    if (theirs.starts_with('.') || theirs.ends_with('.') || theirs.find("..") != std::string::npos)
      judge.problem(where, in_quotes(theirs) + " names no member; a dot stands between two names");
    const auto [other, fresh] = taken.emplace(theirs, name);
    if (!fresh) judge.problem(where, in_quotes(theirs) + " is the name of " + other->second + " too");
  }
}

void judge_fields(const Config& config, Judge& judge) {
  const auto& fields = config.auth.fields;
  judge_names(fields.request, request_fields(), config.users, "auth.fields.request", judge);
  judge_names(fields.response, response_fields(), config.users, "auth.fields.response", judge);
  for (const auto& [name, theirs] : fields.request)
    if (theirs == "off" || theirs.find('.') != std::string::npos)
      judge.problem("auth.fields.request." + name, "a member of a request has a plain name");
}

void judge_clients(const Config& config, Judge& judge) {
  for (const auto& client : config.auth.clients) {
    const auto path = "auth.clients." + client.name;
    for (const auto& secret : client.secret) judge_secret_length(secret, path + ".secret", judge);
    if (client.introspect && client.secret.empty() && !judge.places.given(path + ".secret"))
      judge.problem(path + ".introspect", "whoever asks what tokens say must prove who it is: add `secret`");
  }
}

void judge_store(const Store& store, Judge& judge) {
  const StoreTls& tls = store.tls_rules;
  const bool tls_said = !(tls.ca.empty() && tls.server_name.empty() && tls.certificate.empty() &&
                          tls.key.empty() && tls.min_version == StoreTls{}.min_version);
  if (tls_said && !store.tls)
    judge.problem("store.tls",
                  "the URL says no TLS: write rediss://, rediss+sentinel:// or rediss+cluster://");
  if (tls.certificate.empty() != tls.key.empty())
    judge.problem("store.tls", "`certificate` and `key` go together");
  const Sentinels& sentinels = store.sentinels;
  if (!(sentinels.user.empty() && sentinels.password.empty()) && store.mode != RedisMode::sentinel)
    judge.problem("store.sentinel", "it is for redis+sentinel:// and rediss+sentinel://");
  if (!sentinels.user.empty() && sentinels.password.empty() && !judge.places.given("store.sentinel.password"))
    judge.problem("store.sentinel", "`user` needs `password`");
  if (store.wait_replicas > 0 && store.kind != StoreKind::redis)
    judge.problem("store.wait_replicas", "it is for Redis");
  // A write may have to wait for the replicas of the one before it.
  if (store.wait_replicas > 0 && 2 * store.wait_timeout > store.timeout)
    judge.problem("store.wait_timeout",
                  "it must be at most half of timeout (" + std::to_string(store.timeout.count()) + "ms)");
}

void judge_upstream(const Upstream& upstream, const std::string& path, Judge& judge) {
  if (upstream.servers.size() > 64)
    judge.problem(path + ".servers", "there are more than 64; put a load balancer between");
  if (upstream.breaker.back_off > upstream.breaker.max_back_off)
    judge.problem(path + ".breaker.back_off", "it is longer than max_back_off");
  const UpstreamTls& tls = upstream.tls;
  const bool some = std::any_of(upstream.servers.begin(), upstream.servers.end(),
                                [](const Upstream::Server& server) { return server.tls; });
  if (!some && !(tls.ca.empty() && tls.server_name.empty() && tls.certificate.empty()))
    judge.problem(path + ".tls", "none of the servers is https");
  if (tls.certificate.empty() != tls.key.empty())
    judge.problem(path + ".tls", "`certificate` and `key` go together");
}

// Whoever can check what HS256 signs can sign it too: an upstream must not become an issuer.
void judge_assertion(const Tokens& tokens, const std::string& path, Judge& judge) {
  if (tokens.issuer.empty())
    judge.problem(path, "an assertion is a token of ours; it needs tokens.issuer and tokens.signing");
  else if (is_hmac(tokens.signing.algorithm))
    judge.problem(path, "an assertion needs a public key that the upstream can check it with; " +
                            tokens.signing.algorithm + " has none: choose ES256 or EdDSA in tokens.signing");
}

void judge_upstreams(const Config& config, Judge& judge) {
  for (const auto& upstream : config.upstreams) {
    const auto path = "upstreams." + upstream.name;
    if (upstream.servers.empty() && judge.places.given(path + ".servers"))
      judge.problem(path + ".servers", "the list is empty; add at least one server");
    if (upstream.max_idle > upstream.max_connections && judge.places.given(path + ".max_idle"))
      judge.problem(path + ".max_idle", "it is larger than max_connections");
    judge_upstream(upstream, path, judge);
    if (upstream.assertion) judge_assertion(config.tokens, path + ".assertion", judge);
    if (!upstream.health) continue;
    if (const auto flaw = path_flaw(upstream.health->path); !flaw.empty())
      judge.problem(path + ".health.path", in_quotes(upstream.health->path) + ": " + flaw);
    if (upstream.health->timeout > upstream.health->interval)
      judge.problem(path + ".health.timeout", "it is longer than the interval");
  }
}

}  // namespace

void Judge::cors(const Cors& cors, const std::string& path) {
  for (std::size_t i = 0; i < cors.origins.size(); ++i) {
    const auto& origin = cors.origins[i];
    const auto where = path + ".origins[" + std::to_string(i) + "]";
    if (origin == "*" && cors.origins.size() > 1) problem(where, "\"*\" stands alone or not at all");
    if (origin == "*" && cors.credentials)
      problem(where, "\"*\" with credentials would let every web site act as the user; list the origins");
    if (origin != "*" && !origin.empty() && !is_origin(origin))
      problem(where,
              in_quotes(origin) + " is no origin; write scheme://host[:port] in lower case, without a path");
  }
  methods(cors.methods, path + ".methods");
  for (const auto* list : {&cors.headers, &cors.expose})
    for (const auto& name : *list)
      if (!name.empty() && !is_token(name)) problem(path, in_quotes(name) + " is no header name");
}

void Judge::called(const std::string& url, const std::string& path, const char* in_clear) {
  if (url.empty()) return;
  const bool tls = url.starts_with("https://");
  if (!tls && !url.starts_with("http://")) return problem(path, "this is no URL; write https://host/path");
  const auto begin = url.find("://") + 3;
  const auto server = parse_server(url.substr(0, url.find_first_of("/?", begin)));
  const bool sendable = std::all_of(url.begin(), url.end(),
                                    [](char c) { return c > ' ' && c < 0x7f && c != '#' && c != '\\'; });
  if (!server || !sendable)
    return problem(path,
                   "this can't be called; write https://host[:port]/path, without a user and a fragment");
  const bool here = server->host.starts_with("127.") || server->host == "::1" || server->host == "localhost";
  if (in_clear != nullptr && !tls && !here) warning(path, in_clear);
}

Verdict validate(const Config& config, const std::string& file, const Places& places) {
  Verdict verdict;
  Judge judge{file, places, verdict};
  judge_listeners(config, judge);
  judge_tokens(config, judge);
  judge_users(config, judge);
  judge_accounts(config, judge);
  judge_tracing(config, judge);
  judge_store(config.store, judge);
  judge_upstreams(config, judge);
  judge_auth(config, judge);
  judge_fields(config, judge);
  judge_clients(config, judge);
  judge_routes(config, judge);
  return verdict;
}

}  // namespace sallyport::config
