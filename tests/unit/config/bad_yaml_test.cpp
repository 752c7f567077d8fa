// What is wrong, where, and what to do about it: a row for each rule. Rows that add to kBase begin in line 9.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "config/load.hpp"
#include "config/yaml.hpp"
#include "tests/unit/config/load_support.hpp"

namespace sallyport::config {
namespace {

using test::kBase;
using test::load;
using test::shown;
using testing::HasSubstr;

struct Row {
  const char* name;
  std::string yaml;
  const char* expected;  // part of "line:column: message"
};

std::string route(const std::string& fields) { return kBase + "  - {" + fields + "}\n"; }
std::string both(const std::string& first, const std::string& second) {
  return route(first) + "  - {" + second + "}\n";
}

// Without the tokens of kBase: `tokens` begins in line 1.
std::string tokens(const std::string& yaml) {
  return "tokens: " + yaml +
         "\nlisteners: [{address: 127.0.0.1:1}]\nupstreams: {a: {servers: \"http://a\"}}\n"
         "routes: [{path: /, upstream: a, auth: required}]\n";
}

// One upstream `a` with these fields.
std::string upstream(const std::string& fields) {
  return "listeners: [{address: 127.0.0.1:1}]\nupstreams: {a: {" + fields +
         "}}\nroutes: [{path: /, upstream: a, auth: none}]\n";
}

class BadYaml : public testing::TestWithParam<Row> {};

TEST_P(BadYaml, IsRefusedWithItsPlaceAndAWayOut) {
  const auto loaded = load(GetParam().yaml);
  EXPECT_THAT(shown(loaded.problems), HasSubstr(GetParam().expected));
  EXPECT_EQ(loaded.problems.size(), 1u) << shown(loaded.problems);
}

const Row kSyntax[] = {
    {"NoYaml", "a: 1\nb: \"\\q\"\n", "2:7: not valid YAML: unknown escape character: q"},
    {"Tab", "a:\n\tb: 1\n", "2:3: not valid YAML"},
    {"Scalar", "hello", "1:1: the file: expected a section of keys, found one value"},
    {"List", "- a", "1:1: the file: expected a section of keys, found a list"},
    {"SecondDocument", kBase + "---\na: 1\n", "10:1: one document per file"},
    {"UnknownAlias", "a: *hunter2", "1:4: this alias has no anchor"},
    {"Loop", "a: &x [*x]", "1:8: an alias here points at something that contains it"},
    {"KeyIsAList", kBase + "? [a]\n: 1\n", "9:3: a key must be plain text"},
    {"Duplicate", kBase + "workers: 1\nworkers: 2\n", "10:1: \"workers\" is given twice (first in line 9)"},
    {"DuplicateDeep", kBase + "limits: {head: 1s, head: 2s}\n", "9:20: \"head\" is given twice"},
    {"MergeKey", kBase + "log: {<<: {}}\n", "9:7: merge keys (<<) in log"},
};

const Row kKeys[] = {
    {"UnknownTop", kBase + "limit: {}\n", "9:1: unknown key \"limit\" (did you mean \"limits\"?)"},
    {"UnknownInSection", kBase + "limits: {heda: 1s}\n",
     "9:10: unknown key \"heda\" in limits (did you mean \"head\"?)"},
    {"UnknownInRoute", route("path: /a, upstream: orders, auth: none, method: GET"),
     "9:46: unknown key \"method\" in routes[2] (did you mean \"methods\"?)"},
    {"UnknownWithoutLikeness", kBase + "log: {zebra: 1}\n",
     "in log; allowed: access, audit, level, claims or mask_clients"},
    {"NoValue", kBase + "limits:\n", "9:1: limits has no value"},
    {"NoValueInList", kBase + "trusted_proxies: [~]\n", "9:19: trusted_proxies[0] has no value"},
    {"SectionForValue", kBase + "workers: {a: 1}\n",
     "9:10: workers: expected one value, found a section of keys"},
    {"ListForSection", kBase + "limits: []\n", "9:9: limits: expected a section of keys, found a list"},
    {"ValueForSection", kBase + "revocation: closed\n",
     "9:13: revocation: expected a section of keys, found one value"},
    {"MissingPath", route("upstream: orders, auth: none"), "9:5: routes[2]: \"path\" is missing"},
    {"MissingUpstream", route("path: /a, auth: none"), "9:5: routes[2]: \"upstream\" is missing"},
    {"MissingCertificate", "listeners: [{address: 127.0.0.1:1, tls: {key: a}}]\n" + kBase.substr(39),
     "1:41: listeners[0].tls: \"certificate\" is missing"},
    {"MissingKeyInList",
     "listeners: [{address: 127.0.0.1:1, tls: [{certificate: a, key: b}, {certificate: c}]}]\n" +
         kBase.substr(39),
     "listeners[0].tls[1]: \"key\" is missing"},
    {"NoCertificateAtAll", "listeners: [{address: 127.0.0.1:1, tls: []}]\n" + kBase.substr(39),
     "listeners[0].tls: the list is empty"},
    {"TlsVersion",
     "listeners: [{address: 127.0.0.1:1, tls: {certificate: a, key: b}, tls_min_version: 1.1}]\n" +
         kBase.substr(39),
     "listeners[0].tls_min_version: \"1.1\" is not allowed (did you mean \"1.2\"?); allowed: 1.2 | 1.3"},
    {"TlsVersionWithoutTls", "listeners: [{address: 127.0.0.1:1, tls_min_version: 1.3}]\n" + kBase.substr(39),
     "listeners[0].tls_min_version: it is for listeners with `tls`"},
    {"ClientCertificatesOfNobody",
     "listeners: [{address: 127.0.0.1:1, tls: {certificate: a, key: b}, client_certificates: required}]\n" +
         kBase.substr(39),
     "`client_ca` is missing"},
    {"ClientCaUnused",
     "listeners: [{address: 127.0.0.1:1, tls: {certificate: a, key: b}, client_ca: c}]\n" + kBase.substr(39),
     "say `client_certificates: optional` or `required`"},
    {"RedirectWithTls",
     "listeners: [{address: 127.0.0.1:1, tls: {certificate: a, key: b}, redirect: https}]\n" +
         kBase.substr(39),
     "listeners[0].redirect: a listener that only redirects"},
    {"RedirectToItself",
     "listeners: [{address: 127.0.0.1:8443, redirect: https, redirect_port: 8443}]\n" + kBase.substr(39),
     "listeners[0].redirect_port: the redirect would lead back"},
    {"ProxyProtocolFromNobody",
     "listeners: [{address: 127.0.0.1:1, proxy_protocol: on}]\n" + kBase.substr(39),
     "listeners[0].proxy_protocol: nobody may send the PROXY header"},
};

const Row kValues[] = {
    {"NoUnit", kBase + "limits: {head: 10}\n",
     "9:16: limits.head: \"10\" is not allowed; allowed: a duration such as 500ms"},
    {"ZeroHead", kBase + "limits: {head: 0s}\n",
     "9:16: limits.head: \"0s\" is not allowed; allowed: a duration"},
    {"PartsOfSeconds", kBase + "tokens_: 1\n", "did you mean \"tokens\"?"},
    {"HeadSizeLarge", kBase + "limits: {head_size: 1MiB}\n", "at least 1KiB, at most 60KiB"},
    {"HeadSizeUnit", kBase + "limits: {head_size: 16KB}\n",
     "\"16KB\" is not allowed; allowed: a size such as 500B, 64KiB"},
    {"Rate", kBase + "limits: {body_rate: 500B}\n", "allowed: a rate such as 500B/s"},
    {"Number", kBase + "limits: {fields: -1}\n",
     "\"-1\" is not allowed; allowed: a whole number, at least 8"},
    {"Workers", kBase + "workers: atuo\n", "9:10: workers: \"atuo\" is not allowed (did you mean \"auto\"?)"},
    {"WorkersZero", kBase + "workers: 0\n", "\"0\" is not allowed; allowed: auto (one per core)"},
    {"Enum", kBase + "revocation: {degraded: close}\n",
     "9:24: revocation.degraded: \"close\" is not allowed (did you mean \"closed\"?); allowed: closed | "
     "stale | open"},
    {"Bool", kBase + "users: {registration: ture}\n",
     "\"ture\" is not allowed (did you mean \"true\"?); allowed: true | false"},
    {"Throttle", kBase + "auth: {throttle: {per_user_and_address: 10}}\n",
     "9:41: auth.throttle.per_user_and_address"},
    {"Preset", kBase + "auth: {preset: codemaze}\n", "(did you mean \"code-maze\"?)"},
    {"LogLevel", kBase + "log: {level: warning}\n", "allowed: debug | info | warn | error"},
    {"Cookies", kBase + "auth: {cookies: maybe}\n", "allowed: off | on | a section of keys"},
    {"EmptyText", kBase + "auth: {host: \"\"}\n", "it is empty; leave the key out instead"},
    {"StoreScheme", kBase + "store: mysql://h\n",
     "9:8: store: this value is not allowed; allowed: redis://host:6379/0"},
    {"StoreSentinel", kBase + "store: redis+sentinel://a,b\n",
     "9:8: store: this value is not allowed, behind the Sentinels stands the name of the master"},
    {"StoreCluster", kBase + "store: redis+cluster://a,b/2\n", "a Cluster has no databases but 0"},
    {"StoreSeveral", kBase + "store: redis://a,b\n",
     "for several write redis+sentinel:// or redis+cluster://"},
    {"StoreTls", kBase + "store: {url: \"redis://a\", tls: {ca: ca.pem}}\n",
     "store.tls: the URL says no TLS: write rediss://"},
    {"StoreTlsHalf", kBase + "store: {url: \"rediss://a\", tls: {key: k.pem}}\n",
     "`certificate` and `key` go together"},
    {"StoreTlsVersion", kBase + "store: {url: \"rediss://a\", tls: {min_version: 1.1}}\n",
     "allowed: 1.2 | 1.3"},
    {"StoreNoSentinel", kBase + "store: {url: \"redis://a\", sentinel: {password: x}}\n",
     "store.sentinel: it is for redis+sentinel://"},
    {"StoreSentinelUser", kBase + "store: {url: \"redis+sentinel://a/m\", sentinel: {user: x}}\n",
     "`user` needs `password`"},
    {"StoreWaits", kBase + "store: {url: \"sqlite:x\", wait_replicas: 1}\n",
     "store.wait_replicas: it is for Redis"},
    {"StoreWaitsTooLong", kBase + "store: {url: \"redis://a\", wait_replicas: 1, wait_timeout: 150ms}\n",
     "store.wait_timeout: it must be at most half of timeout (200ms)"},
    {"StorePort", kBase + "store: redis://h:x\n", "the port is not a number"},
    {"MissingVariable", kBase + "store: redis://:${env:NOPE}@h\n",
     "9:8: store: the environment variable \"NOPE\" is not set"},
    {"MissingFile", kBase + "admin: {address: 127.0.0.1:2, token: \"${file:nope}\"}\n",
     "9:38: admin.token: the file \"/etc/sallyport/nope\" is missing"},
    {"FileIsAFolder", kBase + "admin: {address: 127.0.0.1:2, token: \"${file:/}\"}\n",
     "\"/\" is not a regular file"},
    {"UnknownSubstitution", kBase + "log: {access: \"${HOME}/a\"}\n",
     "\"${HOME}\" is not known; write ${env:NAME}"},
    {"OpenSubstitution", kBase + "log: {access: \"${env:A\"}\n", "a ${ has no }"},
    {"Address", kBase + "admin: {address: localhost:9901}\n",
     "9:18: admin.address: \"localhost:9901\" is not allowed, names are not looked up"},
    {"UpstreamName",
     kBase.substr(0, kBase.find("routes")) + "  \"a/b\": {servers: \"http://a\"}\n" +
         kBase.substr(kBase.find("routes")),
     "6:3: upstreams: the name \"a/b\" may hold"},
};

const Row kRules[] = {
    {"NoListeners", "listeners: []\n" + kBase.substr(39), "1:12: listeners: there is no listener"},
    {"NoRoutes", kBase.substr(0, kBase.find("routes")) + "routes: []\n", "6:9: routes: there is no route"},
    {"SameListener", "listeners: [{address: 127.0.0.1:1}, {address: 127.0.0.1:1}]\n" + kBase.substr(39),
     "1:47: listeners[1].address: another listener has 127.0.0.1:1 already"},
    {"AdminOnListener", kBase + "admin: {address: 127.0.0.1:8080}\n",
     "9:18: admin.address: clients connect to this address"},
    {"Proxies", kBase + "trusted_proxies: [10.0.0.0/8, 10.0.0.0/40]\n",
     "9:31: trusted_proxies[1]: \"10.0.0.0/40\" is no IP address"},
    {"DefaultNone", kBase + "defaults: {auth: none}\n", "9:18: defaults.auth: none would open every route"},
    {"ServerWithoutUrl", upstream("servers: [{weight: 2}]"), "upstreams.a.servers[0]: \"url\" is missing"},
    {"ServerWeight", upstream("servers: [{url: \"http://a\", weight: 0}]"), "weight"},
    {"HashByTwoHeaders", upstream("servers: \"http://a\", balance: hash header A B"),
     "the name of one header"},
    {"RetryOnAnything", upstream("servers: \"http://a\", retry: {on: [500]}"),
     "connect | reset | 502 | 503 | 504"},
    {"TlsForNoServer", upstream("servers: \"http://a\", tls: {ca: ca.pem}"), "none of the servers is https"},
    {"HalfAClientCertificate", upstream("servers: \"https://a\", tls: {key: k.pem}"), "go together"},
    {"NoDecision", route("path: /a, upstream: orders"), "9:5: routes[2]: nobody decided who may call \"/a\""},
    {"ClaimsFormat", route("path: /a, upstream: orders, auth: required, claims_format: jsno"),
     "\"jsno\" is not allowed (did you mean \"json\"?); allowed: comma | json"},
    {"AllowMisspelt", route("path: /a, upstream: orders, auth: required, allow: {all_role: x}"),
     "unknown key \"all_role\" in routes[2].allow (did you mean \"all_roles\"?)"},
    {"AssertionWithoutAudience",
     "listeners: [{address: \"127.0.0.1:1\"}]\nupstreams: {a: {servers: [\"http://10.0.0.5\"], assertion: "
     "{ttl: 30s}}}\ntokens: {issuer: i, audience: [a], signing: {keys: k}}\nroutes: [{path: /, upstream: a, "
     "auth: required}]\n",
     "upstreams.a.assertion: \"audience\" is missing"},
    {"AssertionBySecret",
     "listeners: [{address: \"127.0.0.1:1\"}]\nupstreams: {a: {servers: [\"http://10.0.0.5\"], assertion: "
     "{audience: o}}}\ntokens: {issuer: i, audience: [a], signing: {algorithm: HS256, secret: "
     "0123456789abcdef0123456789abcdef}, refresh: {keys: k}}\nroutes: [{path: /, upstream: a, auth: "
     "required}]\n",
     "HS256 has none: choose ES256 or EdDSA"},
    {"AssertionWithoutIssuer",
     "listeners: [{address: \"127.0.0.1:1\"}]\nupstreams: {a: {servers: [\"http://10.0.0.5\"], assertion: "
     "{audience: o}}}\nroutes: [{path: /, upstream: a, auth: none}]\n",
     "an assertion is a token of ours; it needs tokens.issuer"},
    {"NoneWithAllow", route("path: /a, upstream: orders, auth: none, allow: {roles: x}"),
     "9:53: routes[2].allow: auth is none"},
    {"UnknownUpstream", route("path: /a, upstream: ordres, auth: none"),
     "9:26: routes[2].upstream: there is no upstream \"ordres\" (did you mean \"orders\"?); known: orders"},
    {"SameRoute", route("path: /api/, upstream: orders, auth: required"),
     "9:5: routes[2]: the route \"/api/\" exists already in line 7 for the same methods"},
    {"OverlappingMethods",
     both("path: /a, methods: [GET, PUT], upstream: orders, auth: none",
          "path: /a, methods: [PUT], upstream: orders, auth: none"),
     "10:5: routes[3]: the route \"/a\""},
    {"PathWithoutSlash", route("path: a, upstream: orders, auth: none"),
     "9:12: routes[2].path: \"a\": a path begins with /"},
    {"PathWithWildcard", route("path: \"/a/*\", upstream: orders, auth: none"), "there are no wildcards"},
    {"PathWithDots", route("path: /a/../b, upstream: orders, auth: none"), "it has a . or .. segment"},
    {"PathEncoded", route("path: /%7ea, upstream: orders, auth: none"), "write \"/~a\""},
    {"Host", route("path: /a, host: \"a:80\", upstream: orders, auth: none"),
     "9:22: routes[2].host: \"a:80\" is no host"},
    {"MethodCase", route("path: /a, methods: get, upstream: orders, auth: none"),
     "is no method in upper case (did you mean \"GET\"?)"},
    {"MethodTrace", route("path: /a, methods: [TRACE], upstream: orders, auth: none"),
     "9:26: routes[2].methods[0]: \"TRACE\" is never forwarded"},
    {"StripPrefix", route("path: /a/b/, strip_prefix: /b, upstream: orders, auth: none"),
     "9:33: routes[2].strip_prefix: \"/b\" is no prefix"},
    {"StripHalfASegment", route("path: /api2/, strip_prefix: /api, upstream: orders, auth: none"),
     "\"/api\" is no prefix"},
    {"ClaimHeader",
     route("path: /a, claims_to_headers: {tenant: X-Auth-Roles}, upstream: orders, auth: required"),
     "9:44: routes[2].claims_to_headers.tenant: \"X-Auth-Roles\" is the gateway's own"},
    {"ClaimHeaderHop",
     route("path: /a, claims_to_headers: {t: Connection}, upstream: orders, auth: required"),
     "belongs to the connection"},
    {"ClaimHeaderTwice",
     route("path: /a, claims_to_headers: {a: X-T, b: x-t}, upstream: orders, auth: required"),
     "is set by two claims"},
    {"Trailer", route("path: /a, trailers: Content-Length, upstream: orders, auth: none"),
     "\"Content-Length\" belongs"},
    {"UpgradeH2c", route("path: /a, upgrades: [h2c], upstream: orders, auth: none"),
     "would carry requests past every check"},
    {"CorsOrigin", route("path: /a, cors: {origins: \"https://a/\"}, upstream: orders, auth: none"),
     "is no origin"},
    {"CorsStarCredentials",
     route("path: /a, cors: {origins: \"*\", credentials: true}, upstream: orders, auth: none"),
     "every web site"},
    {"SlashPass",
     both("path: /f/, encoded_slash: pass, upstream: orders, auth: none",
          "path: /f/x/, upstream: orders, auth: required"),
     "9:32: routes[2].encoded_slash: pass is refused here: \"/f/x/\" (line 10) shares the prefix"},
    {"SegmentsPass",
     both("path: /f/, upstream: orders, auth: none",
          "path: /f/x/, empty_segments: pass, upstream: orders, auth: required"),
     "10:35: routes[3].empty_segments: pass is refused here"},
    {"Collision", route("path: /auth/login, upstream: orders, auth: none"),
     "9:12: routes[2].path: \"/auth/login\" is taken by the gateway's own endpoint auth.endpoints.login"},
    {"CollisionBelow", route("path: /auth/sessions/x, upstream: orders, auth: none"),
     "auth.endpoints.sessions"},
    {"EndpointTwice", kBase + "auth: {endpoints: {logout: /auth/login}}\n",
     "9:28: auth.endpoints.logout: \"/auth/login\" is the path of login too"},
    {"Prefix", kBase + "auth: {prefix: /auth/}\n", "9:16: auth.prefix: \"/auth/\" must not end with /"},
    {"ExpiredHeader", kBase + "auth: {expired_header: \"a b\"}\n",
     "9:24: auth.expired_header: \"a b\" is no header name"},
    {"PasswordLengths", kBase + "users: {password: {min_length: 20, max_length: 10}}\n",
     "9:32: users.password.min_length: it is larger than max_length (10)"},
};

const Row kTokens[] = {
    {"Nobody", tokens("{access_ttl: 5m}"), "1:9: tokens: routes need a token but nobody may issue one"},
    {"Audience", tokens("{issuer: x, signing: {keys: k}}"), "1:9: tokens: `audience` is missing"},
    {"ShortSecret",
     tokens("{issuer: x, audience: a, signing: {algorithm: HS256, secret: short}, refresh: {keys: r}}"),
     "1:70: tokens.signing.secret: the secret has 5 bytes; at least 32"},
    {"NoSecret", tokens("{issuer: x, audience: a, signing: {algorithm: HS512}, refresh: {keys: r}}"),
     "HS512 needs `secret`"},
    {"NoKeys", tokens("{issuer: x, audience: a}"), "tokens.signing: ES256 needs `keys`, a directory"},
    {"HmacWithoutRefreshKeys",
     tokens("{issuer: x, audience: a, signing: {algorithm: HS256, secret: "
            "0123456789012345678901234567890123456789}}"),
     "tokens.refresh: with HS256 there is no directory"},
    {"WrapKey", tokens("{issuer: x, audience: a, signing: {keys: store}}"), "needs `wrap_key`"},
    {"RotateTooOften", tokens("{issuer: x, audience: a, signing: {keys: k, rotate_every: 1m}}"),
     "tokens.signing.rotate_every: shorter than access_ttl"},
    {"RotateASecret",
     tokens("{issuer: x, audience: a, signing: {algorithm: HS256, secret: "
            "0123456789abcdef0123456789abcdef, rotate_every: 30d}, refresh: {keys: r}}"),
     "tokens.signing.rotate_every: a secret isn't rotated by the gateway"},
    {"Algorithm", tokens("{issuer: x, audience: a, signing: {algorithm: ES265, keys: k}}"),
     "1:55: tokens.signing.algorithm: \"ES265\" is not allowed (did you mean \"ES256\"?)"},
    {"AlgorithmNone", tokens("{issuer: x, audience: a, signing: {algorithm: none, keys: k}}"),
     "\"none\" is not allowed"},
    {"AccessBeyondSession",
     tokens("{issuer: x, audience: a, signing: {keys: k}, access_ttl: 2h, refresh: {idle_ttl: off, "
            "absolute_ttl: 1h}}"),
     "1:66: tokens.access_ttl: it is longer than refresh.absolute_ttl"},
    {"IdleBeyondAbsolute",
     tokens("{issuer: x, audience: a, signing: {keys: k}, refresh: {idle_ttl: 2d, absolute_ttl: 1d}}"),
     "tokens.refresh.idle_ttl: it is longer than absolute_ttl"},
    {"WindowBeyondGrace",
     tokens("{issuer: x, audience: a, signing: {keys: k}, refresh: {rotation_grace: 1s}}"),
     "concurrency_window: it is longer than rotation_grace"},
    {"WholeSeconds", tokens("{issuer: x, audience: a, signing: {keys: k}, access_ttl: 1500ms}"),
     "\"1500ms\" is not allowed; allowed: a duration in whole seconds"},
    {"AccessZero", tokens("{issuer: x, audience: a, signing: {keys: k}, access_ttl: off}"),
     "at least 1s, at most 7d"},
    {"Skew", tokens("{issuer: x, audience: a, signing: {keys: k}, clock_skew: 1h}"), "at most 10m"},
    {"ForeignTwice",
     tokens("{issuer: x, audience: a, signing: {keys: k}, issuers: [{issuer: x, audience: a, algorithms: "
            "RS256, jwks: file:a}]}"),
     "1:73: tokens.issuers[0].issuer: \"x\" is configured already"},
    {"ForeignKeys", tokens("{issuers: [{issuer: x, audience: a, algorithms: RS256}]}"),
     "its keys are missing; name one of jwks"},
    {"ForeignSeveral",
     tokens("{issuers: [{issuer: x, audience: a, algorithms: RS256, jwks: file:a, key_file: b}]}"),
     "not several"},
    {"ForeignAlgorithm", tokens("{issuers: [{issuer: x, audience: a, algorithms: [RS265], jwks: file:a}]}"),
     "1:58: tokens.issuers[0].algorithms[0]: \"RS265\" is no algorithm that we verify (did you mean "
     "\"RS256\"?)"},
    {"ForeignHmacByUrl",
     tokens("{issuers: [{issuer: x, audience: a, algorithms: HS256, jwks: \"https://a/b\"}]}"),
     "public keys never verify them"},
    {"ForeignSecretRsa",
     tokens("{issuers: [{issuer: x, audience: a, algorithms: RS256, secret: "
            "0123456789012345678901234567890123456789}]}"),
     "`secret` verifies HS256"},
    {"ForeignJwks", tokens("{issuers: [{issuer: x, audience: a, algorithms: RS256, jwks: keys.json}]}"),
     "allowed: https://..., http://... or file:path"},
};

// `fields` begins in line 9, column 9.
std::string users(const std::string& fields) { return kBase + "users: {" + fields + "}\n"; }

const Row kUserSources[] = {
    {"FileWithoutPath", users("source: file"), "9:17: users.source: users.file.path is missing"},
    {"OtherSection", users("source: store, file: {path: x}"),
     "9:30: users.file: it is for `source: file`; the source is store"},
    {"ForeignRegistration", users("source: file, file: {path: x}, registration: true"),
     "users.registration: accounts are created in the gateway's own store; with `source: file`"},
    {"PostgresWithoutUrl", users("source: postgres, postgres: {by_name: a $1, by_id: b $1}"),
     "users.postgres.url is missing: postgresql://"},
    {"PostgresWithoutQuery", users("source: postgres, postgres: {url: u, by_name: a $1}"),
     "users.postgres.by_id is missing: the SELECT of a user by id ($1)"},
    {"QueryWithoutParameter", users("source: postgres, postgres: {url: u, by_name: a $1, by_id: b}"),
     "users.postgres.by_id: the query doesn't use $1"},
    {"UpdateWithoutOldHash",
     users("source: postgres, postgres: {url: u, by_name: $1, by_id: $1, update_password: $1 $2}"),
     "users.postgres.update_password: the query doesn't use $3"},
    {"HttpWithoutState", users("source: http, http: {login: \"https://a/l\"}"),
     "users.http.state is missing: the URL of a user's account"},
    {"HttpNoUrl", users("source: http, http: {login: a, state: \"https://a/{id}\"}"),
     "users.http.login: this is no URL; write https://host/path"},
    {"HttpUrlWithUser", users("source: http, http: {login: \"https://u:p@a/l\", state: \"https://a/{id}\"}"),
     "users.http.login: this can't be called; write https://host[:port]/path, without a user"},
    {"StateWithoutId", users("source: http, http: {login: \"https://a/l\", state: \"https://a/\"}"),
     "users.http.state: {id} is missing"},
    {"PasswordsThatCantBeChanged",
     users("source: file, file: {path: x}") + "auth: {endpoints: {password: /pw}}\n",
     "10:30: auth.endpoints.password: passwords of `users.source: file` can't be changed here"},
};

std::string row_name(const testing::TestParamInfo<Row>& info) { return info.param.name; }
INSTANTIATE_TEST_SUITE_P(Syntax, BadYaml, testing::ValuesIn(kSyntax), row_name);
INSTANTIATE_TEST_SUITE_P(Keys, BadYaml, testing::ValuesIn(kKeys), row_name);
INSTANTIATE_TEST_SUITE_P(Values, BadYaml, testing::ValuesIn(kValues), row_name);
INSTANTIATE_TEST_SUITE_P(Rules, BadYaml, testing::ValuesIn(kRules), row_name);
INSTANTIATE_TEST_SUITE_P(UserSources, BadYaml, testing::ValuesIn(kUserSources), row_name);
INSTANTIATE_TEST_SUITE_P(Tokens, BadYaml, testing::ValuesIn(kTokens), row_name);

TEST(Routes, MayShareAPathWhereTheirMethodsDiffer) {
  const auto loaded = load(both("path: /a, methods: GET, upstream: orders, auth: none",
                                "path: /a, methods: [POST, HEAD], upstream: orders, auth: required"));
  EXPECT_EQ(shown(loaded.problems), "");
}

// SECURITY P3.
TEST(Routes, NestedPublicAndPrivateOnesAreNamedInPlainWords) {
  const auto loaded = load(both("path: /public/admin/, upstream: orders, auth: required",
                                "path: /api/help, upstream: orders, auth: none"));
  EXPECT_EQ(shown(loaded.problems), "");
  EXPECT_EQ(shown(loaded.warnings),
            "9:5: routes[2]: \"/public/admin/\" asks for a token inside \"/public/\" (line 8), which is open "
            "to everybody\n"
            "10:5: routes[3]: \"/api/help\" is open to everybody inside \"/api/\" (line 7), which asks for a "
            "token\n");
}

TEST(Routes, OfHostsThatNeverMeetAreNotNested) {
  const auto loaded = load(route("path: /api/x, host: a.example, upstream: orders, auth: required"));
  EXPECT_EQ(shown(loaded.warnings), "");
  const auto hosts = load(both("path: /z/, host: a.example, upstream: orders, auth: required",
                               "path: /z/b, host: b.example, upstream: orders, auth: none"));
  EXPECT_EQ(shown(hosts.warnings), "");
  const auto wildcard = load(both("path: /z/, host: \"*.example\", upstream: orders, auth: required",
                                  "path: /z/b, host: b.example, upstream: orders, auth: none"));
  EXPECT_EQ(wildcard.warnings.size(), 1u);
}

TEST(Listeners, WarnWherePasswordsWouldCrossTheNetworkInClear) {
  const auto open = "listeners: [{address: 0.0.0.0:80}]\n" + kBase.substr(39);
  EXPECT_THAT(shown(load(open).warnings),
              HasSubstr("1:23: listeners[0].address: passwords and tokens cross 0.0.0.0:80 in clear"));
  EXPECT_EQ(shown(load(open + "trusted_proxies: 10.0.0.0/8\n").warnings), "");
}

// SECURITY O4: bounded before anything walks the tree.
TEST(Yaml, StopsABillionLaughs) {
  std::string yaml = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 12; ++i) {
    const auto n = std::to_string(i), before = "*a" + std::to_string(i - 1);
    yaml += "a" + n + ": &a" + n + " [" + before;
    for (int k = 0; k < 9; ++k) yaml += ", " + before;
    yaml += "]\n";
  }
  EXPECT_THAT(shown(load(yaml).problems), HasSubstr("more than 100000 values once aliases are followed"));
}

TEST(Yaml, StopsAtItsDepthHoweverItIsReached) {
  EXPECT_THAT(shown(load(std::string(1'000'000, '[')).problems), HasSubstr("nested deeper than 32 levels"));
  EXPECT_THAT(shown(load(std::string(500'000, '{')).problems), HasSubstr("nested deeper"));
  std::string dashes, questions;
  for (int i = 0; i < 200'000; ++i) dashes += "- ", questions += "? ";
  EXPECT_THAT(shown(load(dashes).problems), HasSubstr("nested deeper"));
  EXPECT_THAT(shown(load(questions).problems), HasSubstr("nested deeper"));
  std::string aliases = "a0: &a0 [x]\n";
  for (int i = 1; i < 40; ++i)
    aliases += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [*a" + std::to_string(i - 1) + "]\n";
  EXPECT_THAT(shown(load(aliases).problems), HasSubstr("nested deeper"));
}

TEST(Yaml, AMegabyteOfKeysIsReadInBoundedTime) {
  std::string yaml;
  for (int i = 0; yaml.size() < 1'000'000; ++i) yaml += "k" + std::to_string(i) + ": 1\n";
  const auto start = std::chrono::steady_clock::now();
  EXPECT_FALSE(load(yaml).problems.empty());
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds{20});
}

}  // namespace
}  // namespace sallyport::config
