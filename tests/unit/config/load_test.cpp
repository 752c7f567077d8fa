#include "config/load.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/config/load_support.hpp"

namespace sallyport::config {
namespace {

using test::kBase;
using test::load;
using test::shown;
using testing::HasSubstr;
using testing::Not;

const char* const kContract = R"(workers: auto
listeners:
  - address: 0.0.0.0:8080
  - address: "[::]:8443"
    tls: {certificate: tls/fullchain.pem, key: tls/key.pem}
admin: {address: 127.0.0.1:9901, token: "${env:ADMIN}"}
limits: {head: 10s, head_size: 16KiB, fields: 100, body_idle: 60s, body_rate: 500B/s, keep_alive: 60s, stream_idle: 1h, connections: 10000, per_address: 0, drain: 30s}
log: {access: stdout, audit: off}
store: redis://127.0.0.1:6379/0
tokens:
  issuer: https://auth.example.com
  audience: [api]
  access_ttl: 10m
  clock_skew: 5s
  signing: {algorithm: ES256, keys: keys/}
  refresh: {rotation: never, idle_ttl: off, absolute_ttl: 30d, concurrency_window: 10s, rotation_grace: 10m, max_sessions_per_user: 0}
  issuers:
    - {issuer: "https://idp.example.com/", audience: [api], jwks: "https://idp.example.com/jwks.json", algorithms: [RS256], clock_skew: 60s}
revocation: {max_staleness: 5s, degraded: stale}
users: {source: store, registration: true, new: {roles: [user]}, require_confirmed_email: false, password: {min_length: 12}}
auth: {preset: oauth2, prefix: /auth, endpoints: {login: /api/auth/login, docs: off}, expired_header: Token-Expired, cookies: off, cors: {origins: []}, throttle: {per_user_and_address: 5/1m}}
defaults: {auth: required, timeout: 30s, max_body: 10MiB}
trusted_proxies: []
upstreams:
  orders: {servers: ["http://10.0.0.5:8080", "http://10.0.0.6:8080"], balance: round_robin, health: {path: /healthz, interval: 5s}}
routes:
  - {path: /public/, upstream: orders, auth: none}
  - path: /api/orders/
    host: API.example.com
    methods: [GET, POST]
    upstream: orders
    allow: {roles: [clerk, admin], claims: {rol: api_access}}
    claims_to_headers: {tenant: X-Tenant}
    strip_prefix: /api
    cors: {origins: ["https://app.example.com"]}
)";

TEST(Load, ReadsOneCertificateOrSeveral) {
  const auto loaded = load(
      "listeners:\n"
      "  - {address: 127.0.0.1:1, tls: {certificate: a.pem, key: a.key}, tls_min_version: 1.3}\n"
      "  - address: 127.0.0.1:2\n"
      "    tls:\n"
      "      - {certificate: a.pem, key: a.key}\n"
      "      - {certificate: b.pem, key: b.key}\n"
      "    client_ca: ca.pem\n"
      "    client_certificates: optional\n"
      "    proxy_protocol: on\n"
      "  - {address: 127.0.0.1:3, redirect: https, redirect_port: 8443}\n"
      "trusted_proxies: [10.0.0.0/8]\n" +
      kBase.substr(39));
  ASSERT_EQ(shown(loaded.problems), "");
  const auto& listeners = loaded.config.listeners;
  ASSERT_EQ(listeners.size(), 3u);
  ASSERT_EQ(listeners[0].tls.size(), 1u);
  EXPECT_EQ(listeners[0].tls_min_version, "1.3");
  ASSERT_EQ(listeners[1].tls.size(), 2u);
  EXPECT_EQ(listeners[1].tls[1].key, "/etc/sallyport/b.key");
  EXPECT_EQ(listeners[1].client_ca, "/etc/sallyport/ca.pem");
  EXPECT_EQ(listeners[1].client_certificates, ClientCertificates::optional);
  EXPECT_TRUE(listeners[1].proxy_protocol);
  EXPECT_EQ(listeners[2].redirect, "https");
  EXPECT_EQ(listeners[2].redirect_port, 8443u);
}

// CONTRACT 6, S3.9.
TEST(Load, ReadsTheContractsExample) {
  const auto loaded = load(kContract, {{"ADMIN", "admin-token"}});
  ASSERT_EQ(shown(loaded.problems), "");
  const auto& c = loaded.config;
  EXPECT_EQ(c.workers, 0u);
  ASSERT_EQ(c.listeners.size(), 2u);
  EXPECT_EQ(c.listeners[1].address.host, "::");
  EXPECT_TRUE(c.listeners[0].tls.empty());
  ASSERT_EQ(c.listeners[1].tls.size(), 1u);
  EXPECT_EQ(c.listeners[1].tls[0].certificate, "/etc/sallyport/tls/fullchain.pem");
  EXPECT_EQ(c.listeners[1].mark.line, 4);
  EXPECT_EQ(c.admin->token.reveal(), "admin-token");
  EXPECT_EQ(c.limits.stream_idle, Millis{3'600'000});
  EXPECT_EQ(c.limits.body_rate, 500u);
  EXPECT_EQ(c.log.audit, "off");
  EXPECT_EQ(c.store.kind, StoreKind::redis);
  EXPECT_EQ(c.store.mark.line, 9);
  EXPECT_EQ(c.tokens.signing.keys, "/etc/sallyport/keys/");
  EXPECT_EQ(c.tokens.refresh.rotation, RotationMode::never);
  EXPECT_EQ(c.tokens.refresh.idle_ttl, Seconds{0});
  ASSERT_EQ(c.tokens.issuers.size(), 1u);
  EXPECT_EQ(c.tokens.issuers[0].jwks, "https://idp.example.com/jwks.json");
  EXPECT_EQ(c.revocation.degraded, Degraded::stale);
  EXPECT_EQ(c.users.fresh.roles, std::vector<std::string>{"user"});
  EXPECT_EQ(c.auth.endpoints.login, "/api/auth/login");
  EXPECT_EQ(c.auth.endpoints.refresh, "/auth/refresh");
  EXPECT_EQ(c.auth.endpoints.docs, "");
  EXPECT_EQ(c.auth.expired_header, std::vector<std::string>{"Token-Expired"});
  EXPECT_FALSE(c.auth.cookies.on);
  EXPECT_EQ(c.auth.throttle.attempts, 5u);
  EXPECT_EQ(c.auth.throttle.window, Seconds{60});
  EXPECT_EQ(c.defaults.auth, AuthMode::required);
  ASSERT_EQ(c.upstreams.size(), 1u);
  EXPECT_EQ(c.upstreams[0].name, "orders");
  EXPECT_EQ(c.upstreams[0].servers[1].host, "10.0.0.6");
  EXPECT_EQ(c.upstreams[0].health->path, "/healthz");
  const auto& route = c.routes.at(1);
  EXPECT_EQ(route.auth, AuthMode::required);
  EXPECT_FALSE(route.auth_stated);
  EXPECT_EQ(route.host, "api.example.com");
  EXPECT_EQ(route.allow.claims.at("rol"), std::vector<std::string>{"api_access"});
  EXPECT_EQ(route.claims_to_headers.at("tenant"), "X-Tenant");
  EXPECT_EQ(route.mark.line, 28);
  EXPECT_EQ(c.routes[0].auth, AuthMode::none);
}

TEST(Load, ReadsWhatTokensMustSayAndWhatIsMadeOfIt) {
  const auto loaded = load(
      "listeners: [{address: 127.0.0.1:8080}]\nlog: {claims: [tenant, realm_access.roles]}\n"
      "tokens:\n  issuer: https://auth.example.com\n  audience: [api]\n  signing: {keys: keys/}\n  issuers:\n"
      "    - {issuer: i, audience: [web], algorithms: [RS256], jwks: \"file:j\", max_lifetime: 1d,\n"
      "       claims: {roles: realm_access.roles, scopes: permissions, audience: client_id}}\n"
      "upstreams: {a: {servers: [\"http://10.0.0.5\"], assertion: {audience: orders}}}\n"
      "routes:\n  - {path: /, upstream: a, auth: required, claims_to_headers: {groups: X-G}, claims_format: "
      "json,\n     allow: {all_roles: [a, b], all_scopes: r, all_claims: {groups: [x, y]}, has: "
      "realm_access.roles}}\n");
  ASSERT_TRUE(loaded.problems.empty()) << shown(loaded.problems);
  using Words = std::vector<std::string>;
  const Config& c = loaded.config;
  EXPECT_EQ(c.log.claims, (Words{"tenant", "realm_access.roles"}));
  EXPECT_EQ(c.tokens.issuers[0].max_lifetime, Seconds(86400));
  EXPECT_EQ(c.tokens.issuers[0].claims.roles, "realm_access.roles");
  EXPECT_EQ(c.tokens.issuers[0].claims.scopes, "permissions");
  EXPECT_EQ(c.tokens.issuers[0].claims.audience, "client_id");
  EXPECT_EQ(c.upstreams[0].assertion->audience, "orders");
  EXPECT_EQ(c.upstreams[0].assertion->ttl, Seconds(60));
  EXPECT_EQ(c.routes[0].claims_format, ClaimFormat::json);
  EXPECT_EQ(c.routes[0].allow, (Allow{.all_roles = {"a", "b"},
                                      .all_scopes = {"r"},
                                      .all_claims = {{"groups", {"x", "y"}}},
                                      .has = {"realm_access.roles"}}));
}

TEST(Load, ReadsHowARedisFleetIsSpokenTo) {
  const auto loaded = load(kBase +
                               "store:\n"
                               "  wait_replicas: 1\n"
                               "  wait_timeout: 50ms\n"
                               "  connect_timeout: 3s\n"
                               "  tls: {ca: ca.pem, certificate: me.pem, key: me.key, server_name: redis, "
                               "min_version: 1.3}\n"
                               "  sentinel: {user: watcher, password: \"${env:PW}\"}\n"
                               "  url: rediss+sentinel://:data@a,b/m\n",
                           {{"PW", "secret-word"}});
  ASSERT_EQ(shown(loaded.problems), "");
  const auto& store = loaded.config.store;
  EXPECT_EQ(store.mode, RedisMode::sentinel);
  EXPECT_EQ(store.password.reveal(), "data");
  EXPECT_EQ(store.sentinels.user, "watcher");
  EXPECT_EQ(store.sentinels.password.reveal(), "secret-word");
  EXPECT_EQ(store.tls_rules.ca, "/etc/sallyport/ca.pem");
  EXPECT_EQ(store.tls_rules.certificate, "/etc/sallyport/me.pem");
  EXPECT_EQ(store.tls_rules.key, "/etc/sallyport/me.key");
  EXPECT_EQ(store.tls_rules.server_name, "redis");
  EXPECT_EQ(store.tls_rules.min_version, "1.3");
  EXPECT_EQ(store.wait_replicas, 1u);
  EXPECT_EQ(store.wait_timeout, Millis{50});
  EXPECT_EQ(store.connect_timeout, Millis{3000});
}

TEST(Load, ReadsTheOtherFormsOfASetting) {
  const auto loaded = load(
      kBase +
          "store: {url: \"redis://10.0.0.1\", password: \"${env:PW}\", key_prefix: \"gw:\", timeout: 1s}\n"
          "auth: {expired_header: [A-One, A-Two], cookies: {origins: [\"https://a.example\"], "
          "refresh_before: 30s}}\n"
          "workers: 3\n",
      {{"PW", "secret-word"}});
  ASSERT_EQ(shown(loaded.problems), "");
  EXPECT_EQ(loaded.config.store.password.reveal(), "secret-word");
  EXPECT_EQ(loaded.config.store.key_prefix, "gw:");
  EXPECT_EQ(loaded.config.store.timeout, Millis{1000});
  EXPECT_EQ(loaded.config.auth.expired_header.size(), 2u);
  EXPECT_TRUE(loaded.config.auth.cookies.on);
  EXPECT_EQ(loaded.config.auth.cookies.refresh_before, Seconds{30});
  EXPECT_EQ(loaded.config.workers, 3u);
  EXPECT_TRUE(load(kBase + "auth: {cookies: on}\n").config.auth.cookies.on);
}

TEST(Load, LeavesTheEndpointsOffWithoutAnIssuerOfOurOwn) {
  const auto loaded = load(
      "listeners: [{address: 127.0.0.1:1}]\n"
      "tokens: {issuers: [{issuer: x, audience: y, algorithms: RS256, jwks: file:k.json}]}\n"
      "upstreams: {a: {servers: \"http://a\"}}\n"
      "routes: [{path: /, upstream: a, auth: optional}]\n");
  ASSERT_EQ(shown(loaded.problems), "");
  EXPECT_EQ(loaded.config.auth.endpoints.login, "");
  EXPECT_EQ(loaded.config.tokens.issuers[0].jwks, "file:/etc/sallyport/k.json");
}

TEST(Load, FollowsAnAlias) {
  const auto loaded = load(kBase + "log: {access: &where off, audit: *where}\n");
  EXPECT_EQ(shown(loaded.problems), "");
  EXPECT_EQ(loaded.config.log.audit, "off");
}

TEST(Load, SaysAllProblemsAtOnceInTheOrderOfTheFile) {
  const auto loaded =
      load("worker: 1\n" + kBase + "limits: {heda: 10s, fields: many}\nstore: redis+cluster://a/1\n");
  EXPECT_EQ(loaded.problems.size(), 4u) << shown(loaded.problems);
  EXPECT_EQ(loaded.problems[0].mark.line, 1);
  EXPECT_EQ(loaded.problems[1].mark.line, 10);
  EXPECT_EQ(loaded.problems[1].mark.column, 10);
  EXPECT_EQ(loaded.problems[2].mark.column, 21 + 8);
  EXPECT_EQ(loaded.problems[3].text().find("/etc/sallyport/gateway.yaml:11:8: store: "), 0u)
      << loaded.problems[3].text();
}

// SECURITY O1: secrets come from files and the environment and are never seen again.
TEST(Secrets, ComeFromFilesBesideTheConfigurationWithoutTheirLastNewline) {
  test::TemporaryFolder folder;
  folder.write("secrets/hmac", std::string(40, 'k') + "\n\n");
  const auto loaded = load_text(
      "listeners: [{address: 127.0.0.1:1}]\n"
      "tokens: {issuer: x, audience: y, signing: {algorithm: HS256, secret: \"${file:secrets/hmac}\"}, "
      "refresh: {keys: r/}}\n"
      "upstreams: {a: {servers: \"http://a\"}}\n"
      "routes: [{path: /, upstream: a, auth: required}]\n",
      folder.path() + "/gateway.yaml", {});
  ASSERT_EQ(shown(loaded.problems), "");
  EXPECT_EQ(loaded.config.tokens.signing.secret.reveal(), std::string(40, 'k') + "\n");
  EXPECT_EQ(shown(loaded.warnings), "");
}

TEST(Secrets, WarnWhereEverybodyCanReadTheFile) {
  test::TemporaryFolder folder;
  folder.write("admin", "token", 0644);
  const auto loaded = load_text(kBase + "admin: {address: 127.0.0.1:2, token: \"${file:admin}\"}\n",
                                folder.path() + "/gateway.yaml", {});
  EXPECT_EQ(shown(loaded.problems), "");
  EXPECT_THAT(shown(loaded.warnings), HasSubstr("can read " + folder.path() + "/admin"));
}

TEST(Secrets, AreSubstitutedInsideAnyValue) {
  const auto loaded =
      load(kBase + "store: redis://app:${env:PW}@${env:HOST}/2\nlog: {access: \"/var/$${x}/$1\"}\n",
           {{"PW", "word"}, {"HOST", "cache"}});
  ASSERT_EQ(shown(loaded.problems), "");
  EXPECT_EQ(loaded.config.store.password.reveal(), "word");
  EXPECT_EQ(loaded.config.store.address.host, "cache");
  EXPECT_EQ(loaded.config.log.access, "/var/${x}/$1");
}

TEST(Secrets, NeverReachAMessage) {
  const std::string secret = "hunter2-hunter2";
  const Environment environment{{"S", secret}};
  for (const auto* yaml :
       {"store: \"${env:S}\"\n", "store: redis://${env:S}@h\n", "store: redis://u:${env:S}@h:x\n",
        "workers: \"${env:S}\"\n", "limits: {head: \"${env:S}\"}\n", "revocation: {degraded: \"${env:S}\"}\n",
        "trusted_proxies: \"${env:S}\"\n", "auth: {prefix: \"/${env:S};\"}\n",
        "auth: {expired_header: \"${env:S}:\"}\n", "auth: {cors: {origins: \"${env:S}\"}}\n",
        "defaults: {auth: \"${env:S}\"}\n", "store: redis://:hunter2-hunter2@h:x\n",
        "admin: {address: \"${env:S}\", token: hunter2-hunter2}\n"}) {
    const auto loaded = load(kBase + yaml, environment);
    EXPECT_FALSE(loaded.problems.empty()) << yaml;
    EXPECT_THAT(shown(loaded.problems) + shown(loaded.warnings), Not(HasSubstr(secret))) << yaml;
  }
}

TEST(LoadFile, SaysWhatIsInTheWay) {
  test::TemporaryFolder folder;
  EXPECT_THAT(load_file(folder.path() + "/none.yaml", {}).problems.at(0).text(),
              HasSubstr("there is no such file"));
  EXPECT_THAT(load_file(folder.path(), {}).problems.at(0).text(), HasSubstr("this is a folder"));
  const auto big = folder.write("big.yaml", std::string(1024 * 1024 + 1, '#'));
  EXPECT_THAT(load_file(big, {}).problems.at(0).text(), HasSubstr("larger than 1048576 bytes"));
  const auto empty = folder.write("empty.yaml", "# nothing\n");
  EXPECT_THAT(load_file(empty, {}).problems.at(0).text(), HasSubstr("the file is empty"));
}

TEST(LoadFile, ReadsTheProcessEnvironment) { EXPECT_TRUE(process_environment().contains("PATH")); }

TEST(Load, TakesServersWithAndWithoutWeightAndAllThatConcernsTheirChoice) {
  const auto loaded = test::load(
      "listeners: [{address: 127.0.0.1:1}]\n"
      "tokens: {issuers: [{issuer: i, audience: a, algorithms: ES256, key_file: k.pem}]}\n"
      "upstreams:\n"
      "  one: {servers: [{url: \"http://a\", weight: 3}, \"https://b:8443\", \"http+unix:/run/c\"],\n"
      "        balance: hash header X-Tenant, slow_start: 10s, total_timeout: 1m, stream_idle: 2s,\n"
      "        breaker: {failures: 2, back_off: 100ms}, retry: {attempts: 2, on: [connect, 503], budget: "
      "5},\n"
      "        tls: {ca: ca.pem, server_name: b.internal, certificate: c.pem, key: k.pem, min_version: "
      "1.3}}\n"
      "  two: {servers: \"http://a\", balance: hash subject}\n"
      "routes: [{path: /, upstream: one, auth: required}]\n");
  ASSERT_TRUE(loaded.problems.empty()) << test::shown(loaded.problems);
  const Upstream& one = loaded.config.upstreams[0];
  EXPECT_EQ(one.servers[0].weight, 3u);
  EXPECT_EQ(one.servers[0].host, "a");
  EXPECT_EQ(one.servers[1].weight, 1u);
  EXPECT_TRUE(one.servers[1].tls);
  EXPECT_EQ(one.servers[2].unix_path, "/run/c");
  EXPECT_EQ(one.balance.how, Balance::hash);
  EXPECT_EQ(one.balance.header, "X-Tenant");
  EXPECT_EQ(one.retry.on, (std::vector{RetryOn::connect, RetryOn::unavailable}));
  EXPECT_EQ(one.tls.ca, "/etc/sallyport/ca.pem");
  EXPECT_EQ(one.stream_idle, Millis{2000});
  EXPECT_EQ(loaded.config.upstreams[1].balance.how, Balance::hash);
  EXPECT_TRUE(loaded.config.upstreams[1].balance.header.empty());
}

}  // namespace
}  // namespace sallyport::config
