// One-time tokens: what they let somebody do, once, and for as long as the account is what it was.
#include "auth/users/account_service.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "auth/users/password_hash.hpp"
#include "memory_user_store.hpp"
#include "run_task.hpp"

namespace sallyport::users {
namespace {

using config::Secret;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;
using Kind = UserError::Kind;
using namespace std::chrono_literals;

constexpr char kNew[] = "a password that is new";

class AccountServiceTest : public testing::Test {
 protected:
  AccountServiceTest() {
    User user;
    user.id = "id-ada";
    user.name = "Ada";
    user.email = "ada@example.com";
    user.password_hash = "$argon2id$old";
    store_.by_name["ada"] = user;
  }
  AccountService service() {
    return AccountService(store_, tokens_, attempts_, pool_, rules_, {},
                          [this](std::span<unsigned char> into) {
                            for (auto& byte : into) byte = ++chance_;
                          });
  }
  User& ada() { return store_.by_name.at("ada"); }
  Secret reset_token() { return run_task(service().reset_token(ada()))->token; }
  Secret confirmation_token() { return run_task(service().confirmation_token(ada()))->token; }
  UserResult<Change> reset(Secret token, const char* password = kNew) {
    return run_task(service().reset_password(std::move(token), Secret(password)));
  }
  UserResult<User> confirm(Secret token) { return run_task(service().confirm_email(std::move(token))); }

  // Every reason for which a token isn't good looks the same.
  template <typename Result>
  static void expect_no_such_token(const Result& result) {
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().kind, Kind::validation_failed);
    EXPECT_THAT(result.error().fields,
                ElementsAre(Pair("token", ElementsAre("This token is not valid, or no longer."))));
  }

  MemoryUserStore store_;
  MemoryOneTimeStore tokens_;
  MemoryAttemptStore attempts_;
  HashingPool pool_{1, 8};
  config::Users rules_;
  unsigned char chance_ = 0;
};

TEST_F(AccountServiceTest, KeepsOnlyADigestOfTheToken) {
  rules_.reset.ttl = 1h;
  const auto issued = run_task(service().reset_token(ada()));
  ASSERT_TRUE(issued);
  EXPECT_EQ(issued->ttl, 1h);
  EXPECT_EQ(issued->token.size(), 43u);  // 256 bits
  ASSERT_EQ(tokens_.values.size(), 1u);
  const auto& [key, kept] = *tokens_.values.begin();
  EXPECT_EQ(kept.ttl, 1h);
  for (const auto& text : {key, kept.value}) {
    EXPECT_EQ(text.find(issued->token.reveal()), std::string::npos);
    EXPECT_EQ(text.find("argon2id"), std::string::npos);
  }
}

TEST_F(AccountServiceTest, SetsANewPasswordOnceAndEndsAllSessions) {
  const Secret token = reset_token();
  const auto change = reset(token);
  ASSERT_TRUE(change);
  EXPECT_EQ(change->end, EndSessions::all);
  EXPECT_EQ(change->cause, sessions::EndCause::password_changed);
  EXPECT_EQ(change->user.id, "id-ada");
  EXPECT_TRUE(verify_password(Secret(kNew), ada().password_hash));
  expect_no_such_token(reset(token));
  EXPECT_TRUE(tokens_.values.empty());
}

TEST_F(AccountServiceTest, TakesNoTokenThatItDidNotGive) {
  expect_no_such_token(reset(Secret()));
  expect_no_such_token(reset(Secret("guess")));
  expect_no_such_token(reset(Secret(std::string(100'000, 'x'))));
  expect_no_such_token(confirm(Secret("guess")));
  expect_no_such_token(confirm(reset_token()));  // one for something else
  expect_no_such_token(reset(confirmation_token()));
  EXPECT_EQ(ada().password_hash, "$argon2id$old");
  EXPECT_FALSE(ada().email_confirmed);
}

TEST_F(AccountServiceTest, KeepsTheTokenForABetterPassword) {
  const Secret token = reset_token();
  const auto refused = reset(token, "short");
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().fields,
              ElementsAre(Pair("new_password", ElementsAre(HasSubstr("at least 12")))));
  EXPECT_TRUE(reset(token));
}

TEST_F(AccountServiceTest, ForgetsOlderResetTokensOnceThePasswordIsAnother) {
  const Secret first = reset_token(), second = reset_token(), third = reset_token();
  ASSERT_TRUE(reset(second));
  expect_no_such_token(reset(first));
  ada().password_hash = "$argon2id$changed";  // by its owner, say
  expect_no_such_token(reset(third));
}

TEST_F(AccountServiceTest, SetsNoPasswordOfADisabledOrRemovedAccount) {
  const Secret token = reset_token();
  ada().disabled = true;
  expect_no_such_token(reset(token));
  store_.by_name.clear();
  expect_no_such_token(reset(token));
}

// A race with another writer: as long as it is about something else, the reset goes on.
TEST_F(AccountServiceTest, WritesOverTheNewestVersionOfTheUser) {
  const Secret token = reset_token();
  store_.lose_updates = 3;
  ASSERT_TRUE(reset(token));
  EXPECT_TRUE(verify_password(Secret(kNew), ada().password_hash));
}

TEST_F(AccountServiceTest, GivesWayToAPasswordThatWasWrittenMeanwhile) {
  const Secret token = reset_token();
  store_.before_update = [this] {
    ada().password_hash = "$argon2id$theirs";
    ++ada().version;
  };
  expect_no_such_token(reset(token));
  EXPECT_EQ(ada().password_hash, "$argon2id$theirs");
}

TEST_F(AccountServiceTest, LeavesTheTokenGoodWhereTheStoreFails) {
  const Secret token = reset_token(), confirmation = confirmation_token();
  store_.down = true;
  EXPECT_EQ(reset(token).error().kind, Kind::store);
  EXPECT_EQ(confirm(confirmation).error().kind, Kind::store);
  store_.down = false;
  tokens_.down = true;
  EXPECT_EQ(reset(token).error().kind, Kind::store);
  tokens_.down = false;
  EXPECT_TRUE(confirm(confirmation));
  EXPECT_TRUE(reset(token));
}

TEST_F(AccountServiceTest, UnlocksAnAccountWhosePasswordIsSetAnew) {
  ASSERT_TRUE(reset(reset_token()));
  EXPECT_EQ(attempts_.counts[throttle_keys("ada", "").unlocks], 1u);
}

TEST_F(AccountServiceTest, ConfirmsTheAddressThatTheTokenWasMadeFor) {
  const Secret token = confirmation_token();
  const auto user = confirm(token);
  ASSERT_TRUE(user);
  EXPECT_TRUE(ada().email_confirmed);
  expect_no_such_token(confirm(token));
  ada().email_confirmed = false;
  const Secret old = confirmation_token();
  ada().email = "other@example.com";
  expect_no_such_token(confirm(old));
  EXPECT_FALSE(ada().email_confirmed);
}

TEST_F(AccountServiceTest, FindsWhomARequestMeans) {
  EXPECT_EQ(run_task(service().whose("ADA", ""))->size(), 1u);
  EXPECT_EQ(run_task(service().whose("", "ADA@example.com"))->size(), 1u);
  EXPECT_TRUE(run_task(service().whose("nobody", "ada@example.com"))->empty());  // the name counts
  EXPECT_TRUE(run_task(service().whose("", "nobody@example.com"))->empty());
  store_.down = true;
  EXPECT_EQ(run_task(service().whose("ada", "")).error().kind, Kind::store);
}

}  // namespace
}  // namespace sallyport::users
