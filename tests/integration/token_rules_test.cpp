// What tokens must say on a route, and what is made of it: policies by route and method, claims of other
// issuers where those have them, headers, log fields, the assertion for an upstream. Issue 4.
#include <gtest/gtest.h>
#include <boost/json/parse.hpp>

#include "auth/jose/keys.hpp"
#include "auth/jose/token_verifier.hpp"
#include "tests/support/gateway_process.hpp"
#include "tests/support/http_client.hpp"
#include "tests/support/jwt.hpp"
#include "tests/support/origin.hpp"

namespace sallyport::testing {
namespace {

namespace json = boost::json;

class TokenRules : public ::testing::Test {
 protected:
  TokenRules() {
    GatewayOptions options;
    options.files["idp.pem"] = key_.public_pem();
    options.wait_for = "ready:";
    gateway_ = std::make_unique<GatewayProcess>(
        SALLYPORT_BINARY,
        "listeners: [{address: \"127.0.0.1:0\"}]\nadmin: {address: \"127.0.0.1:0\"}\nworkers: 1\n"
        "store: \"memory:\"\nlog: {claims: [org.tenant, groups]}\n"
        "tokens:\n  issuer: https://auth.test\n  audience: [api]\n  signing: {keys: keys/}\n  issuers:\n"
        "    - {issuer: \"https://idp.test\", audience: [web], algorithms: [ES256], key_file: idp.pem,\n"
        "       max_lifetime: 1h, claims: {roles: realm_access.roles, scopes: permissions, audience: "
        "client_id}}\n"
        "upstreams:\n  api: {servers: [\"" +
            api_.url() + "\"]}\n  orders: {servers: [\"" + api_.url() +
            "\"], assertion: {audience: orders, ttl: 60s}}\n"
            "defaults: {auth: required}\nroutes:\n"
            "  - {path: /both/, upstream: api, allow: {all_roles: [a, b]}}\n"
            "  - {path: /doc/, methods: [GET], upstream: api, allow: {scopes: [r, w]}}\n"
            "  - {path: /doc/, methods: [POST], upstream: api, allow: {all_scopes: [r, w]}}\n"
            "  - {path: /tenant/, upstream: api, allow: {has: org.tenant, all_claims: {groups: [x, y]}}}\n"
            "  - {path: /json/, upstream: api, claims_to_headers: {groups: X-Groups, org: X-Org}, "
            "claims_format: json}\n"
            "  - {path: /orders/, upstream: orders}\n"
            "  - {path: /open/, upstream: orders, auth: none}\n",
        options);
  }

  std::string token(const std::string& more, long life = 600) const {
    const long now = std::time(nullptr);
    return es256(R"({"alg":"ES256","typ":"JWT"})",
                 R"({"iss":"https://idp.test","client_id":"web","sub":"ada","iat":)" + std::to_string(now) +
                     R"(,"exp":)" + std::to_string(now + life) + (more.empty() ? "" : "," + more) + "}",
                 key_);
  }
  Response call(std::string_view method, std::string_view path, const std::string& token,
                const Headers& more = {}) const {
    Headers headers = bearer(token);
    for (const auto& [name, value] : more) headers.add(name, value);
    return HttpClient(gateway_->port()).call(method, path, headers);
  }
  Response admin(std::string_view path) const {
    const std::string log = gateway_->log();
    const auto line = log.find("admin on ");
    return HttpClient(
               static_cast<std::uint16_t>(std::stoi(log.substr(log.rfind(':', log.find('\n', line)) + 1))))
        .get(path);
  }

  EcKey key_;
  Origin api_;
  std::unique_ptr<GatewayProcess> gateway_;
};

// S4.8, S1.25.
TEST_F(TokenRules, DecideByRouteAndMethodWithEachIssuersOwnClaims) {
  struct Row {
    const char *method, *path, *claims;
    int status;
  };
  const Row rows[] = {
      {"GET", "/both/", R"("realm_access":{"roles":["a","b","c"]})", 200},
      {"GET", "/both/", R"("realm_access":{"roles":["a"]})", 403},
      {"GET", "/both/", R"("roles":["a","b"])", 403},  // this issuer's roles are elsewhere
      {"GET", "/doc/", R"("permissions":["r"])", 200},
      {"POST", "/doc/", R"("permissions":["r"])", 403},
      {"POST", "/doc/", R"("permissions":["w","r"])", 200},
      {"GET", "/doc/", R"("scope":"r w")", 403},
      {"GET", "/tenant/", R"("org":{"tenant":"t"},"groups":["y","z","x"])", 200},
      {"GET", "/tenant/", R"("org":{"tenant":""},"groups":["x","y"])", 403},
      {"GET", "/tenant/", R"("org":{"tenant":"t"},"groups":["x"])", 403},
      {"GET", "/tenant/", "", 403},
  };
  for (const Row& row : rows) {
    const Response response = call(row.method, row.path, token(row.claims));
    EXPECT_EQ(response.status, row.status) << row.method << ' ' << row.path << ' ' << row.claims;
    if (row.status == 403) {
      EXPECT_EQ(response.headers.get("WWW-Authenticate"),
                "Bearer realm=\"sallyport\", error=\"insufficient_scope\"");
    }
  }
}

TEST_F(TokenRules, RefuseALifeLongerThanItsIssuerMayGive) {
  EXPECT_EQ(call("GET", "/json/", token("", 3600)).status, 200);
  const Response response = call("GET", "/json/", token("", 3700));
  EXPECT_EQ(response.status, 401);
  EXPECT_EQ(response.text("error"), "token_invalid");
  EXPECT_TRUE(gateway_->wait_for_log("\"reason\":\"lifetime_too_long\""));
}

TEST_F(TokenRules, SendListsAsJsonAndLogTheClaimsThatAreWanted) {
  ASSERT_EQ(
      call("GET", "/json/", token(R"("org":{"tenant":"t1"},"groups":["a,b","c"],"private":"hidden")")).status,
      200);
  EXPECT_EQ(api_.last().headers.get("X-Groups"), R"(["a,b","c"])");
  EXPECT_EQ(api_.last().headers.get("X-Org"), R"({"tenant":"t1"})");
  EXPECT_TRUE(gateway_->wait_for_log(R"("claims":{"org.tenant":"t1","groups":["a,b","c"]})"));
  EXPECT_EQ(gateway_->access_log().find("hidden"), std::string::npos);
}

TEST_F(TokenRules, TheAssertionIsForOneUpstreamAndForNobodyElse) {
  const std::string ada = token(R"("realm_access":{"roles":["a"]})");
  ASSERT_EQ(
      call("GET", "/orders/", ada, {{"X-Auth-Assertion", "forged"}, {"x_auth-assertion", "forged"}}).status,
      200);
  const std::string first = api_.last().headers.get("X-Auth-Assertion");
  EXPECT_EQ(api_.last().raw.find("forged"), std::string::npos);
  const json::object said = json::parse(payload_of(first)).as_object();
  EXPECT_EQ(said.at("aud"), "orders");
  EXPECT_EQ(said.at("sub_id"), json::parse(R"({"format":"iss_sub","iss":"https://idp.test","sub":"ada"})"));
  EXPECT_EQ(said.at("exp").as_int64() - said.at("iat").as_int64(), 60);

  // As the upstream checks it: by the published keys.
  const std::string jwks = HttpClient(gateway_->port()).get("/.well-known/jwks.json").body;
  const std::vector<jose::Algorithm> allowed{jose::Algorithm::es256};
  jose::Issuer ours;
  ours.issuer = "https://auth.test";
  ours.audience = {"orders"};
  ours.types = {"assertion+jwt"};
  ours.keys = jose::parse_jwks(jwks, allowed)->keys;
  jose::TokenVerifier verifier(std::make_shared<const std::vector<jose::Issuer>>(std::vector{ours}));
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  const auto verified = verifier.verify(first, now);
  ASSERT_TRUE(verified) << jose::to_string(verified.error());
  EXPECT_EQ((*verified)->roles, std::vector<std::string>{"a"});

  // It opens no door here, and isn't sent where nobody asked for it or nobody is known.
  EXPECT_EQ(call("GET", "/orders/", first).status, 401);
  ASSERT_EQ(call("GET", "/json/", ada).status, 200);
  EXPECT_FALSE(api_.last().headers.has("X-Auth-Assertion"));
  ASSERT_EQ(call("GET", "/open/", ada).status, 200);
  EXPECT_FALSE(api_.last().headers.has("X-Auth-Assertion"));

  ASSERT_EQ(call("GET", "/orders/", ada).status, 200);
  EXPECT_EQ(api_.last().headers.get("X-Auth-Assertion"), first) << "signed once";
  const Outcome rotated = gateway_->command({"keys", "rotate"});
  ASSERT_EQ(rotated.code, 0) << rotated.err;
  ASSERT_TRUE(gateway_->wait_for_log("our tokens are signed with"));
  ASSERT_EQ(call("GET", "/orders/", ada).status, 200);
  EXPECT_NE(header_of(api_.last().headers.get("X-Auth-Assertion")), header_of(first));
}

TEST_F(TokenRules, TheCacheTellsItsHitRatio) {
  const std::string ada = token("");
  for (int i = 0; i < 10; ++i) ASSERT_EQ(call("GET", "/json/", ada).status, 200);
  const auto count = [&](const std::string& result) {
    const std::string name = "sallyport_token_cache_lookups_total{result=\"" + result + "\"} ";
    const std::string text = admin("/metrics").body;
    const auto at = text.find(name);
    return at == std::string::npos ? -1 : std::stoi(text.substr(at + name.size()));
  };
  // Workers tell their counts at each tick.
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (count("hit") < 9 && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  EXPECT_EQ(count("hit"), 9);
  EXPECT_EQ(count("miss"), 1);
}

// Bad input: what is no key, said with the file that it stands in.
TEST(IssuerFiles, ThatHoldNoKeyAreNamed) {
  struct Row {
    const char *source, *file, *text, *said;
  };
  const Row rows[] = {
      {"key_file: k.pem", "k.pem", "hello\n", "k.pem: no PEM key: it begins with -----BEGIN PUBLIC KEY-----"},
      {"key_file: k.pem", "other.pem", "", "k.pem"},
      {"jwks: \"file:k.json\"", "k.json", "<!doctype html>", "k.json: "},
      {"jwks: \"file:k.json\"", "k.json", R"({"keys":[]})", "k.json: "},
      {"jwks: \"file:k.json\"", "k.json", R"({"keys":[{"kty":"AKP"}]})", "k.json: no usable key in the set"},
  };
  for (const Row& row : rows) {
    TempDir dir;
    dir.write(row.file, row.text);
    dir.write("gateway.yaml",
              std::string("listeners: [{address: \"127.0.0.1:0\"}]\ntokens: {issuers: [{issuer: "
                          "\"https://idp.test\", audience: [a], algorithms: [ES256], ") +
                  row.source +
                  "}]}\nupstreams: {api: {servers: [\"http://127.0.0.1:1\"]}}\n"
                  "routes: [{path: /, upstream: api, auth: required}]\n");
    const Outcome outcome = run({SALLYPORT_BINARY, "serve", "--config", dir / "gateway.yaml"});
    EXPECT_NE(outcome.code, 0);
    EXPECT_NE(outcome.err.find("https://idp.test"), std::string::npos) << outcome.err;
    EXPECT_NE(outcome.err.find(row.said), std::string::npos) << outcome.err;
  }
}

}  // namespace
}  // namespace sallyport::testing
