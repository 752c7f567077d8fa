// The contracts of users::UserStore and users::AttemptStore, and of Backend::probe, against every
// implementation.
#include <algorithm>
#include <atomic>
#include <set>

#include "tests/integration/stores/contract.hpp"

namespace sallyport::testing {
namespace {

using users::User;

User new_user(const std::string& id, const std::string& name) {
  User user;
  user.id = id;
  user.name = name;
  user.password_hash = "$argon2id$v=19$m=1,t=1,p=1$c2FsdA$aGFzaA";
  user.email = name + "@example.com";
  user.roles = {"clerk", "admin"};
  user.claims = {{"tenant", "north"}};
  user.profile = {{"first_name", "Ada"}};
  user.created = UnixMillis(1'700'000'000'000ms);
  return user;
}

class Users : public StoreContract {
 protected:
  User stored(const std::string& id) {
    const auto found = ask(users().find_by_id(id));
    if (!found) throw std::runtime_error("no user " + id);
    return *found;
  }
};
INSTANTIATE_TEST_SUITE_P(Stores, Users, kEveryStore, param_name);

TEST_P(Users, AreFoundByIdAndByNameInAnyCase) {  // S4.14
  const auto ada = new_user("u1", "Ada.L");
  ASSERT_TRUE(ask(users().add(ada)));
  const auto user = stored("u1");
  EXPECT_EQ(user.name, "Ada.L");
  EXPECT_EQ(user.password_hash, ada.password_hash);
  EXPECT_EQ(user.email, ada.email);
  EXPECT_FALSE(user.email_confirmed);
  EXPECT_FALSE(user.disabled);
  EXPECT_EQ(user.roles, ada.roles);
  EXPECT_EQ(user.claims, ada.claims);
  EXPECT_EQ(user.profile, ada.profile);
  const auto by_name = ask(users().find_by_name("aDA.l"));
  ASSERT_TRUE(by_name);
  EXPECT_EQ(by_name->id, "u1");
  EXPECT_EQ(by_name->version, user.version);
}

TEST_P(Users, AreUnknownWithoutAnError) {
  EXPECT_FALSE(ask(users().find_by_id("u1")));
  EXPECT_FALSE(ask(users().find_by_name("ada")));
  EXPECT_FALSE(ask(users().remove("u1")));
  EXPECT_FALSE(ask(users().update(new_user("u1", "ada"))));
  EXPECT_FALSE(ask(users().find_by_id("u1")));
}

TEST_P(Users, KeepEveryByteOfText) {
  auto user = new_user("u1", "ada");
  user.email = kHardText;
  user.roles = {"", kHardText};
  user.claims = {{kHardText, kHardText}, {"empty", ""}};
  user.profile = {{"", kHardText}};
  ASSERT_TRUE(ask(users().add(user)));
  const auto found = stored("u1");
  EXPECT_EQ(found.email, user.email);
  EXPECT_EQ(found.roles, user.roles);
  EXPECT_EQ(found.claims, user.claims);
  EXPECT_EQ(found.profile, user.profile);
}

TEST_P(Users, KeepEmptyListsEmpty) {
  auto user = new_user("u1", "ada");
  user.roles.clear();
  user.claims.clear();
  user.profile.clear();
  ASSERT_TRUE(ask(users().add(user)));
  const auto found = stored("u1");
  EXPECT_TRUE(found.roles.empty());
  EXPECT_TRUE(found.claims.empty());
  EXPECT_TRUE(found.profile.empty());
}

TEST_P(Users, AreRefusedUnderANameThatIsTakenInAnotherCase) {
  ASSERT_TRUE(ask(users().add(new_user("u1", "Ada"))));
  EXPECT_FALSE(ask(users().add(new_user("u2", "aDa"))));
  EXPECT_FALSE(ask(users().find_by_id("u2")));
  EXPECT_EQ(ask(users().find_by_name("ada"))->id, "u1");
}

TEST_P(Users, GetANameOnceAmong40ParallelRegistrations) {
  std::atomic<int> added = 0, answers = 0, serial = 0;
  on_gateways(2, [&](Gateway& gateway) {
    std::vector<Task<StoreResult<bool>>> tasks;
    for (int i = 0; i < 20; ++i)
      tasks.push_back(gateway.stores.users->add(new_user("u" + std::to_string(++serial), "ada")));
    for (const auto& result : await_all(gateway.context, std::move(tasks))) {
      answers += result.has_value();
      added += result && *result;
    }
  });
  EXPECT_EQ(answers, 40);
  EXPECT_EQ(added, 1);
  EXPECT_EQ(ask(users().list("", 10)).users.size(), 1u);
}

TEST_P(Users, AreUpdatedOnlyOverTheVersionThatWasRead) {
  ASSERT_TRUE(ask(users().add(new_user("u1", "ada"))));
  auto mine = stored("u1");
  auto theirs = mine;
  mine.disabled = mine.email_confirmed = true;
  mine.roles = {"clerk"};
  mine.password_hash = "other";
  EXPECT_TRUE(ask(users().update(mine)));
  theirs.password_hash = "late";
  EXPECT_FALSE(ask(users().update(theirs)));
  const auto found = stored("u1");
  EXPECT_TRUE(found.disabled);
  EXPECT_TRUE(found.email_confirmed);
  EXPECT_EQ(found.roles, mine.roles);
  EXPECT_EQ(found.password_hash, "other");
  EXPECT_GT(found.version, theirs.version);
  EXPECT_TRUE(ask(users().update(found)));  // read again, it goes
}

TEST_P(Users, AreGoneAfterRemovalAndFreeTheirName) {
  ASSERT_TRUE(ask(users().add(new_user("u1", "ada"))));
  EXPECT_TRUE(ask(users().remove("u1")));
  EXPECT_FALSE(ask(users().find_by_id("u1")));
  EXPECT_FALSE(ask(users().find_by_name("ada")));
  EXPECT_TRUE(ask(users().add(new_user("u2", "ada"))));
  EXPECT_EQ(ask(users().find_by_name("ada"))->id, "u2");
}

TEST_P(Users, AreListedOnceEachOverAllPages) {
  std::set<std::string> names;
  for (int i = 0; i < 25; ++i) {
    names.insert("user" + std::to_string(i));
    ASSERT_TRUE(ask(users().add(new_user("u" + std::to_string(i), "user" + std::to_string(i)))));
  }
  std::set<std::string> seen;
  std::size_t listed = 0;
  std::string cursor;
  for (int page_number = 0; page_number < 100; ++page_number) {
    const auto page = ask(users().list(cursor, 10));
    EXPECT_LE(page.users.size(), 10u);
    for (const auto& user : page.users) seen.insert(user.name);
    listed += page.users.size();
    cursor = page.next;
    if (cursor.empty()) break;
  }
  EXPECT_TRUE(cursor.empty());
  EXPECT_EQ(listed, 25u);
  EXPECT_EQ(seen, names);
}

TEST_P(Users, AreAnEmptyPageWhereThereIsNobody) {
  const auto page = ask(users().list("", 10));
  EXPECT_TRUE(page.users.empty());
  EXPECT_TRUE(page.next.empty());
}

class Attempts : public StoreContract {};
INSTANTIATE_TEST_SUITE_P(Stores, Attempts, kEveryStore, param_name);

TEST_P(Attempts, AreCountedForEachKeyAlone) {
  EXPECT_EQ(ask(attempts().count("ada|192.0.2.7")), 0u);
  EXPECT_EQ(ask(attempts().add("ada|192.0.2.7", 60s)), 1u);
  EXPECT_EQ(ask(attempts().add("ada|192.0.2.7", 60s)), 2u);
  EXPECT_EQ(ask(attempts().add(kHardText, 60s)), 1u);
  EXPECT_EQ(ask(attempts().count("ada|192.0.2.7")), 2u);
  EXPECT_EQ(ask(attempts().count(kHardText)), 1u);
}

TEST_P(Attempts, AreForgottenWhenCleared) {
  ask(attempts().add("ada", 60s));
  ask(attempts().clear("ada"));
  ask(attempts().clear("nobody"));
  EXPECT_EQ(ask(attempts().count("ada")), 0u);
  EXPECT_EQ(ask(attempts().add("ada", 60s)), 1u);
}

// SECURITY S12: a counter without its end would lock a user out for ever.
TEST_P(Attempts, EndWithTheWindowThatTheFirstOfThemOpened) {
  const auto begin = std::chrono::steady_clock::now();
  ask(attempts().add("ada", 1s));
  ask(attempts().add("ada", 1h));  // doesn't move the end
  while (ask(attempts().count("ada")) != 0) ASSERT_LT(std::chrono::steady_clock::now() - begin, 20s);
  EXPECT_GE(std::chrono::steady_clock::now() - begin, 900ms);
  EXPECT_EQ(ask(attempts().add("ada", 60s)), 1u);
}

TEST_P(Attempts, LoseNoneOf100ThatComeAtOnce) {
  on_gateways(2, [&](Gateway& gateway) {
    std::vector<Task<StoreResult<unsigned>>> tasks;
    for (int i = 0; i < 50; ++i) tasks.push_back(gateway.stores.attempts->add("ada", 60s));
    for (const auto& result : await_all(gateway.context, std::move(tasks))) EXPECT_TRUE(result);
  });
  EXPECT_EQ(ask(attempts().count("ada")), 100u);
}

class Probe : public StoreContract {};
INSTANTIATE_TEST_SUITE_P(Stores, Probe, kEveryStore, param_name);

TEST_P(Probe, FindsAFreshStoreFitAndWarnsOnlyOfOneThatForgets) {
  const auto health = await(backend_->probe(gateway_->context.get_executor()));
  EXPECT_TRUE(health.ok) << health.message;
  EXPECT_EQ(health.warnings.empty(), GetParam() != Kind::memory);
}

}  // namespace
}  // namespace sallyport::testing
