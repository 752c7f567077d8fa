// The admin listener (CONTRACT section 7): who may ask, what is told, and that no secret is among it.
#include <gtest/gtest.h>

#include "tests/support/gateway_process.hpp"
#include "tests/support/http_client.hpp"

namespace sallyport::testing {
namespace {

constexpr const char* kToken = "an-admin-token-of-the-test";

class AdminListener : public ::testing::Test {
 protected:
  std::string yaml(const std::string& token) const {
    return "listeners: [{address: \"127.0.0.1:0\"}]\nstore: \"memory:\"\nadmin: {address: \"127.0.0.1:" +
           std::to_string(port_) + "\"" + token + "}\nlog: {access: \"off\"}\n" +
           "tokens: {issuer: \"https://gw.example\", audience: [api], signing: {algorithm: HS256, "
           "secret: a-signing-secret-that-nobody-may-see, key_id: main}, refresh: {keys: keys/}}\n"
           "upstreams: {api: {servers: [\"http://127.0.0.1:9\"]}}\n"
           "routes: [{path: /orders/, upstream: api, auth: required}]\n";
  }
  Response get(const std::string& path, const Headers& headers) const {
    return HttpClient(port_).get(path, headers);
  }

  std::uint16_t port_ = free_port();
};

TEST_F(AdminListener, TellsNothingWithoutItsTokenOnLoopbackToo) {
  GatewayProcess gateway(SALLYPORT_BINARY, yaml(std::string(", token: ") + kToken));
  for (const char* path : {"/admin/config", "/admin/status", "/admin/routes", "/admin/nothing"}) {
    EXPECT_EQ(get(path, {}).status, 401) << path;
    EXPECT_EQ(get(path, bearer("another-token")).status, 401) << path;
    EXPECT_EQ(get(path, {{"Authorization", std::string("Basic ") + kToken}}).status, 401) << path;
  }
  const std::string good = std::string("Bearer ") + kToken;
  EXPECT_EQ(get("/admin/config", {{"Authorization", good}, {"Authorization", good}}).status, 400);
  EXPECT_EQ(HttpClient(gateway.port()).get("/admin/config", bearer(kToken)).status, 404) << "the public one";
}

TEST_F(AdminListener, ShowsHowOldItsKnowledgeOfRevocationsIs) {
  GatewayOptions how;
  how.wait_for = "info ready:";
  GatewayProcess gateway(SALLYPORT_BINARY, yaml(""), how);
  const std::string metrics = get("/metrics", {}).body;
  const std::size_t at = metrics.find("\nsallyport_revocation_staleness_seconds ");
  ASSERT_NE(at, metrics.npos) << metrics;
  EXPECT_LT(std::stod(metrics.substr(at + 40)), 5.0);
  EXPECT_NE(metrics.find("sallyport_store_resyncs_total 0"), metrics.npos) << metrics;
}

TEST_F(AdminListener, WithoutATokenInTheConfigurationAnswersNobody) {
  GatewayProcess gateway(SALLYPORT_BINARY, yaml(""));
  EXPECT_EQ(get("/admin/config", {{"Authorization", "Bearer "}}).status, 401);
  EXPECT_EQ(get("/admin/config", bearer("x")).status, 401);
  EXPECT_EQ(get("/livez", {}).status, 200);
}

// A page of another site that rebinds its name to 127.0.0.1 sends its own name.
TEST_F(AdminListener, RefusesAHostThatIsNoAddress) {
  GatewayProcess gateway(SALLYPORT_BINARY, yaml(std::string(", token: ") + kToken));
  Headers headers = bearer(kToken);
  headers.add("Host", "evil.example");
  EXPECT_EQ(get("/admin/config", headers).status, 403);
  headers = bearer(kToken);
  headers.add("Host", "localhost:" + std::to_string(port_));
  EXPECT_EQ(get("/admin/config", headers).status, 200);
}

TEST_F(AdminListener, TellsTheConfigurationInForceWithoutItsSecrets) {
  GatewayProcess gateway(SALLYPORT_BINARY, yaml(std::string(", token: ") + kToken));
  Headers headers = bearer(kToken);
  headers.add("Host", "127.0.0.1");
  const Response config = get("/admin/config", headers);
  EXPECT_EQ(config.status, 200);
  EXPECT_EQ(config.header("Cache-Control"), "no-store");
  EXPECT_NE(config.body.find("path: /orders/"), std::string::npos) << config.body;
  EXPECT_NE(config.body.find("***"), std::string::npos);
  EXPECT_EQ(config.body.find("nobody-may-see"), std::string::npos);
  EXPECT_EQ(config.body.find(kToken), std::string::npos);
  EXPECT_EQ(get("/admin/routes", headers).json().at("routes").at(0).at("auth").as_string(), "required");
  EXPECT_TRUE(get("/admin/revocations", headers).json().as_object().contains("entries"));
  EXPECT_TRUE(get("/admin/status", headers).json().as_object().contains("ready"));
  EXPECT_EQ(get("/admin/nothing", headers).status, 404);
  EXPECT_EQ(HttpClient(port_).call("POST", "/admin/routes", headers).status, 405);
}

}  // namespace
}  // namespace sallyport::testing
