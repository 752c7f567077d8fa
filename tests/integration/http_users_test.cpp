// Users log in by the API that the team already has (S1.30, S4.14): the gateway asks it, believes its yes and
// its no, and takes nothing else for an answer.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/integration/fleet.hpp"
#include "tests/support/redis_server.hpp"

namespace sallyport::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

Answer json(int status, std::string body) {
  return {.status = status, .headers = {{"Content-Type", "application/json"}}, .body = std::move(body)};
}

constexpr const char* kAda =
    R"({"account":{"id":7,"login":"Ada","groups":["clerk"],"org":"blue","locked":false},"legacy_token":"x"})";

class HttpUsers : public ::testing::Test {
 protected:
  HttpUsers() {
    api_.on("/login", [this](Exchange& exchange) {
      const std::string& body = exchange.request().body;
      const bool good = body == R"({"userName":"ada","pass":"my password"})";
      const std::string text = good ? kAda : R"({"error":"no"})";
      exchange.send("HTTP/1.1 " + std::string(good ? "200 OK" : "401 Unauthorized") +
                    "\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(text.size()) +
                    "\r\n\r\n" + text);
    });
    api_.on("/accounts/7", json(200, kAda));
  }

  void start(const std::string& more = {}) {
    fleet_ = std::make_unique<Fleet>(
        "sqlite:" + (state_ / "state.db"),
        FleetOptions{
            .users = "\n  source: http\n  http:\n    login: " + api_.url() +
                     "/login\n    state: " + api_.url() +
                     "/accounts/{id}\n    authorization: Bearer internal\n    username: userName\n"
                     "    password: pass\n    timeout: 1s\n    fields: {id: account.id, name: account.login, "
                     "roles: account.groups, disabled: account.locked, claims: {tenant: account.org}}\n" +
                     more});
    fleet_->add();
  }
  Response login(const std::string& name, const std::string& password = "my password") {
    return HttpClient((*fleet_)[0].port())
        .post("/auth/login", R"({"username":")" + name + R"(","password":")" + password + "\"}");
  }

  Origin api_;
  TempDir state_;
  std::unique_ptr<Fleet> fleet_;
};

TEST_F(HttpUsers, LogInByItsYesAndNotByItsNo) {
  start();
  const Response ada = login("ada");
  ASSERT_EQ(ada.status, 200) << ada.raw;
  const RecordedRequest asked = api_.requests("/login").front();
  EXPECT_EQ(asked.method, "POST");
  EXPECT_EQ(asked.headers.get("authorization"), "Bearer internal");
  EXPECT_EQ(asked.headers.get("x-forwarded-for"), "127.0.0.1");
  EXPECT_EQ(fleet_->call(0, pair_of(ada).access).status, 200);
  EXPECT_EQ(fleet_->origin().last().headers.get("x-auth-subject"), "7");
  EXPECT_EQ(fleet_->origin().last().headers.get("x-auth-roles"), "clerk");
  EXPECT_EQ(error_of(login("ada", "wrong")), "login_failure");
  EXPECT_EQ(error_of(login("nobody")), "login_failure");
  EXPECT_EQ((*fleet_)[0].log().find("my password"), std::string::npos);
}

TEST_F(HttpUsers, AreAskedForAtEachRefresh) {
  start();
  const Pair first = pair_of(login("ada"));
  const Response second = fleet_->refresh(0, first.refresh);
  ASSERT_EQ(second.status, 200) << second.raw;

  api_.on("/accounts/7", json(500, "{}"));
  EXPECT_EQ(fleet_->refresh(0, pair_of(second).refresh).status, 503) << "an error is not a no";
  api_.on("/accounts/7", json(200, R"({"account":{"id":7,"locked":true}})"));
  const Response disabled = fleet_->refresh(0, pair_of(second).refresh);
  EXPECT_EQ(error_of(disabled), "account_disabled");
  api_.on("/accounts/7", json(404, "{}"));
  EXPECT_EQ(error_of(fleet_->refresh(0, pair_of(second).refresh)), "account_disabled");
}

TEST_F(HttpUsers, AreToldToComeBackWhereTheAnswerIsNeitherYesNorNo) {
  start("    breaker: {failures: 0}\n");
  for (const Answer& odd :
       {json(500, "{}"), json(302, "{}"), json(429, "{}"), json(200, "<html>"), json(200, "{}"),
        json(200, R"({"account":{"id":[1]}})"), Answer{.raw = "hello\r\n\r\n", .ending = Ending::close},
        Answer{.status = 200, .body = kAda, .cut_after = 60, .ending = Ending::reset}}) {
    api_.on("/login", odd);
    const Response refused = login("ada");
    EXPECT_EQ(refused.status, 503) << odd.status << odd.body << refused.raw;
    EXPECT_EQ(error_of(refused), "store_unavailable");
    EXPECT_TRUE(refused.headers.has("retry-after"));
  }
  api_.on("/login", json(200, kAda));
  EXPECT_EQ(login("ada").status, 200);
}

TEST_F(HttpUsers, WaitNoLongerThanTheTimeoutForAnApiThatHangs) {
  start("    breaker: {failures: 0}\n");
  const Pair ada = pair_of(login("ada"));
  const auto gate = std::make_shared<Gate>();
  api_.on("/login", Answer{.status = 200, .body = kAda, .before_head = gate});
  const auto began = std::chrono::steady_clock::now();
  EXPECT_EQ(login("ada").status, 503);
  EXPECT_LT(std::chrono::steady_clock::now() - began, 5s);
  EXPECT_EQ(fleet_->call(0, ada.access).status, 200);
}

TEST_F(HttpUsers, LeaveAnApiAloneThatKeepsFailing) {
  start("    breaker: {failures: 2, back_off: 300ms}\n");
  api_.on("/login", json(500, "{}"));
  // Two workers, each with a breaker of its own.
  for (int i = 0; i < 20; ++i) EXPECT_EQ(login("ada").status, 503);
  EXPECT_LE(api_.requests("/login").size(), 8u);
  api_.on("/login", json(200, kAda));
  EXPECT_TRUE(poll_until([&] { return login("ada").status == 200; }));
}

TEST_F(HttpUsers, HaveSessionsThatCanBeEndedByTheirId) {
  start();
  const Pair ada = pair_of(login("ada"));
  const std::string config = state_.write("gateway.yaml", fleet_->yaml());
  const Outcome revoked = run({SALLYPORT_BINARY, "revoke", "--user", "7", "--config", config}, {});
  EXPECT_THAT(revoked.out, HasSubstr("ended 1 session")) << revoked.err;
  EXPECT_TRUE(poll_until([&] { return fleet_->call(0, ada.access).status == 401; }));
}

}  // namespace
}  // namespace sallyport::testing
