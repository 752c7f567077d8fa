// Users of a file log in (S1.30, S4.14), and a changed file is in force without a restart.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/integration/fleet.hpp"
#include "tests/support/redis_server.hpp"

namespace sallyport::testing {
namespace {

using ::testing::HasSubstr;

constexpr const char* kHash =
    "$2b$05$qnZba8lCXL55A8ZuHliknuSsP00/eFGawxeS33iJOYQXy4xw.zPVq";  // "my password"

std::string line(const std::string& name, const std::string& more = {}) {
  return "  - {name: " + name + ", password_hash: \"" + kHash + "\"" + more + "}\n";
}

class FileUsers : public ::testing::Test {
 protected:
  FileUsers()
      : fleet_("sqlite:" + (state_ / "state.db"),
               {.users = "{source: file, file: {path: \"" + (state_ / "users.yaml") + "\"}}"}) {
    state_.write("users.yaml", "users:\n" + line("ada", ", id: \"7\", roles: [admin]") + line("bob"));
  }
  Response login(const std::string& name, const std::string& password = "my password") {
    return HttpClient(fleet_[0].port())
        .post("/auth/login", R"({"username":")" + name + R"(","password":")" + password + "\"}");
  }

  TempDir state_;
  Fleet fleet_;
};

TEST_F(FileUsers, LogInAndCarryWhatTheFileSays) {
  fleet_.add();
  const Response ada = login("Ada");
  ASSERT_EQ(ada.status, 200) << ada.raw;
  EXPECT_EQ(fleet_.call(0, pair_of(ada).access).status, 200);
  EXPECT_EQ(fleet_.origin().last().headers.get("x-auth-subject"), "7");
  EXPECT_EQ(fleet_.origin().last().headers.get("x-auth-roles"), "admin");
  EXPECT_EQ(error_of(login("ada", "wrong")), "login_failure");
  EXPECT_EQ(error_of(login("nobody")), "login_failure");
}

TEST_F(FileUsers, AreThoseOfTheFileAsItIsNow) {
  fleet_.add();
  const Pair bob = pair_of(login("bob"));
  state_.write("users.yaml", "users:\n" + line("carol"));
  EXPECT_TRUE(fleet_[0].wait_for_log("users.yaml changed: 1 users"));
  EXPECT_EQ(login("carol").status, 200);
  EXPECT_EQ(error_of(login("bob")), "login_failure");
  EXPECT_EQ(error_of(fleet_.refresh(0, bob.refresh)), "account_disabled") << "who was removed isn't renewed";
}

TEST_F(FileUsers, StayInForceWhenTheFileIsBrokenOrGone) {
  fleet_.add();
  state_.write("users.yaml", "users:\n  - {name: ada}\n");
  EXPECT_TRUE(fleet_[0].wait_for_log("users.yaml:2:5: users[0]: \"password_hash\" is missing"));
  EXPECT_THAT(fleet_[0].log(), HasSubstr("the users of before stay in force"));
  EXPECT_EQ(login("ada").status, 200);
  std::filesystem::remove(state_ / "users.yaml");
  EXPECT_TRUE(fleet_[0].wait_for_log("No such file"));
  EXPECT_EQ(login("ada").status, 200);
}

TEST_F(FileUsers, AreNeededAtTheStart) {
  state_.write("users.yaml", "users:\n  - {name: ada, password_hash: plain}\n");
  const std::string config = state_.write("gateway.yaml", fleet_.yaml());
  const Outcome refused = run({SALLYPORT_BINARY, "serve", "--config", config}, {});
  EXPECT_EQ(refused.code, 1);
  EXPECT_THAT(refused.err, HasSubstr("users.yaml:2:5: the password hash of this user is none that we know"));
}

}  // namespace
}  // namespace sallyport::testing
