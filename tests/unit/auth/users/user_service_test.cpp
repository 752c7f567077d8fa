// Logins, registrations and changes of users, against stores in memory.
#include "auth/users/user_service.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <time.h>

#include <chrono>

#include "auth/users/equal_time.hpp"
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

constexpr char kPassword[] = "correct horse battery";
constexpr char kAddress[] = "192.0.2.1";

class UserServiceTest : public testing::Test {
 protected:
  UserServiceTest() { add("Ada"); }

  User& add(const std::string& name) {
    static const std::string hash = hash_password(Secret(kPassword), Salt{});
    User user;
    user.id = "id-" + name;
    user.name = name;
    user.password_hash = hash;
    return store_.by_name[folded_name(name)] = user;
  }

  UserService service() {
    return UserService(store_, attempts_, pool_, rules_, throttle_,
                       [this](std::chrono::milliseconds time) -> Task<> {
                         waited_ += time;
                         return nothing();
                       });
  }
  static Task<> nothing() { co_return; }

  UserResult<User> login(const std::string& name, const std::string& password,
                         const std::string& address = kAddress) {
    return run_task(service().login(name, Secret(password), address));
  }

  MemoryUserStore store_;
  MemoryAttemptStore attempts_;
  HashingPool pool_{1, 8};
  config::Users rules_;
  config::LoginLimits throttle_;
  std::chrono::milliseconds waited_{0};
};

TEST_F(UserServiceTest, LogsInWithTheRightPasswordInAnySpellingOfTheName) {
  for (const char* name : {"Ada", "ada", "ADA"}) {
    const auto user = login(name, kPassword);
    ASSERT_TRUE(user) << name;
    EXPECT_EQ(user->id, "id-Ada");
  }
}

// S4.3, S1.11
TEST_F(UserServiceTest, SaysTheSameOfAnUnknownUserAndAWrongPassword) {
  EXPECT_EQ(login("ada", "wrong horse battery").error().kind, Kind::login_failure);
  EXPECT_EQ(login("nobody", "wrong horse battery").error().kind, Kind::login_failure);
  EXPECT_EQ(login("nobody\r\n", kPassword).error().kind, Kind::login_failure);
  EXPECT_EQ(login("", "").error().kind, Kind::login_failure);
  EXPECT_EQ(login("ada", std::string("pw\0", 3)).error().kind, Kind::login_failure);
  EXPECT_EQ(login("ada", std::string(200'000, 'x')).error().kind, Kind::login_failure);
}

TEST_F(UserServiceTest, FitsNoPasswordToAUserWithoutAHash) {
  store_.by_name["ada"].password_hash = "";
  EXPECT_EQ(login("ada", kPassword).error().kind, Kind::login_failure);
  store_.by_name["ada"].password_hash = dummy_hash();
  EXPECT_EQ(login("ada", kPassword).error().kind, Kind::login_failure);
}

// Of all threads of this process: on a busy machine the hashing thread, of lowest priority, waits for its
// turn.
double cpu_ms() {
  timespec used{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return static_cast<double>(used.tv_sec) * 1e3 + static_cast<double>(used.tv_nsec) / 1e6;
}

// SECURITY S11
TEST_F(UserServiceTest, WorksAsLongForAnUnknownUserAsForAWrongPassword) {
  throttle_.attempts = 0;
  const auto median = [&](const char* name) {
    std::vector<double> times;
    for (int i = 0; i < 15; ++i) {
      const double start = cpu_ms();
      EXPECT_FALSE(login(name, "wrong horse battery"));
      times.push_back(cpu_ms() - start);
    }
    std::nth_element(times.begin(), times.begin() + 7, times.end());
    return times[7];
  };
  login("ada", "x");
  const double known = median("ada");
  const double unknown = median("nobody");
  RecordProperty("known_ms", std::to_string(known));
  RecordProperty("unknown_ms", std::to_string(unknown));
  EXPECT_LT(known / unknown, 1.6) << known << " ms, " << unknown << " ms";
  EXPECT_LT(unknown / known, 1.6) << known << " ms, " << unknown << " ms";
}

// SECURITY S11: neither how cheap a hash of another system is nor how dear shows in the time of a failure.
TEST_F(UserServiceTest, AnswersEveryFailureAtAFullStepAndASuccessAtOnce) {
  throttle_.attempts = 0;
  const std::pair<const char*, const char*> hashes[] = {
      {"identity-v2", "AAABAgMEBQYHCAkKCwwNDg+ukCEMDf0yyQ29NYubggHIVY0sdEUfdyeM+E1LtH1uJg=="},
      {"bcrypt", "$2b$05$qnZba8lCXL55A8ZuHliknuSsP00/eFGawxeS33iJOYQXy4xw.zPVq"},
      {"sha512-crypt",
       "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBF"
       "dcbYEdFCoEOfaS35inz1"},
      {"broken", "$argon2id$v=19$broken"},
      {"none", ""},
  };
  for (const auto& [name, hash] : hashes) add(name).password_hash = hash;
  for (const char* name : {"ada", "nobody", "identity-v2", "bcrypt", "sha512-crypt", "broken", "none"}) {
    for (const char* password : {"wrong horse battery", "pass\nword"}) {
      waited_ = 0ms;
      const auto start = std::chrono::steady_clock::now();
      EXPECT_EQ(login(name, password).error().kind, Kind::login_failure);
      EXPECT_GT(waited_, 0ms) << name;
      EXPECT_LE(waited_, kFailureStep) << name;
      EXPECT_GE(std::chrono::steady_clock::now() - start + waited_, kFailureStep) << name;
    }
  }
  waited_ = 0ms;
  EXPECT_TRUE(login("ada", kPassword));
  EXPECT_EQ(waited_, 0ms);
}

TEST(EqualTime, HoldsAFailureBackToTheNextFullStep) {
  EXPECT_EQ(hold_back(0ms), kFailureStep);
  EXPECT_EQ(hold_back(1ms), kFailureStep - 1ms);
  EXPECT_EQ(hold_back(1999us), kFailureStep - 1ms);
  EXPECT_EQ(hold_back(kFailureStep - 1ms), 1ms);
  EXPECT_EQ(hold_back(kFailureStep), kFailureStep);
  EXPECT_EQ(hold_back(3 * kFailureStep + 20ms), kFailureStep - 20ms);
}

// S0.12, S3.8
TEST_F(UserServiceTest, TellsTheStateOfAnAccountOnlyAfterTheRightPassword) {
  store_.by_name["ada"].disabled = true;
  EXPECT_EQ(login("ada", "wrong horse battery").error().kind, Kind::login_failure);
  EXPECT_EQ(login("ada", kPassword).error().kind, Kind::account_disabled);
  store_.by_name["ada"].disabled = false;
  rules_.require_confirmed_email = true;
  EXPECT_EQ(login("ada", "wrong horse battery").error().kind, Kind::login_failure);
  EXPECT_EQ(login("ada", kPassword).error().kind, Kind::email_unconfirmed);
  store_.by_name["ada"].email_confirmed = true;
  EXPECT_TRUE(login("ada", kPassword));
}

// SECURITY S12
TEST_F(UserServiceTest, RefusesFurtherGuessesOfThatAddressKnownNameOrNot) {
  throttle_ = {{.attempts = 2, .window = 60s}};
  for (const char* name : {"ada", "nobody"}) {
    login(name, "wrong horse battery");
    EXPECT_EQ(login(name, "wrong horse battery").error().kind, Kind::login_failure);
    const auto refused = login(name, kPassword);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, Kind::too_many_attempts);
    EXPECT_EQ(refused.error().retry_after, 60s);
  }
  EXPECT_EQ(login("ADA", kPassword).error().kind, Kind::too_many_attempts);
  EXPECT_TRUE(login("ada", kPassword, "198.51.100.7"));  // the victim elsewhere isn't locked out
}

TEST_F(UserServiceTest, DelaysButDoesNotRefuseAUserThatManyAddressesGuessAt) {
  throttle_ = {{.attempts = 2, .window = 60s}};
  for (int i = 0; i < 4; ++i) login("ada", "wrong horse battery", "203.0.113." + std::to_string(i));
  EXPECT_LE(waited_, 4 * kFailureStep);
  waited_ = 0ms;
  EXPECT_TRUE(login("ada", kPassword));
  EXPECT_EQ(waited_, 250ms);
}

TEST_F(UserServiceTest, ReplacesAForeignHashAtTheFirstLogin) {  // S1.30
  store_.by_name["ada"].password_hash =
      "AAABAgMEBQYHCAkKCwwNDg+ukCEMDf0yyQ29NYubggHIVY0sdEUfdyeM+E1LtH1uJg==";
  ASSERT_TRUE(login("ada", "my password"));
  EXPECT_FALSE(needs_upgrade(store_.by_name["ada"].password_hash));
  EXPECT_TRUE(login("ada", "my password"));
  EXPECT_EQ(store_.updates, 1);
}

TEST_F(UserServiceTest, LogsInThoughTheNewHashCouldNotBeWritten) {
  store_.by_name["ada"].password_hash =
      "AAABAgMEBQYHCAkKCwwNDg+ukCEMDf0yyQ29NYubggHIVY0sdEUfdyeM+E1LtH1uJg==";
  store_.lose_updates = 1;
  EXPECT_TRUE(login("ada", "my password"));
}

TEST_F(UserServiceTest, SaysThatTheStoreIsDownInsteadOfThatThePasswordIsWrong) {
  store_.down = true;
  EXPECT_EQ(login("ada", kPassword).error().kind, Kind::store);
  store_.down = false;
  attempts_.down = true;
  EXPECT_EQ(login("ada", kPassword).error().kind, Kind::store);
}

Registration registration() {
  Registration wanted;
  wanted.name = "Grace.Hopper";
  wanted.password = Secret("nanoseconds matter");
  wanted.email = "grace@example.com";
  wanted.profile = {{"first_name", "Grace"}, {"is_admin", "true"}};
  return wanted;
}

// S3.11, S4.1, SECURITY S13
TEST_F(UserServiceTest, RegistersWithWhatTheConfigurationGrantsAndNothingElse) {
  rules_.profile = {{"first_name"}, {"last_name"}};
  rules_.fresh.roles = {"user"};
  rules_.fresh.claims = {{"tenant", "t1"}};
  const auto user = run_task(service().register_user(registration(), "id-1", UnixMillis(5ms)));
  ASSERT_TRUE(user);
  const User& stored = store_.by_name.at("grace.hopper");
  EXPECT_EQ(stored.id, "id-1");
  EXPECT_EQ(stored.created, UnixMillis(5ms));
  EXPECT_THAT(stored.roles, ElementsAre("user"));
  EXPECT_THAT(stored.claims, ElementsAre(Pair("tenant", "t1")));
  EXPECT_THAT(stored.profile, ElementsAre(Pair("first_name", "Grace")));
  EXPECT_FALSE(stored.email_confirmed);
  EXPECT_TRUE(login("grace.hopper", "nanoseconds matter"));
}

TEST_F(UserServiceTest, RefusesANameThatIsTakenInAnyCase) {
  Registration wanted = registration();
  wanted.name = "ADA";
  EXPECT_EQ(run_task(service().register_user(wanted, "id-1", {})).error().kind, Kind::username_taken);
}

// S0.10, S4.2
TEST_F(UserServiceTest, NamesEachFieldThatIsWrong) {
  rules_.profile = {{"first_name"}};
  Registration wanted;
  wanted.name = "no spaces";
  wanted.password = Secret("short");
  wanted.email = "nowhere";
  wanted.profile = {{"first_name", std::string("a\0b", 3)}};
  const auto result = run_task(service().register_user(wanted, "id-1", {}));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, Kind::validation_failed);
  EXPECT_THAT(result.error().fields, ElementsAre(Pair("email", ElementsAre(HasSubstr("e-mail"))),
                                                 Pair("first_name", ElementsAre(HasSubstr("control"))),
                                                 Pair("password", ElementsAre(HasSubstr("at least 12"))),
                                                 Pair("username", ElementsAre(HasSubstr("1 to 64")))));
}

// S4.2
TEST_F(UserServiceTest, AsksForTheFieldsThatTheConfigurationRequires) {
  rules_.profile = {{"first_name"}, {"email"}, {"nickname"}};
  rules_.profile[0].required = rules_.profile[1].required = true;
  Registration wanted = registration();
  wanted.email.clear();
  wanted.profile = {{"first_name", ""}};
  EXPECT_THAT(registration_problems(wanted, rules_),
              ElementsAre(Pair("email", ElementsAre("The e-mail address is required.")),
                          Pair("first_name", ElementsAre("This field is required."))));
}

TEST_F(UserServiceTest, AsksForTheEmailAddressOnlyWhereItMustBeConfirmed) {
  Registration wanted = registration();
  wanted.email.clear();
  EXPECT_TRUE(registration_problems(wanted, rules_).empty());
  rules_.require_confirmed_email = true;
  EXPECT_EQ(registration_problems(wanted, rules_).count("email"), 1u);
}

// S1.24
TEST_F(UserServiceTest, ChangesThePasswordAndEndsTheOtherSessions) {
  const auto change = run_task(
      service().change_password("id-Ada", Secret(kPassword), Secret("another horse entirely"), kAddress));
  ASSERT_TRUE(change);
  EXPECT_EQ(change->end, EndSessions::others);
  EXPECT_EQ(change->cause, sessions::EndCause::password_changed);
  EXPECT_TRUE(login("ada", "another horse entirely"));
  EXPECT_FALSE(login("ada", kPassword));
}

TEST_F(UserServiceTest, RefusesAChangeWithoutTheRightCurrentPassword) {
  throttle_ = {{.attempts = 1, .window = 60s}};
  const auto wrong = run_task(
      service().change_password("id-Ada", Secret("wrong"), Secret("another horse entirely"), kAddress));
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().kind, Kind::validation_failed);
  EXPECT_EQ(wrong.error().fields.count("current_password"), 1u);
  const auto again = run_task(
      service().change_password("id-Ada", Secret(kPassword), Secret("another horse entirely"), kAddress));
  EXPECT_EQ(again.error().kind, Kind::too_many_attempts);
}

TEST_F(UserServiceTest, ChangesNothingWhenTheNewPasswordBreaksARule) {
  const auto change =
      run_task(service().change_password("id-Ada", Secret(kPassword), Secret("short"), kAddress));
  EXPECT_EQ(change.error().fields.count("new_password"), 1u);
  EXPECT_EQ(store_.updates, 0);
}

TEST_F(UserServiceTest, WritesAgainWhenAnotherWriterWasFaster) {
  store_.lose_updates = 2;
  EXPECT_TRUE(run_task(service().edit("ada", Edit{.roles = {{"admin"}}})));
  EXPECT_THAT(store_.by_name["ada"].roles, ElementsAre("admin"));
  store_.lose_updates = 100;
  EXPECT_EQ(run_task(service().edit("ada", Edit{.roles = {{"user"}}})).error().kind, Kind::conflict);
}

TEST_F(UserServiceTest, EditsNobodyWhoIsNotThere) {
  EXPECT_EQ(run_task(service().edit("nobody", {})).error().kind, Kind::unknown_user);
  EXPECT_EQ(run_task(service().set_password("nobody", Secret(kPassword))).error().kind, Kind::unknown_user);
}

struct Effect {
  const char* name;
  Edit edit;
  EndSessions end;
  sessions::EndCause cause;
};

class EditEffect : public testing::TestWithParam<Effect> {};

TEST_P(EditEffect, EndsSessionsWhereATokenWouldSayAnotherThing) {
  User user;
  user.roles = {"user", "editor"};
  user.claims = {{"tenant", "t1"}};
  user.email = "ada@example.com";
  user.email_confirmed = true;
  const Change change = applied(user, GetParam().edit);
  EXPECT_EQ(change.end, GetParam().end);
  EXPECT_EQ(change.cause, GetParam().cause);
}

using sessions::EndCause;
INSTANTIATE_TEST_SUITE_P(
    UserService, EditEffect,
    testing::Values(
        Effect{"Nothing", {}, EndSessions::none, EndCause::none},
        Effect{"SameRolesInAnotherOrder", {.roles = {{"editor", "user"}}}, EndSessions::none, EndCause::none},
        Effect{"FewerRoles", {.roles = {{"user"}}}, EndSessions::all, EndCause::role_changed},
        Effect{
            "MoreRoles", {.roles = {{"user", "editor", "admin"}}}, EndSessions::all, EndCause::role_changed},
        Effect{"AnotherClaim", {.claims = {{"tenant", "t2"}}}, EndSessions::all, EndCause::role_changed},
        Effect{"NoClaim", {.claims = {{"tenant", std::nullopt}}}, EndSessions::all, EndCause::role_changed},
        Effect{"Profile", {.profile = {{"first_name", "Ada"}}}, EndSessions::none, EndCause::none},
        Effect{"Disabled", {.disabled = true}, EndSessions::all, EndCause::disabled},
        Effect{"EnabledAsBefore", {.disabled = false}, EndSessions::none, EndCause::none}),
    [](const auto& param) { return std::string(param.param.name); });

TEST(EditEffect, UnconfirmsAnEmailAddressThatChanged) {
  User user;
  user.email = "a@example.com";
  user.email_confirmed = true;
  EXPECT_TRUE(applied(user, Edit{.email = "a@example.com"}).user.email_confirmed);
  EXPECT_FALSE(applied(user, Edit{.email = "b@example.com"}).user.email_confirmed);
}

TEST(NewUserId, IsRandomAndFitsAHeader) {
  const std::string id = new_user_id();
  EXPECT_EQ(id.size(), 22u);
  EXPECT_NE(id, new_user_id());
}

}  // namespace
}  // namespace sallyport::users
