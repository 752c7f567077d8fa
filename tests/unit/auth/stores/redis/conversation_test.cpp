// What is decided around a connection without one: the handshake, the back-off, and whether a Redis is fit.
#include <gtest/gtest.h>

#include "auth/stores/redis/backoff.hpp"
#include "auth/stores/redis/fitness.hpp"
#include "auth/stores/redis/handshake.hpp"

namespace sallyport::stores::redis {
namespace {

using namespace std::chrono_literals;

std::vector<Reply> read(std::string_view bytes) {
  ReplyReader reader;
  reader.feed(bytes);
  std::vector<Reply> replies;
  for (auto next = reader.next(); next && *next; next = reader.next()) replies.push_back(std::move(**next));
  return replies;
}

const std::string kMaster = "*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n";
const std::string kReplica = "*5\r\n$5\r\nslave\r\n$1\r\nh\r\n:1\r\n$9\r\nconnected\r\n:0\r\n";

TEST(Handshake, SaysOnlyWhatIsNeeded) {
  EXPECT_EQ(make_handshake({.store = "r"}).commands, encode({"ROLE"}));
  const auto all = make_handshake({"r", "gate", config::Secret("pw"), 3});
  EXPECT_EQ(all.commands, encode({"AUTH", "gate", "pw"}) + encode({"SELECT", "3"}) + encode({"ROLE"}));
  EXPECT_EQ(all.replies, 3u);
  EXPECT_EQ(make_handshake({"r", "", config::Secret("pw"), 0}).commands,
            encode({"AUTH", "pw"}) + encode({"ROLE"}));
}

TEST(Handshake, TakesAMasterAndRefusesAReplica) {
  const Login login{.store = "r"};
  EXPECT_FALSE(judge_handshake(login, read(kMaster)));
  const auto refused = judge_handshake(login, read(kReplica));
  ASSERT_TRUE(refused);
  EXPECT_TRUE(refused->misled);
  EXPECT_EQ(refused->error.kind, StoreError::Kind::refused);
  EXPECT_NE(refused->error.detail.find("not the master"), std::string::npos);
}

TEST(Handshake, RefusesAWrongPasswordBeforeItLooksAtTheRole) {
  const Login login{"r", "", config::Secret("pw"), 0};
  const auto refused =
      judge_handshake(login, read("-WRONGPASS invalid\r\n-NOAUTH Authentication required.\r\n"));
  ASSERT_TRUE(refused);
  EXPECT_FALSE(refused->misled);
  EXPECT_NE(refused->error.detail.find("WRONGPASS"), std::string::npos);
  EXPECT_EQ(refused->error.detail.find("pw"), std::string::npos);
}

TEST(Handshake, LooksAtNoRoleWhereNoneIsWanted) {
  const Login silent{.store = "r", .role = Role::any};
  EXPECT_EQ(make_handshake(silent).replies, 0u);
  const Login login{.store = "r", .password = config::Secret("pw"), .role = Role::any};
  EXPECT_EQ(make_handshake(login).commands, encode({"AUTH", "pw"}));
  EXPECT_FALSE(judge_handshake(login, read("+OK\r\n")));
  EXPECT_TRUE(judge_handshake(login, read("-WRONGPASS invalid\r\n")));
}

TEST(Handshake, GoesOnWhereTheRoleIsForbiddenToKnow) {
  EXPECT_FALSE(judge_handshake({.store = "r"}, read("-NOPERM no permissions to run 'role'\r\n")));
}

TEST(Handshake, RefusesWhatIsNoRedis) {
  for (const char* answer : {"+HTTP\r\n", "*0\r\n", "*1\r\n:1\r\n", ":1\r\n"})
    EXPECT_TRUE(judge_handshake({.store = "r"}, read(answer))) << answer;
}

TEST(Backoff, RetriesAtOnceThenDoublesUpToTwoSeconds) {
  Backoff backoff;
  for (const auto expected : {0ms, 50ms, 100ms, 200ms, 400ms, 800ms, 1600ms, 2000ms, 2000ms})
    EXPECT_EQ(backoff.next(0.0), expected);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(backoff.next(0.0), 2000ms);
  backoff.reset();
  EXPECT_EQ(backoff.next(0.0), 0ms);
}

TEST(Backoff, IsShortenedByUpToAHalf) {
  Backoff backoff;
  backoff.next(0.5);
  EXPECT_EQ(backoff.next(0.99999), 25ms);
}

struct FitnessRow {
  const char* name;
  const char* info;
  bool ok;
  std::size_t warnings;
  const char* says;
};
class Fitness : public ::testing::TestWithParam<FitnessRow> {};

TEST_P(Fitness, IsJudgedFromInfo) {
  const auto health = judge_fitness("redis://h", GetParam().info);
  EXPECT_EQ(health.ok, GetParam().ok);
  EXPECT_EQ(health.warnings.size(), GetParam().warnings);
  EXPECT_NE(health.message.find(GetParam().says), std::string::npos) << health.message;
}

INSTANTIATE_TEST_SUITE_P(
    Table, Fitness,
    ::testing::Values(
        FitnessRow{"good", "redis_version:7.0.15\r\nrole:master\r\nmaxmemory_policy:noeviction\r\n", true, 0,
                   "7.0.15"},
        FitnessRow{"oldest", "redis_version:6.2.0\r\nrole:master\r\nmaxmemory_policy:noeviction\r\n", true, 0,
                   "6.2.0"},
        FitnessRow{"too_old", "redis_version:6.0.16\r\nrole:master\r\n", false, 0, "too old"},
        FitnessRow{"two_digits", "redis_version:10.1.0\r\nrole:master\r\nmaxmemory_policy:noeviction\r\n",
                   true, 0, "10.1.0"},
        FitnessRow{"replica", "redis_version:7.0.15\r\nrole:slave\r\n", false, 0, "replica"},
        FitnessRow{"allkeys", "redis_version:7.0.15\r\nrole:master\r\nmaxmemory_policy:allkeys-lru\r\n",
                   false, 0, "noeviction"},
        FitnessRow{"volatile", "redis_version:7.0.15\r\nrole:master\r\nmaxmemory_policy:volatile-ttl\r\n",
                   true, 1, "ready"},
        FitnessRow{"forbidden_to_know", "", true, 2, "ready"}),
    [](const auto& row) { return std::string(row.param.name); });

}  // namespace
}  // namespace sallyport::stores::redis
