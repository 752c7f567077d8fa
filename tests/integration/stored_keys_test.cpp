// Keys in the store: a fleet shares them without a folder, rotates together, and comes up before its store
// does. Issue 4.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/integration/fleet.hpp"
#include "tests/support/jwt.hpp"
#include "tests/support/redis_server.hpp"

namespace sallyport::testing {
namespace {

using ::testing::HasSubstr;

std::string yaml_of(const std::string& store, const std::string& upstream, const std::string& more = {},
                    const std::string& algorithm = "ES256") {
  return "listeners: [{address: \"127.0.0.1:0\"}]\nworkers: 2\nstore: \"" + store +
         "\"\nadmin: {address: \"127.0.0.1:0\"}\n"
         "tokens:\n  issuer: https://auth.test\n  audience: [api]\n  signing: {algorithm: " +
         algorithm + ", keys: store, wrap_key: \"a wrap key of at least thirty-two bytes\"" + more +
         "}\nusers: {registration: true, new: {roles: [user]}}\nupstreams: {api: {servers: [\"" + upstream +
         "\"]}}\nroutes:\n  - {path: /api/, upstream: api, auth: required}\n";
}

GatewayOptions ready() {
  GatewayOptions how;
  how.wait_for = "our tokens are signed with";
  return how;
}

Pair login(GatewayProcess& gateway) {
  EXPECT_TRUE(gateway.wait_for_log("ready:")) << gateway.log();
  const HttpClient client(gateway.port());
  client.post("/auth/register", credentials("ada"));
  return pair_of(client.post("/auth/login", credentials("ada")));
}

int call(const GatewayProcess& gateway, const std::string& access) {
  return HttpClient(gateway.port()).get("/api/x", bearer(access)).status;
}

TEST(StoredKeys, AreSharedByAFleetThatRotatesThemWithOneCommand) {
  RedisServer redis;
  Origin origin;
  GatewayProcess one(SALLYPORT_BINARY, yaml_of(redis.url(), origin.url()), ready());
  GatewayProcess two(SALLYPORT_BINARY, yaml_of(redis.url(), origin.url()), ready());
  const Pair before = login(one);
  EXPECT_EQ(call(two, before.access), 200);

  const Outcome rotated = one.command({"keys", "rotate"});
  ASSERT_EQ(rotated.code, 0) << rotated.err;
  const std::string id = rotated.out.substr(rotated.out.find(": ") + 2, 43);
  ASSERT_TRUE(two.wait_for_log("our tokens are signed with " + id)) << two.log();
  const Pair after = login(two);
  EXPECT_THAT(header_of(after.access), HasSubstr(id));
  EXPECT_EQ(call(one, after.access), 200) << "at once, also where the change was not seen yet";
  EXPECT_EQ(call(two, before.access), 200) << "a retired key verifies on";

  const std::string first = header_of(before.access);
  const std::string first_id = first.substr(first.find("\"kid\":\"") + 7, 43);
  const Outcome revoked =
      run({SALLYPORT_BINARY, "keys", "revoke", "--config", one.config_path(), "--", first_id});
  ASSERT_EQ(revoked.code, 0) << revoked.err;
  ASSERT_TRUE(two.wait_for_log("our own keys changed: 1 verify", 2)) << two.log();
  EXPECT_EQ(call(two, before.access), 401);
  EXPECT_EQ(call(two, after.access), 200);
  EXPECT_THAT(one.command({"keys", "list"}).out, HasSubstr(id + "  ES256  current"));
  const Outcome inspected = one.command({"token", "inspect", "-"}, after.access);
  EXPECT_EQ(inspected.code, 0) << inspected.out << inspected.err;
}

TEST(StoredKeys, SurviveARestartInSqlite) {
  Origin origin;
  GatewayProcess gateway(SALLYPORT_BINARY, yaml_of("sqlite:state.db", origin.url()), ready());
  const Pair pair = login(gateway);
  gateway.kill();
  gateway.start();
  ASSERT_TRUE(gateway.wait_for_log("ready:")) << gateway.log();
  EXPECT_EQ(call(gateway, pair.access), 200);
  const Response again =
      HttpClient(gateway.port()).post("/auth/refresh", R"({"refresh_token":")" + pair.refresh + "\"}");
  EXPECT_EQ(again.status, 200);
}

TEST(StoredKeys, MissingLogNobodyOut) {
  RedisServer redis;
  Origin origin;
  const std::string url = redis.url();
  GatewayProcess gateway(SALLYPORT_BINARY, yaml_of(url, origin.url()), ready());
  const Pair pair = login(gateway);
  redis.kill();
  gateway.kill();
  GatewayOptions how;
  how.wait_for = "our own keys:";
  GatewayProcess late(SALLYPORT_BINARY, yaml_of(url, origin.url()), how);
  EXPECT_EQ(call(late, pair.access), 503);
  const HttpClient client(late.port());
  const Response refused = client.post("/auth/refresh", R"({"refresh_token":")" + pair.refresh + "\"}");
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(error_of(refused), "store_unavailable");
}

TEST(StoredKeys, OfAnotherWrapKeyAreNamedAndNeverReplaced) {
  RedisServer redis;
  Origin origin;
  GatewayProcess one(SALLYPORT_BINARY, yaml_of(redis.url(), origin.url()), ready());
  std::string other = yaml_of(redis.url(), origin.url());
  other.replace(other.find("a wrap key"), 10, "no wrap key");
  GatewayOptions how;
  how.wait_for = "sealed under another wrap_key";
  GatewayProcess two(SALLYPORT_BINARY, other, how);
  const Pair pair = login(one);
  EXPECT_EQ(call(one, pair.access), 200);
  EXPECT_EQ(call(two, pair.access), 503);
}

TEST(OwnKeys, OfTwoGatewaysThatDifferMakeTheSecondNotReadyAndAreBothNamed) {
  RedisServer redis;
  Origin origin;
  std::string yaml = yaml_of(redis.url(), origin.url());
  const std::string stored = "keys: store, wrap_key: \"a wrap key of at least thirty-two bytes\"";
  yaml.replace(yaml.find(stored), stored.size(), "keys: keys/");  // a folder of each gateway's own
  GatewayOptions how;
  how.wait_for = "ready:";
  GatewayProcess one(SALLYPORT_BINARY, yaml, how);
  const std::string kid = header_of(login(one).access);
  how.wait_for = "not ready: other gateways on this store have the signing key";
  GatewayProcess two(SALLYPORT_BINARY, yaml, how);
  const std::string theirs = kid.substr(kid.find("\"kid\":\"") + 7, 43);
  EXPECT_TRUE(two.wait_for_log(theirs + ", this one has ")) << two.log();
  ASSERT_TRUE(two.wait_for_log("info ready:")) << two.log();
  const std::string log = two.log();
  const std::size_t admin = log.find("admin on 127.0.0.1:");
  ASSERT_NE(admin, log.npos) << log;
  const auto port = static_cast<std::uint16_t>(std::stoi(log.substr(admin + 19)));
  const Response readyz = HttpClient(port).get("/readyz");
  EXPECT_EQ(readyz.status, 503);
  EXPECT_THAT(readyz.body, HasSubstr(theirs + ", this one has "));

  ASSERT_EQ(two.command({"keys", "adopt"}).code, 0);
  EXPECT_TRUE(one.wait_for_log("not ready: other gateways on this store")) << one.log();
}

}  // namespace
}  // namespace sallyport::testing
