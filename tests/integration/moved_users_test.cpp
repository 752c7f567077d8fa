// Users of another system log in with the passwords that they have, and how long a refusal takes says nothing
// about who they are (S1.30, S2.5, S4.3, SECURITY S11). SALLYPORT_EQUAL_TIME_TRIES=200 measures the medians.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <vector>

#include "tests/integration/fleet.hpp"
#include "tests/support/process.hpp"

namespace sallyport::testing {
namespace {

using namespace std::chrono_literals;

struct Moved {
  const char* name;
  const char* hash;  // of "my password"
};

// As they stand in the column PasswordHash of AspNetUsers, in a password file, in Django's auth_user.
constexpr Moved kMoved[] = {
    {"identity-v2", "AAABAgMEBQYHCAkKCwwNDg+ukCEMDf0yyQ29NYubggHIVY0sdEUfdyeM+E1LtH1uJg=="},
    {"identity-v3", "AQAAAAIAAYagAAAAEAABAgMEBQYHCAkKCwwNDg/Q8A0WMKbtHQJQ2DHCdoEeeFBrgNlldq6vH4qX/CGqGQ=="},
    {"bcrypt", "$2b$05$qnZba8lCXL55A8ZuHliknuSsP00/eFGawxeS33iJOYQXy4xw.zPVq"},
    {"yescrypt", "$y$j75$saltsaltsalt$ATuf9a9uM6FHzlvZN0k5.5peI6tyraX.fO997oJbcJ2"},
    {"django", "pbkdf2_sha256$1000$seasalt$0sbGKyZQDs/ydSj8NelV8zXbLy7kFmTJna/wWCoI8Gs="},
};

class MovedUsers : public ::testing::Test {
 protected:
  MovedUsers()
      : fleet_("sqlite:" + (state_ / "state.db"),
               {.more = "auth: {throttle: {per_user_and_address: 1000/15m}}\n"}) {
    fleet_.add();
    const std::string config = state_.write("gateway.yaml", fleet_.yaml());
    for (const Moved& user : kMoved) {
      const std::string hash = state_.write("hash.txt", user.hash);
      const Outcome added =
          run({SALLYPORT_BINARY, "user", "add", user.name, "--hash-file", hash, "--config", config}, {});
      EXPECT_EQ(added.code, 0) << added.err;
    }
  }

  Response login(const std::string& name, const std::string& password) {
    return HttpClient(fleet_[0].port())
        .post("/auth/login", R"({"username":")" + name + R"(","password":")" + password + "\"}");
  }

  TempDir state_;
  Fleet fleet_;
};

TEST_F(MovedUsers, LogInWithThePasswordThatTheyHaveBeforeAndAfterTheirHashIsReplaced) {
  for (const Moved& user : kMoved) {
    EXPECT_EQ(login(user.name, "my password").status, 200) << user.name;
    EXPECT_EQ(login(user.name, "my password").status, 200) << user.name;
    EXPECT_EQ(login(user.name, "My password").status, 401) << user.name;
  }
}

TEST_F(MovedUsers, AreRefusedInTheSameTimeAsAnybody) {
  const char* wanted = std::getenv("SALLYPORT_EQUAL_TIME_TRIES");
  const int tries = wanted == nullptr ? 1 : std::max(1, std::atoi(wanted));
  fleet_.login(0, "argon2id");
  std::map<std::string, std::vector<double>> times;
  for (int i = 0; i < tries; ++i) {
    for (const char* name : {"nobody", "argon2id", "identity-v2", "identity-v3", "bcrypt"}) {
      const auto start = std::chrono::steady_clock::now();
      const Response refused = login(name, "not the password");
      const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
      EXPECT_EQ(error_of(refused), "login_failure") << refused.raw;
      EXPECT_GE(took, 499ms) << name;
      times[name].push_back(took.count());
    }
  }
  std::map<std::string, double> medians;
  for (auto& [name, all] : times) {
    std::nth_element(all.begin(), all.begin() + static_cast<long>(all.size() / 2), all.end());
    medians[name] = all[all.size() / 2];
    RecordProperty(name + "_ms", std::to_string(medians[name]));
    if (tries > 1) std::printf("%-12s median %.2f ms of %d\n", name.c_str(), medians[name], tries);
  }
  if (tries < 20) return;  // a median of few is the machine's mood
  for (const auto& [name, median] : medians) {
    EXPECT_LT(median / medians["nobody"], 1.05) << name;
    EXPECT_GT(median / medians["nobody"], 0.95) << name;
  }
}

}  // namespace
}  // namespace sallyport::testing
