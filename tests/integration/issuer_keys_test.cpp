// Other people's issuers whose keys are under a URL: the key server goes away, comes back with new keys, is
// slow, answers HTML, shows a certificate that isn't its own. Issue 4, "Shows" 4: what clients saw, phase by
// phase, is printed as a table.
#include <gtest/gtest.h>

#include <iostream>
#include <thread>

#include "tests/support/gateway_process.hpp"
#include "tests/support/http_client.hpp"
#include "tests/support/jwt.hpp"
#include "tests/support/origin.hpp"

namespace sallyport::testing {
namespace {

std::string token(const EcKey& key) {
  const std::string exp = std::to_string(std::time(nullptr) + 600);
  return es256(R"({"alg":"ES256","typ":"JWT","kid":")" + key.thumbprint() + R"("})",
               R"({"iss":"https://idp.test","aud":"api","sub":"ada","exp":)" + exp + "}", key);
}

Answer jwks(std::initializer_list<const EcKey*> keys) {
  Answer answer;
  answer.headers.add("Content-Type", "application/json");
  answer.body = R"({"keys":[)";
  for (const EcKey* key : keys) answer.body += (answer.body.ends_with('[') ? "" : ",") + key->jwk();
  answer.body += "]}";
  return answer;
}

class IssuerKeys : public ::testing::Test {
 protected:
  std::unique_ptr<GatewayProcess> gateway(const std::string& source,
                                          std::map<std::string, std::string> env = {}) {
    GatewayOptions options;
    options.env = std::move(env);
    options.wait_for = "ready:";
    auto made = std::make_unique<GatewayProcess>(
        SALLYPORT_BINARY,
        "listeners: [{address: \"127.0.0.1:0\"}]\nadmin: {address: \"127.0.0.1:0\"}\nworkers: 2\n"
        "tokens:\n  issuers:\n    - {issuer: \"https://idp.test\", audience: [api], algorithms: [ES256], " +
            source + "}\nupstreams: {api: {servers: [\"" + api_.url() +
            "\"]}}\nroutes:\n  - {path: /api/, upstream: api, auth: required}\n  - {path: /open/, upstream: "
            "api, "
            "auth: none}\n",
        options);
    const std::string log = made->log();
    admin_ = static_cast<std::uint16_t>(
        std::stoi(log.substr(log.rfind(':', log.find('\n', log.find("admin on "))) + 1)));
    return made;
  }
  // What a client sees: the status, and the `error` where there is one.
  static std::string seen(const GatewayProcess& gateway, const EcKey& key) {
    const Response response = HttpClient(gateway.port()).get("/api/x", bearer(token(key)));
    return std::to_string(response.status) + (response.status == 200 ? "" : " " + response.text("error"));
  }
  // The same as a row of the table.
  static std::string saw(const char* phase, const char* whose, const GatewayProcess& gateway,
                         const EcKey& key) {
    const auto began = Clock::now();
    std::string what = seen(gateway, key);
    const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - began);
    std::cout << "| " << phase << " | " << whose << " | " << what << " | " << took.count() << " ms |\n";
    return what;
  }
  static void SetUpTestSuite() {
    std::cout << "| key server | token of | client saw | after |\n|---|---|---|---|\n";
  }
  Response ready() const { return HttpClient(admin_).get("/readyz"); }

  Origin api_;
  std::uint16_t admin_ = 0;
  EcKey old_key_, new_key_, forged_;
};

TEST_F(IssuerKeys, AServerThatIsAwayComesGoesAndComesBackWithNewKeys) {
  const std::uint16_t port = free_port();
  const auto gateway = this->gateway("jwks: \"http://127.0.0.1:" + std::to_string(port) + "/keys\"");

  // Not there yet: the gateway runs, is not ready, and says why.
  EXPECT_EQ(saw("not there yet", "its key", *gateway, old_key_), "401 token_invalid");
  EXPECT_EQ(HttpClient(gateway->port()).get("/open/x").status, 200);
  EXPECT_EQ(ready().status, 503);
  EXPECT_NE(
      ready().body.find("keys of issuer https://idp.test not loaded: cannot fetch its keys: cannot connect"),
      std::string::npos)
      << ready().body;
  EXPECT_NE(gateway->log().find("keys of issuer https://idp.test: cannot fetch its keys: cannot connect"),
            std::string::npos);
  EXPECT_TRUE(gateway->wait_for_log("unknown_key"));

  {
    Origin issuer(port);
    issuer.on("/keys", jwks({&old_key_}));
    ASSERT_TRUE(gateway->wait_for_log("loaded 1 key"));
    EXPECT_EQ(saw("there", "its key", *gateway, old_key_), "200");
    EXPECT_EQ(saw("there", "an invented key", *gateway, forged_), "401 token_invalid");
    EXPECT_EQ(ready().status, 200) << ready().body;
  }
  // Away again: the last good keys go on.
  EXPECT_EQ(saw("away again", "its key", *gateway, old_key_), "200");
  EXPECT_EQ(ready().status, 200);
}

// A signs with a key that the gateway has never seen: the first request waits for it and passes.
TEST_F(IssuerKeys, ANewKeyIsFetchedForItsFirstTokenOnceForAllWhoWait) {
  Origin issuer;
  issuer.on("/keys", jwks({&old_key_}));
  const auto gateway = this->gateway("jwks: \"" + issuer.url() + "/keys\"");
  ASSERT_TRUE(gateway->wait_for_log("loaded 1 key"));

  const auto gate = std::make_shared<Gate>();
  Answer answer = jwks({&new_key_});
  answer.before_head = gate;
  issuer.on("/keys", answer);
  std::vector<std::string> results(8);
  std::vector<std::thread> clients;
  for (std::string& result : results) clients.emplace_back([&] { result = seen(*gateway, new_key_); });
  ASSERT_TRUE(gate->wait_for_arrivals());
  EXPECT_EQ(saw("asked for new keys", "its old key", *gateway, old_key_), "200") << "nobody else waits";
  gate->open();
  for (std::thread& client : clients) client.join();
  for (const std::string& result : results) EXPECT_EQ(result, "200");
  EXPECT_EQ(issuer.requests("/keys").size(), 2u);
  EXPECT_EQ(saw("back with new keys", "the new key", *gateway, new_key_), "200");
  EXPECT_EQ(saw("back with new keys", "the withdrawn key", *gateway, old_key_), "401 token_invalid");
}

TEST_F(IssuerKeys, ASlowServerHoldsAClientTwoSecondsAndTheGatewayFive) {
  Origin issuer;
  issuer.on("/keys", jwks({&old_key_}));
  const auto gateway = this->gateway("jwks: \"" + issuer.url() + "/keys\"");
  ASSERT_TRUE(gateway->wait_for_log("loaded 1 key"));
  const auto gate = std::make_shared<Gate>();
  Answer slow = jwks({&new_key_});
  slow.inside_body = gate;
  issuer.on("/keys", slow);

  const auto began = Clock::now();
  EXPECT_EQ(saw("slow", "a new key", *gateway, new_key_), "401 token_invalid");
  EXPECT_GE(Clock::now() - began, std::chrono::milliseconds(1900));
  EXPECT_EQ(saw("slow", "its known key", *gateway, old_key_), "200");
  ASSERT_TRUE(gateway->wait_for_log("no whole answer within 5 s; the last good keys stay in use"));
  EXPECT_EQ(seen(*gateway, old_key_), "200");
  gate->open();
}

TEST_F(IssuerKeys, AnswersThatAreNoKeysAreSaidPlainly) {
  struct Row {
    const char* name;
    Answer answer;
    const char* message;
  };
  std::vector<Row> rows(6);
  rows[0] = {"html", {}, "its key URL answers with an HTML page, not a JWK Set"};
  rows[0].answer.body = "<!doctype html><title>Sign in</title>";
  rows[1] = {"redirect", {}, "it answers 302, a redirect"};
  rows[1].answer.status = 302;
  rows[1].answer.headers.add("Location", "http://127.0.0.1:1/keys");
  rows[2] = {"error", {}, "it answers 500"};
  rows[2].answer.status = 500;
  rows[3] = {"too large", {}, "its answer is larger than 512 KiB"};
  rows[3].answer.body = std::string(600 * 1024, ' ');
  rows[4] = {"no usable key", {}, "key 1"};
  rows[4].answer.body =
      R"({"keys":[{"kty":"oct","k":"YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE","alg":"HS256"}]})";
  rows[5] = {"not HTTP", {}, "its answer is not HTTP"};
  rows[5].answer.raw = "SSH-2.0-OpenSSH_9.2\r\n\r\n";
  for (const Row& row : rows) {
    Origin issuer;
    issuer.on("/keys", row.answer);
    const auto gateway = this->gateway("jwks: \"" + issuer.url() + "/keys\"");
    EXPECT_TRUE(gateway->wait_for_log(row.message)) << row.name << ":\n" << gateway->log();
    EXPECT_EQ(ready().status, 503) << row.name;
    EXPECT_EQ(seen(*gateway, old_key_), "401 token_invalid") << row.name;
  }
}

TEST_F(IssuerKeys, DiscoveryNamesTheKeysButOnlyForItsOwnIssuer) {
  Origin issuer;
  issuer.on("/keys", jwks({&old_key_}));
  Answer configuration;
  configuration.body = R"({"issuer":"https://idp.test","jwks_uri":")" + issuer.url() + R"(/keys"})";
  issuer.on("/.well-known/openid-configuration", configuration);
  const std::string source = "discovery: \"" + issuer.url() + "/.well-known/openid-configuration\"";
  const auto good = gateway(source);
  ASSERT_TRUE(good->wait_for_log("loaded 1 key"));
  EXPECT_EQ(seen(*good, old_key_), "200");

  configuration.body = R"({"issuer":"https://other.test","jwks_uri":")" + issuer.url() + R"(/keys"})";
  issuer.on("/.well-known/openid-configuration", configuration);
  const auto bad = gateway(source);
  EXPECT_TRUE(bad->wait_for_log("the OpenID configuration is of another issuer"));
}

// https is verified, the name too: a server with a good chain for another name is as bad as none.
TEST_F(IssuerKeys, OverHttpsOnlyTheRightCertificateIsBelieved) {
  TempDir dir;
  const auto openssl = [&](std::vector<std::string> args) {
    args.insert(args.begin(), "openssl");
    ProcessOptions how;
    how.directory = dir.path().string();
    const Outcome outcome = run(args, how);
    ASSERT_EQ(outcome.code, 0) << outcome.err;
  };
  const auto certificate = [&](const std::string& name, const std::string& names) {
    openssl({"req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
             name + ".key", "-out", name + ".pem", "-days", "2", "-subj", "/CN=keys", "-addext",
             "subjectAltName=" + names});
  };
  certificate("right", "IP:127.0.0.1");
  certificate("other", "DNS:other.test");
  dir.write("keys", jwks({&old_key_}).body);
  struct Row {
    const char *name, *served, *trusted, *message;
  };
  for (const Row& row :
       {Row{"right", "right", "right", "loaded 1 key"},
        Row{"wrong name", "other", "other", "its TLS certificate is not good: IP address mismatch"},
        Row{"unknown authority", "right", "other", "its TLS certificate is not good: self"}}) {
    const std::uint16_t port = free_port();
    ProcessOptions how;
    how.directory = dir.path().string();
    Process server({"openssl", "s_server", "-accept", "127.0.0.1:" + std::to_string(port), "-cert",
                    std::string(row.served) + ".pem", "-key", std::string(row.served) + ".key", "-WWW"},
                   how);
    ASSERT_TRUE(server.wait_for_output("ACCEPT"));
    const auto gateway = this->gateway("jwks: \"https://127.0.0.1:" + std::to_string(port) + "/keys\"",
                                       {{"SSL_CERT_FILE", dir / (std::string(row.trusted) + ".pem")}});
    EXPECT_TRUE(gateway->wait_for_log(row.message)) << row.name << ":\n" << gateway->log();
  }
}

}  // namespace
}  // namespace sallyport::testing
