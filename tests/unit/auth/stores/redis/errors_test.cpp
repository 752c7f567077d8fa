// What each error of Redis becomes. SECURITY 6: each error string has a test.
#include "auth/stores/redis/errors.hpp"

#include <gtest/gtest.h>

namespace sallyport::stores::redis {
namespace {

using Kind = StoreError::Kind;

struct Row {
  const char* name;
  const char* text;
  Kind kind;
  bool reconnect;
  const char* says;
};

class RedisErrors : public ::testing::TestWithParam<Row> {};

TEST_P(RedisErrors, BecomeErrorsOfTheStore) {
  const Row& row = GetParam();
  const auto refusal = refusal_of("redis://h:1/0", row.text);
  EXPECT_EQ(refusal.error.kind, row.kind);
  EXPECT_EQ(refusal.reconnect, row.reconnect);
  EXPECT_TRUE(refusal.error.detail.starts_with("redis://h:1/0: ")) << refusal.error.detail;
  EXPECT_NE(refusal.error.detail.find(row.says), std::string::npos) << refusal.error.detail;
}

INSTANTIATE_TEST_SUITE_P(
    Table, RedisErrors,
    ::testing::Values(
        Row{"oom", "OOM command not allowed when used memory > 'maxmemory'.", Kind::refused, false,
            "maxmemory"},
        Row{"oom_in_a_script_of_6_2",
            "ERR Error running script (call to f_12): @user_script:3: @user_script: 3: OOM command not "
            "allowed",
            Kind::refused, false, "raise it"},
        Row{"readonly", "READONLY You can't write against a read only replica.", Kind::refused, true,
            "master"},
        Row{"loading", "LOADING Redis is loading the dataset in memory", Kind::refused, false,
            "still loading"},
        Row{"misconf", "MISCONF Redis is configured to save RDB snapshots", Kind::refused, false,
            "can't save"},
        Row{"noauth", "NOAUTH Authentication required.", Kind::refused, true, "wants a password"},
        Row{"wrongpass", "WRONGPASS invalid username-password pair", Kind::refused, true,
            "password is wrong"},
        Row{"noperm", "NOPERM this user has no permissions to run the 'eval' command", Kind::refused, false,
            "ACL user"},
        Row{"busy", "BUSY Redis is busy running a script.", Kind::refused, false, "SCRIPT KILL"},
        Row{"clusterdown", "CLUSTERDOWN The cluster is down", Kind::refused, false, "Cluster"},
        Row{"moved", "MOVED 3999 127.0.0.1:6381", Kind::refused, false, "redis+cluster:"},
        Row{"noscript", "NOSCRIPT No matching script.", Kind::refused, false, "forgets scripts"},
        Row{"wrongtype", "WRONGTYPE Operation against a key holding the wrong kind of value", Kind::corrupt,
            false, "key_prefix"},
        Row{"wrongtype_in_a_script_of_6_2",
            "ERR Error running script (call to f_12): @user_script:3: WRONGTYPE Operation against a key",
            Kind::corrupt, false, "key_prefix"},
        Row{"junk_found_by_our_scripts", "CORRUPT the epoch of a user is no number", Kind::corrupt, false,
            "epoch"},
        Row{"any_other", "ERR something new", Kind::refused, false, "something new"},
        Row{"a_code_that_only_begins_alike", "BUSYKEY Target key name already exists.", Kind::refused, false,
            "BUSYKEY"}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(RedisErrors, PrintNothingThatBreaksALogLine) {
  const std::string text = "ERR a\r\nb\x1b[31m" + std::string(500, 'x');
  const auto detail = refusal_of("redis", text).error.detail;
  EXPECT_EQ(detail.find_first_of("\r\n\x1b"), std::string::npos);
  EXPECT_LT(detail.size(), 260u);
}

TEST(RedisErrors, KnowAMissingScript) {
  EXPECT_TRUE(is_noscript("NOSCRIPT No matching script."));
  EXPECT_FALSE(is_noscript("ERR NOSCRIPT"));
}

}  // namespace
}  // namespace sallyport::stores::redis
