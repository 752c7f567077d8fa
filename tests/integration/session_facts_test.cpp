// What a session remembers and how long it lasts, told apart from what only looks like it: two addresses, a
// clock that the test moves by days, and an account that is disabled without anybody ending its sessions.
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>

#include "auth/stores/stores.hpp"
#include "tests/integration/preset_world.hpp"
#include "tests/support/await.hpp"
#include "tests/support/clockwork.hpp"

namespace sallyport::testing {
namespace {

Headers from(const char* address) { return {{"X-Forwarded-For", address}, {"X-Forwarded-Proto", "https"}}; }

TEST(SessionAddresses, AreThatOfTheLoginAndThenThatOfEachRotation) {  // S4.4, S4.15
  PresetWorld world("fullstackmark", {.role = "api_access", .routes = "trusted_proxies: [127.0.0.1]\n"});
  world.post("/api/accounts", {{"userName", "ada"}, {"password", kUserPassword}}, from("203.0.113.5"));
  const auto shown = [&](const Response& pair) {
    EXPECT_EQ(pair.status, 200) << pair.raw;
    const auto list = world.client().get("/auth/sessions", bearer(pair.text("accessToken"))).json();
    EXPECT_EQ(list.at("sessions").as_array().size(), 1u);
    return std::string(list.at("sessions").at(0).at("ip").as_string());
  };
  const auto refreshed = [&](const Response& pair, const char* address) {
    return world.post(
        "/api/auth/refreshtoken",
        {{"accessToken", pair.text("accessToken")}, {"refreshToken", pair.text("refreshToken")}},
        from(address));
  };
  const Response first =
      world.post("/api/auth/login", {{"userName", "ada"}, {"password", kUserPassword}}, from("192.0.2.1"));
  EXPECT_EQ(shown(first), "192.0.2.1");
  const Response second = refreshed(first, "198.51.100.7");
  EXPECT_EQ(shown(second), "198.51.100.7");
  EXPECT_EQ(shown(refreshed(second, "192.0.2.9")), "192.0.2.9");
}

// Disabled behind the gateway's back: nobody ended the session, so only the look at the account can refuse.
TEST(SessionAccounts, AreLookedAtAtEachRefresh) {  // S0.12
  PresetWorld world("apothecaric");
  world.post("/auth/register", {{"UserName", "ada"}, {"Password", kUserPassword}});
  const Response pair = world.post("/api/token", {{"UserName", "ada"}, {"Password", kUserPassword}});
  const auto refresh = [&] {
    return world.post("/api/token/refresh", {{"RefreshToken", pair.text("RefreshToken")}});
  };
  config::Store place;
  place.kind = config::StoreKind::sqlite;
  place.path = world.gateway().dir() / "state.db";
  place.url = "sqlite:state.db";
  place.timeout = std::chrono::seconds(10);
  auto store = stores::open(place, {});
  ASSERT_TRUE(store) << store.error();
  net::io_context context;
  stores::Stores stores = (*store)->connect(context.get_executor());
  const auto set_disabled = [&](bool disabled) {
    auto found = await(context, stores.users->find_by_name("ada"));
    ASSERT_TRUE(found && *found);
    (*found)->disabled = disabled;
    const auto written = await(context, stores.users->update(**found));
    ASSERT_TRUE(written && *written);
  };
  ASSERT_EQ(refresh().status, 200);
  set_disabled(true);
  const Response refused = refresh();
  EXPECT_EQ(refused.status, 401) << refused.raw;
  EXPECT_EQ(refused.header("Sallyport-Error"), "account_disabled");
  set_disabled(false);
  EXPECT_EQ(refresh().status, 200) << "the session itself was never ended";
}

class Lifetimes : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!kClocksMove) GTEST_SKIP() << "a sanitizer must be loaded before any other library";
  }
  Clockwork clock_;
};

TEST_F(Lifetimes, AnAbsoluteOneEndsSevenDaysAfterTheLoginThoughItIsUsedEachDay) {  // S1.5, S1.14
  PresetWorld world("code-maze", {.env = clock_.env()});
  world.post("/auth/register", {{"userName", "ada"}, {"password", kUserPassword}});
  Response pair = world.post("/api/auth/login", {{"userName", "ada"}, {"password", kUserPassword}});
  const auto refresh = [&] {
    return world.post("/api/token/refresh",
                      {{"accessToken", pair.text("token")}, {"refreshToken", pair.text("refreshToken")}});
  };
  for (int day = 1; day <= 6; ++day) {
    clock_.move("+" + std::to_string(day) + "d");
    const Response next = refresh();
    ASSERT_EQ(next.status, 200) << day << next.raw;
    EXPECT_NEAR(static_cast<double>(next.json().at("refreshExpiresIn").as_int64()), (7 - day) * 86400, 60);
    pair = next;
  }
  clock_.move("+170h");  // two hours behind its end
  const Response over = refresh();
  EXPECT_EQ(over.status, 400) << over.raw;
  EXPECT_EQ(over.header("Sallyport-Error"), "refresh_expired");
}

TEST_F(Lifetimes, ASlidingOneGoesOnAsLongAsItIsUsedWithinFiveDays) {  // S4.6, S1.14, S1.15
  PresetWorld world("fullstackmark", {.role = "api_access", .env = clock_.env()});
  world.post("/api/accounts", {{"userName", "ada"}, {"password", kUserPassword}});
  Response pair = world.post("/api/auth/login", {{"userName", "ada"}, {"password", kUserPassword}});
  const auto refresh = [&] {
    return world.post("/api/auth/refreshtoken", {{"accessToken", pair.text("accessToken")},
                                                 {"refreshToken", pair.text("refreshToken")}});
  };
  for (int day = 4; day <= 40; day += 4) {
    clock_.move("+" + std::to_string(day) + "d");
    const Response next = refresh();
    ASSERT_EQ(next.status, 200) << day << next.raw;
    EXPECT_NEAR(static_cast<double>(next.json().at("refreshExpiresIn").as_int64()), 5 * 86400, 60);
    pair = next;
  }
  clock_.move("+1085h");  // 45 days and 5 hours
  const Response idle = refresh();
  EXPECT_EQ(idle.status, 400) << idle.raw;
  EXPECT_EQ(idle.header("Sallyport-Error"), "session_idle");
}

}  // namespace
}  // namespace sallyport::testing
