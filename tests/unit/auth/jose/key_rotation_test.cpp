// The life of a signing key as a table of ages, and on a real folder with two processes' worth of objects.
#include "auth/jose/key_rotation.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "auth/jose/key_directory.hpp"

namespace sallyport::jose {
namespace {

using std::chrono::seconds;

UnixSeconds at(long t) { return UnixSeconds(seconds(1'700'000'000 + t)); }
constexpr long kDay = 86400;

RotationRules monthly() { return {seconds(30 * kDay), seconds(605), seconds(30 * kDay)}; }

KeyInfo entry(std::string id, std::string state, long created, std::optional<long> since = {},
              std::optional<long> retired = {}) {
  KeyInfo key{std::move(id), "ES256", std::move(state), at(created), {}, {}};
  if (since) key.since = at(*since);
  if (retired) key.retired = at(*retired);
  return key;
}

struct Row {
  const char* name;
  Entries entries;
  RotationRules rules;
  long now;
  bool promote, make_next;
  std::vector<std::string> drop;
};

TEST(KeyRotation, PlansByAgeAlone) {
  const Row rows[] = {
      {"off: nothing",
       {entry("a", "current", 0)},
       {seconds(0), seconds(605), seconds(kDay)},
       400 * kDay,
       false,
       false,
       {}},
      {"on: a next key from the first moment", {entry("a", "current", 0)}, monthly(), 0, false, true, {}},
      {"young: nothing",
       {entry("a", "current", 0), entry("b", "next", 0)},
       monthly(),
       29 * kDay,
       false,
       false,
       {}},
      {"old: the next one signs, and another is published",
       {entry("a", "current", 0), entry("b", "next", 0)},
       monthly(),
       30 * kDay,
       true,
       true,
       {}},
      {"switched on late: published before it signs",
       {entry("a", "current", 0)},
       monthly(),
       300 * kDay,
       false,
       true,
       {}},
      {"published a moment ago: waits",
       {entry("a", "current", 0), entry("b", "next", 300 * kDay)},
       monthly(),
       300 * kDay + 599,
       false,
       false,
       {}},
      {"published long enough",
       {entry("a", "current", 0), entry("b", "next", 300 * kDay)},
       monthly(),
       300 * kDay + 600,
       true,
       true,
       {}},
      {"its age counts from when it began to sign",
       {entry("a", "current", 0, 30 * kDay), entry("b", "next", 30 * kDay)},
       monthly(),
       59 * kDay,
       false,
       false,
       {}},
      {"a clock that goes back: nothing",
       {entry("a", "current", 0), entry("b", "next", 0)},
       monthly(),
       -kDay,
       false,
       false,
       {}},
      {"retired and remembered",
       {entry("o", "retired", 0, {}, kDay), entry("a", "current", kDay), entry("b", "next", kDay)},
       monthly(),
       31 * kDay - 1,
       false,
       false,
       {}},
      {"retired and forgotten",
       {entry("o", "retired", 0, {}, kDay), entry("a", "current", kDay, 30 * kDay), entry("b", "next", kDay)},
       monthly(),
       31 * kDay,
       false,
       false,
       {"o"}},
      {"forgotten although rotation is off",
       {entry("o", "retired", 0, {}, kDay), entry("a", "current", kDay)},
       {seconds(0), seconds(605), seconds(kDay)},
       2 * kDay,
       false,
       false,
       {"o"}},
  };
  for (const Row& row : rows) {
    const RotationPlan plan = plan_rotation(row.entries, Algorithm::es256, row.rules, at(row.now));
    EXPECT_EQ(plan.promote, row.promote) << row.name;
    EXPECT_EQ(plan.make_next, row.make_next) << row.name;
    EXPECT_EQ(plan.drop, row.drop) << row.name;
  }
}

TEST(KeyRotation, MakesRoomByForgettingKeysWithoutLivingTokensFirst) {
  Entries entries;
  for (int i = 0; i < 120; ++i) entries.push_back(entry("r" + std::to_string(i), "retired", 0, {}, i * 10));
  entries.push_back(entry("a", "current", 1200));
  const RotationPlan plan =
      plan_rotation(entries, Algorithm::es256, {seconds(0), seconds(605), seconds(kDay)}, at(1200));
  EXPECT_EQ(plan.drop.size(), 60u) << "those retired 605 s ago or longer";
}

TEST(KeyRotation, DropsANextKeyOfAnAlgorithmThatIsNoLongerConfigured) {
  const RotationPlan plan =
      plan_rotation({entry("a", "current", 0), entry("b", "next", 0)}, Algorithm::es384, monthly(), at(0));
  EXPECT_EQ(plan.drop, std::vector<std::string>{"b"});
}

class RotatingFolder : public ::testing::Test {
 protected:
  RotatingFolder() {
    path_ = std::filesystem::temp_directory_path() / ("sallyport-rotation-" + std::to_string(::getpid()));
    std::filesystem::remove_all(path_);
  }
  ~RotatingFolder() override { std::filesystem::remove_all(path_); }

  KeyDirectory keys() { return {path_.string(), Algorithm::es256}; }
  std::string states() {
    std::string all;
    const auto list = keys().list();
    for (const KeyInfo& key : *list)
      if (!key.is_refresh()) all += key.state + " ";
    return all;
  }
  std::filesystem::path path_;
};

TEST_F(RotatingFolder, PublishesAKeyAPeriodBeforeItSigns) {
  const auto first = *keys().open(at(0));
  ASSERT_TRUE(*keys().tend(monthly(), at(0)));
  const auto published = *keys().open(at(1));
  EXPECT_EQ(published.signing->id, first.signing->id);
  ASSERT_EQ(published.verifying->keys().size(), 2u);
  const std::string next = published.verifying->keys().front().id;
  EXPECT_NE(published.verifying->jwks().find(next), std::string::npos);
  EXPECT_FALSE(*keys().tend(monthly(), at(kDay))) << "nothing to do";

  ASSERT_TRUE(*keys().tend(monthly(), at(30 * kDay)));
  const auto rotated = *keys().open(at(30 * kDay));
  EXPECT_EQ(rotated.signing->id, next);
  EXPECT_TRUE(rotated.signing->can_sign);
  EXPECT_EQ(states(), "next current retired ");
  EXPECT_NE(rotated.verifying->find(first.signing->id, Algorithm::es256), nullptr)
      << "its tokens are still told apart";

  ASSERT_TRUE(*keys().tend(monthly(), at(60 * kDay)));
  EXPECT_EQ(states(), "next current retired ") << "the first one is forgotten";
  EXPECT_FALSE(std::filesystem::exists(path_ / (first.signing->id + ".pem")));
}

TEST_F(RotatingFolder, OfTwoProcessesOneRotates) {
  ASSERT_TRUE(keys().open(at(0)));
  ASSERT_TRUE(*keys().tend(monthly(), at(0)));
  KeyDirectory one = keys(), other = keys();
  EXPECT_TRUE(*one.tend(monthly(), at(30 * kDay)));
  EXPECT_FALSE(*other.tend(monthly(), at(30 * kDay)));
  EXPECT_EQ(states(), "next current retired ");
}

TEST_F(RotatingFolder, ARotationByHandTakesTheNextKey) {
  ASSERT_TRUE(keys().open(at(0)));
  ASSERT_TRUE(*keys().tend(monthly(), at(0)));
  const std::string next = keys().list()->front().id;
  EXPECT_EQ(*keys().rotate(at(5)), next);
  EXPECT_EQ(keys().open(at(6))->signing->id, next);
  EXPECT_EQ(states(), "current retired ");
}

TEST_F(RotatingFolder, TheNextKeyFollowsARevokedOne) {
  const auto first = *keys().open(at(0));
  ASSERT_TRUE(*keys().tend(monthly(), at(0)));
  const std::string next = keys().list()->front().id;
  const auto before = keys().stamp();
  ASSERT_TRUE(keys().revoke(first.signing->id, at(5)));
  EXPECT_NE(keys().stamp(), before) << "other processes see that something changed";
  const auto after = *keys().open(at(6));
  EXPECT_EQ(after.signing->id, next);
  EXPECT_EQ(after.verifying->find(first.signing->id, Algorithm::es256), nullptr);
}

TEST_F(RotatingFolder, StateWithTwoNextKeysOrANextMacKeyIsDamaged) {
  ASSERT_TRUE(keys().open(at(0)));
  for (
      const char* keys_json :
      {R"({"id":"a","kind":"ES256","state":"next","created":1},{"id":"b","kind":"ES256","state":"next","created":1})",
       R"({"id":"12345678","kind":"refresh","state":"next","created":1})",
       R"({"id":"a","kind":"ES256","state":"next","created":1,"since":2})"}) {
    std::ofstream(path_ / "state.json") << R"({"version":1,"keys":[)" << keys_json << "]}";
    const auto listed = keys().list();
    ASSERT_FALSE(listed) << keys_json;
    EXPECT_NE(listed.error().find("is damaged"), std::string::npos) << listed.error();
  }
}

}  // namespace
}  // namespace sallyport::jose
