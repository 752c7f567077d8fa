// The contract of users::OneTimeStore, and of the look-up of users by their address, against every
// implementation.
#include <atomic>
#include <set>

#include "tests/integration/stores/contract.hpp"

namespace sallyport::testing {
namespace {

class OneTime : public StoreContract {};
INSTANTIATE_TEST_SUITE_P(Stores, OneTime, kEveryStore, param_name);

TEST_P(OneTime, IsFoundUntilItIsTaken) {
  EXPECT_FALSE(ask(one_time().find("reset:a")));
  EXPECT_FALSE(ask(one_time().take("reset:a")));
  ask(one_time().put("reset:a", kHardText, 60s));
  EXPECT_EQ(ask(one_time().find("reset:a")), kHardText);
  EXPECT_EQ(ask(one_time().find("reset:a")), kHardText);
  EXPECT_FALSE(ask(one_time().find("reset:b")));
  EXPECT_EQ(ask(one_time().take("reset:a")), kHardText);
  EXPECT_FALSE(ask(one_time().take("reset:a")));
  EXPECT_FALSE(ask(one_time().find("reset:a")));
}

TEST_P(OneTime, TakesThePlaceOfWhatStoodThere) {
  ask(one_time().put("a", "first", 60s));
  ask(one_time().put("a", "second", 60s));
  EXPECT_EQ(ask(one_time().take("a")), "second");
  EXPECT_FALSE(ask(one_time().take("a")));
  ask(one_time().put("a", "third", 60s));  // a key may be used again
  EXPECT_EQ(ask(one_time().take("a")), "third");
}

TEST_P(OneTime, EndsWithItsTime) {
  const auto begin = std::chrono::steady_clock::now();
  ask(one_time().put("short", "x", 1s));
  ask(one_time().put("taken late", "x", 1s));
  ask(one_time().put("long", "x", 1h));
  while (ask(one_time().find("short"))) ASSERT_LT(std::chrono::steady_clock::now() - begin, 20s);
  EXPECT_GE(std::chrono::steady_clock::now() - begin, 900ms);
  while (ask(one_time().find("taken late"))) ASSERT_LT(std::chrono::steady_clock::now() - begin, 20s);
  EXPECT_FALSE(ask(one_time().take("taken late")));
  EXPECT_TRUE(ask(one_time().find("long")));
}

TEST_P(OneTime, IsHadByOneOf40ThatTakeItAtOnce) {
  for (int round = 0; round < 5; ++round) {
    const std::string key = "round" + std::to_string(round);
    ask(one_time().put(key, "x", 60s));
    std::atomic<int> had = 0, answers = 0;
    on_gateways(2, [&](Gateway& gateway) {
      std::vector<Task<StoreResult<std::optional<std::string>>>> tasks;
      for (int i = 0; i < 20; ++i) tasks.push_back(gateway.stores.one_time->take(key));
      for (const auto& result : await_all(gateway.context, std::move(tasks))) {
        answers += result.has_value();
        had += result && result->has_value();
      }
    });
    EXPECT_EQ(answers, 40);
    EXPECT_EQ(had, 1);
  }
}

class UsersByEmail : public StoreContract {
 protected:
  static users::User user(const std::string& id, const std::string& email) {
    users::User made;
    made.id = id;
    made.name = "name-" + id;
    made.email = email;
    return made;
  }
  std::set<std::string> found(const std::string& email) {
    std::set<std::string> ids;
    for (const auto& user : ask(users().find_by_email(email))) ids.insert(user.id);
    return ids;
  }
  using Ids = std::set<std::string>;
};
INSTANTIATE_TEST_SUITE_P(Stores, UsersByEmail, kEveryStore, param_name);

TEST_P(UsersByEmail, AreFoundInAnyCaseAndSeveralOfOneAddress) {
  ASSERT_TRUE(ask(users().add(user("u1", "Ada@Example.com"))));
  ASSERT_TRUE(ask(users().add(user("u2", "ada@example.com"))));
  ASSERT_TRUE(ask(users().add(user("u3", "bob@example.com"))));
  ASSERT_TRUE(ask(users().add(user("u4", ""))));
  EXPECT_EQ(found("ADA@example.com"), (Ids{"u1", "u2"}));
  EXPECT_EQ(found("bob@example.com"), Ids{"u3"});
  EXPECT_EQ(found("eve@example.com"), Ids{});
  EXPECT_EQ(found(""), Ids{});
}

TEST_P(UsersByEmail, FollowTheUsersAddress) {
  ASSERT_TRUE(ask(users().add(user("u1", "old@example.com"))));
  auto ada = *ask(users().find_by_id("u1"));
  ada.email = "new@example.com";
  ASSERT_TRUE(ask(users().update(ada)));
  EXPECT_EQ(found("old@example.com"), Ids{});
  EXPECT_EQ(found("new@example.com"), Ids{"u1"});
  ada = *ask(users().find_by_id("u1"));
  ada.email.clear();
  ASSERT_TRUE(ask(users().update(ada)));
  EXPECT_EQ(found("new@example.com"), Ids{});
  ada = *ask(users().find_by_id("u1"));
  ada.email = "new@example.com";
  ASSERT_TRUE(ask(users().update(ada)));
  EXPECT_EQ(found("new@example.com"), Ids{"u1"});
}

TEST_P(UsersByEmail, ForgetWhoIsGoneOrWasNeverAdded) {
  ASSERT_TRUE(ask(users().add(user("u1", "ada@example.com"))));
  auto twin = user("u2", "ada@example.com");
  twin.name = "name-u1";
  ASSERT_FALSE(ask(users().add(twin)));  // the name is taken
  EXPECT_EQ(found("ada@example.com"), Ids{"u1"});
  ASSERT_TRUE(ask(users().remove("u1")));
  EXPECT_EQ(found("ada@example.com"), Ids{});
}

TEST_P(UsersByEmail, AreSomeWhereManyShareOne) {
  for (int i = 0; i < 12; ++i)
    ASSERT_TRUE(ask(users().add(user("u" + std::to_string(i), "all@example.com"))));
  EXPECT_EQ(found("all@example.com").size(), users::UserStore::kMostOfAnEmail);
}

}  // namespace
}  // namespace sallyport::testing
