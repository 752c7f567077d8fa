// Our own signing keys in running gateways: rotated by hand and by age, revoked, always under traffic that
// nobody refuses. Two gateways share one folder of keys and one store, as a fleet on one disk does.
#include <gtest/gtest.h>

#include "tests/support/gateway_process.hpp"
#include "tests/support/http_client.hpp"
#include "tests/support/jwt.hpp"
#include "tests/support/origin.hpp"
#include "tests/support/redis_server.hpp"

namespace sallyport::testing {
namespace {

class SigningKeys : public ::testing::Test {
 protected:
  std::unique_ptr<GatewayProcess> gateway(const std::string& signing = "",
                                          const std::string& access_ttl = "10m") {
    GatewayOptions options;
    options.wait_for = "ready:";
    return std::make_unique<GatewayProcess>(
        SALLYPORT_BINARY,
        "listeners: [{address: \"127.0.0.1:0\"}]\nworkers: 2\nstore: \"sqlite:" + (dir_ / "state.db") +
            "\"\ntokens:\n  issuer: https://auth.test\n  audience: [api]\n  access_ttl: " + access_ttl +
            "\n  signing: {algorithm: ES256, keys: \"" + (dir_ / "keys") + "\"" + signing +
            "}\nusers: {registration: true, new: {roles: [user]}}\nupstreams: {api: {servers: [\"" +
            api_.url() + "\"]}}\nroutes:\n  - {path: /api/, upstream: api, auth: required}\n",
        options);
  }
  static constexpr std::string_view kAda = R"({"username":"ada","password":"correct horse battery"})";
  static Response login(const GatewayProcess& gateway) {
    const HttpClient client(gateway.port());
    (void)client.post("/auth/register", kAda);
    return client.post("/auth/login", kAda);
  }
  static std::string kid(const std::string& token) {
    const std::string header = header_of(token);
    const std::size_t at = header.find(R"("kid":")") + 7;
    return header.substr(at, header.find('"', at) - at);
  }
  static int api(const GatewayProcess& gateway, const std::string& token) {
    return HttpClient(gateway.port()).get("/api/x", bearer(token)).status;
  }
  static std::string published(const GatewayProcess& gateway) {
    return HttpClient(gateway.port()).get("/.well-known/jwks.json").body;
  }

  TempDir dir_;
  Origin api_;
};

TEST_F(SigningKeys, ARevokedKeyKillsWhatItSignedInRunningGateways) {
  const auto one = gateway(), two = gateway();
  const std::string token = login(*one).text("access_token");
  EXPECT_EQ(api(*two, token), 200);
  const Outcome revoked =
      run({SALLYPORT_BINARY, "keys", "revoke", "--config", two->config_path(), "--", kid(token)});
  ASSERT_EQ(revoked.code, 0) << revoked.err;
  for (const GatewayProcess* gateway : {one.get(), two.get()}) {
    ASSERT_TRUE(const_cast<GatewayProcess*>(gateway)->wait_for_log("our own keys changed"));
    EXPECT_EQ(api(*gateway, token), 401);
    EXPECT_EQ(published(*gateway).find(kid(token)), std::string::npos);
  }
  EXPECT_EQ(api(*one, login(*two).text("access_token")), 200) << "a new key has taken its place";
}

TEST_F(SigningKeys, RotationByAgePublishesBeforeItSigns) {
  const auto gateway = this->gateway(", rotate_every: 2s", "2s");
  std::string refresh = login(*gateway).text("refresh_token");
  const auto next_kid = [&] {
    const Response pair =
        HttpClient(gateway->port()).post("/auth/refresh", R"({"refresh_token":")" + refresh + "\"}");
    refresh = pair.text("refresh_token");
    return kid(pair.text("access_token"));
  };
  const std::string first = next_kid();
  std::string published_before, second;
  EXPECT_TRUE(poll_until([&] {
    published_before = published(*gateway);
    second = next_kid();
    return second != first;
  }));
  EXPECT_NE(published_before.find(first), std::string::npos);
  EXPECT_NE(published_before.find(second), std::string::npos)
      << "whoever fetched our keys knew it before its first token";
}

}  // namespace
}  // namespace sallyport::testing
