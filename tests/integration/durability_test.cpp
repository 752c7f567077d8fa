// What was acknowledged survives a crash of the gateway and of its store: sessions live on, revocations stay
// in force.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/integration/fleet.hpp"
#include "tests/support/jwt.hpp"
#include "tests/support/redis_server.hpp"

namespace sallyport::testing {
namespace {

// One session that was logged out, one that lives.
struct Acknowledged {
  Pair ended, living;
};

Acknowledged acknowledge(Fleet& fleet) {
  Acknowledged before{fleet.login(0, "ada"), fleet.login(0, "ada")};
  EXPECT_EQ(fleet.call(0, before.ended.access).status, 200);
  EXPECT_EQ(fleet.logout(0, before.ended.access).status, 204);
  const Response refused = fleet.call(0, before.ended.access);
  EXPECT_EQ(refused.status, 401);
  EXPECT_EQ(error_of(refused), "token_revoked");
  EXPECT_FALSE(refused.headers.has("Token-Expired"));
  return before;
}

void expect_kept(Fleet& fleet, const Acknowledged& before) {
  const Response revoked = fleet.call(0, before.ended.access);
  EXPECT_EQ(revoked.status, 401);
  EXPECT_EQ(error_of(revoked), "token_revoked");
  EXPECT_EQ(error_of(fleet.refresh(0, before.ended.refresh)), "session_revoked");
  EXPECT_EQ(fleet.call(0, before.living.access).status, 200);
  const Response refreshed = fleet.refresh(0, before.living.refresh);
  ASSERT_EQ(refreshed.status, 200) << refreshed.body;
  EXPECT_EQ(fleet.call(0, pair_of(refreshed).access).status, 200);
}

TEST(Durability, AKilledGatewayOverSqliteForgetsNothingItAcknowledged) {
  TempDir state;
  Fleet fleet("sqlite:" + (state / "state.db"));
  fleet.add();
  const Acknowledged before = acknowledge(fleet);
  fleet[0].kill();
  fleet[0].start();
  expect_kept(fleet, before);
}

TEST(Durability, AKilledGatewayAndAKilledRedisWithAofForgetNothingTheyAcknowledged) {
  RedisServer redis({.append_only = true});
  Fleet fleet(redis.url());
  fleet.add();
  const Acknowledged before = acknowledge(fleet);
  fleet[0].kill();
  redis.kill();
  redis.start();
  fleet[0].start();
  expect_kept(fleet, before);
}

// The append-only file holds each command in plain text: all that Redis was ever told.
TEST(Durability, RedisIsToldNoTokenAndNoPassword) {
  RedisServer redis({.append_only = true});
  Fleet fleet(redis.url());
  fleet.add();
  const Acknowledged before = acknowledge(fleet);
  const Pair next = pair_of(fleet.refresh(0, before.living.refresh));
  EXPECT_EQ(fleet.call(0, next.access).status, 200);
  redis.stop();
  std::string told;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(redis.dir().path())) {
    std::ifstream file(entry.path(), std::ios::binary);
    if (entry.is_regular_file()) told.append(std::istreambuf_iterator<char>(file), {});
  }
  ASSERT_NE(told.find(next.session), told.npos) << "the record stands there";
  for (const Pair& pair : {before.ended, before.living, next}) {
    const std::string mac = from_base64url(pair.refresh.substr(3)).substr(36);
    ASSERT_EQ(mac.size(), 32u);
    for (const std::string& secret : {pair.refresh, pair.refresh.substr(60), mac, pair.access,
                                      pair.access.substr(pair.access.rfind('.') + 1)})
      EXPECT_EQ(told.find(secret), told.npos);
  }
  EXPECT_EQ(told.find("correct horse battery"), told.npos);
}

TEST(Durability, ARedisThatGoesAndComesBackLosesNobody) {
  RedisServer redis({.append_only = true});
  Fleet fleet(redis.url());
  fleet.add();
  const Acknowledged before = acknowledge(fleet);
  redis.kill();
  const Response unavailable = fleet.refresh(0, before.living.refresh);
  EXPECT_EQ(unavailable.status, 503) << unavailable.body;
  EXPECT_EQ(error_of(unavailable), "store_unavailable");
  EXPECT_TRUE(unavailable.headers.has("Retry-After"));
  // Within max_staleness the last known index judges; the request path asks nobody.
  EXPECT_EQ(fleet.call(0, before.living.access).status, 200);
  EXPECT_EQ(error_of(fleet.call(0, before.ended.access)), "token_revoked");
  redis.start();
  ASSERT_TRUE(fleet[0].wait_for_log("reading the revocation log again"));
  expect_kept(fleet, before);
}

}  // namespace
}  // namespace sallyport::testing
