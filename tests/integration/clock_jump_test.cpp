// The gateway's wall clock jumps by days and comes back while Redis' goes on: no revoked token is ever taken,
// nobody is logged out, and what other gateways know isn't forgotten for it.
#include <gtest/gtest.h>

#include "tests/integration/fleet.hpp"
#include "tests/support/clockwork.hpp"
#include "tests/support/redis_server.hpp"

namespace sallyport::testing {
namespace {

class ClockJump : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!kClocksMove) GTEST_SKIP() << "a sanitizer must be loaded before any other library";
    fleet_.add({}, clock_.env());
    fleet_.add();
    living_ = fleet_.login(0, "ada");
    ended_ = fleet_.login(0, "ada");
    ASSERT_EQ(fleet_.call(0, living_.access).status, 200);
    ASSERT_EQ(fleet_.logout(1, ended_.access).status, 204);
    expect_revoked(0);
  }

  Response call_until(std::size_t gateway, int status, const std::string& access) {
    Response response = fleet_.call(gateway, access);
    for (const Deadline end = within(); response.status != status && Clock::now() < end;)
      response = fleet_.call(gateway, access);
    return response;
  }
  void expect_revoked(std::size_t gateway) {
    EXPECT_EQ(error_of(call_until(gateway, 401, ended_.access)), "token_revoked");
  }
  // Whatever it is refused for, it is refused.
  void expect_never_taken() { EXPECT_EQ(fleet_.call(0, ended_.access).status, 401); }
  void expect_as_before() {
    expect_revoked(0);
    EXPECT_EQ(call_until(0, 200, living_.access).status, 200);
    const Response refreshed = fleet_.refresh(0, living_.refresh);
    ASSERT_EQ(refreshed.status, 200) << refreshed.body;
    living_ = pair_of(refreshed);
    EXPECT_EQ(call_until(1, 200, living_.access).status, 200);
    // A gateway that starts now reads what the log still holds.
    fleet_.add();
    expect_revoked(2);
  }

  RedisServer redis_;
  Fleet fleet_{redis_.url()};
  Clockwork clock_;
  Pair living_, ended_;
};

TEST_F(ClockJump, AheadAndBackForgetsNoRevocationAndEndsNoSession) {
  clock_.move("+2d");
  const Response late = call_until(0, 401, living_.access);
  EXPECT_EQ(error_of(late), "token_expired") << "by its clock it is";
  EXPECT_EQ(late.headers.get("Token-Expired"), "true");
  expect_never_taken();
  const Response refreshed = fleet_.refresh(0, living_.refresh);
  ASSERT_EQ(refreshed.status, 200) << "sessions live by the store's clock: " << refreshed.body;
  living_ = pair_of(refreshed);
  EXPECT_EQ(error_of(fleet_.refresh(0, ended_.refresh)), "session_revoked");

  clock_.move("+0");
  // The pair of that moment is of the future now; the next one is not.
  const Response now = fleet_.refresh(0, living_.refresh);
  ASSERT_EQ(now.status, 200) << now.body;
  living_ = pair_of(now);
  expect_as_before();
}

TEST_F(ClockJump, BackAndAheadTakesNoRevokedTokenAndEndsNoSession) {
  clock_.move("-2d");
  const Response early = call_until(0, 401, living_.access);
  EXPECT_EQ(error_of(early), "token_invalid") << "not valid yet";
  expect_never_taken();
  // What it ends now must be remembered by the clocks that are right.
  Pair other = fleet_.login(1, "ada");
  EXPECT_EQ(HttpClient(fleet_[0].port())
                .post("/auth/logout", R"({"refresh_token":")" + other.refresh + "\"}")
                .status,
            204);
  EXPECT_EQ(error_of(call_until(1, 401, other.access)), "token_revoked");

  clock_.move("+0");
  expect_as_before();
  EXPECT_EQ(error_of(call_until(0, 401, other.access)), "token_revoked");
}

}  // namespace
}  // namespace sallyport::testing
