// The dialect of "JWT authentication flow with refresh tokens": rows S4 of tests/requirements.txt.
#include <gtest/gtest.h>

#include "tests/integration/preset_world.hpp"

namespace sallyport::testing {
namespace {

using boost::json::array;
using boost::json::object;

class Fullstackmark : public ::testing::Test {
 protected:
  static object account(std::string_view password = "secret") {
    return {{"firstName", "Ada"},
            {"lastName", "Lovelace"},
            {"email", "ada@example.com"},
            {"userName", "ada"},
            {"password", password}};
  }
  Response join() { return world_.post("/api/accounts", account()); }
  Response login(std::string_view password = "secret") {
    return world_.post("/api/auth/login", {{"userName", "ada"}, {"password", password}});
  }
  Response refresh(const std::string& access, const std::string& token) {
    return world_.post("/api/auth/refreshtoken", {{"accessToken", access}, {"refreshToken", token}});
  }

  PresetWorld world_{
      "fullstackmark",
      {.role = "api_access",
       .routes = "  - {path: /api/protected/, upstream: api, auth: required, allow: {roles: "
                 "[api_access]}}\n  - {path: /api/closed/, upstream: api, auth: required, allow: "
                 "{claims: {rol: other}}}\n"}};
};

TEST_F(Fullstackmark, AnAccountIsMadeOnce) {  // S4.1
  const Response made = join();
  ASSERT_EQ(made.status, 201) << made.raw;
  EXPECT_FALSE(made.text("id").empty());
  EXPECT_EQ(made.json().at("success"), true);
  const Response again = join();
  EXPECT_EQ(again.status, 400);
  const auto list = again.json().as_array();
  ASSERT_EQ(list.size(), 1u);
  EXPECT_EQ(list[0].at("code"), "username_taken");
  EXPECT_FALSE(list[0].at("description").as_string().empty());
}

TEST_F(Fullstackmark, EveryWrongFieldIsNamed) {  // S4.2
  const Response short_one = world_.post("/api/accounts", account("12345"));
  EXPECT_EQ(short_one.status, 400);
  EXPECT_TRUE(short_one.json().as_object().contains("password")) << short_one.raw;
  object wrong = account("1");
  wrong["email"] = "nowhere";
  wrong.erase("userName");
  const Response three = world_.post("/api/accounts", wrong);
  EXPECT_EQ(three.status, 400);
  for (const char* name : {"password", "email", "userName"})
    EXPECT_TRUE(three.json().at(name).is_array()) << three.raw;
}

TEST_F(Fullstackmark, LoginGivesTwoHoursAndOneAnswerToEveryMistake) {  // S4.3
  join();
  const Response good = login();
  ASSERT_EQ(good.status, 200) << good.raw;
  EXPECT_FALSE(good.text("accessToken").empty());
  EXPECT_FALSE(good.text("refreshToken").empty());
  EXPECT_EQ(good.json().at("expiresIn"), 7200);
  const Response wrong = login("guessed");
  const Response unknown = world_.post("/api/auth/login", {{"userName", "eve"}, {"password", "guessed"}});
  for (const Response& refused : {wrong, unknown}) {
    EXPECT_EQ(refused.status, 401);
    EXPECT_EQ(refused.body, R"({"code":"login_failure","description":"Invalid username or password."})");
  }
}

TEST_F(Fullstackmark, TheAddressStaysWithTheSessionAlsoAfterARotation) {  // S4.4, S4.15
  join();
  const Response first = login();
  const Response second = refresh(first.text("accessToken"), first.text("refreshToken"));
  ASSERT_EQ(second.status, 200) << second.raw;
  const auto list = world_.client().get("/auth/sessions", bearer(second.text("accessToken"))).json();
  ASSERT_EQ(list.at("sessions").as_array().size(), 1u);
  EXPECT_EQ(list.at("sessions").at(0).at("ip"), "127.0.0.1");
}

TEST_F(Fullstackmark, TokensHaveTheClaimsOfTheSample) {  // S4.5
  join();
  const Response one = login(), two = login();
  const object claims = claims_of(one.text("accessToken"));
  for (const char* name : {"iss", "aud", "sub", "jti", "iat", "nbf", "exp"})
    EXPECT_TRUE(claims.contains(name)) << name;
  EXPECT_EQ(claims.at("rol"), (array{"api_access"}));
  EXPECT_EQ(claims.at("id"), claims.at("sub"));
  EXPECT_NE(claims.at("jti"), claims_of(two.text("accessToken")).at("jti"));
}

TEST_F(Fullstackmark, SessionsAreManyAndSlideByFiveDays) {  // S4.6, S1.14
  join();
  const Response one = login(), two = login();
  EXPECT_NEAR(static_cast<double>(one.json().at("refreshExpiresIn").as_int64()), 5 * 86400, 2);
  const Response next = refresh(one.text("accessToken"), one.text("refreshToken"));
  EXPECT_NEAR(static_cast<double>(next.json().at("refreshExpiresIn").as_int64()), 5 * 86400, 2);
  EXPECT_EQ(refresh(two.text("accessToken"), two.text("refreshToken")).status, 200);
}

TEST_F(Fullstackmark, RefreshReplacesTheTokenAndRefusesAsTheSample) {  // S4.7
  join();
  const Response pair = login();
  const Response next = refresh(pair.text("accessToken"), pair.text("refreshToken"));
  ASSERT_EQ(next.status, 200) << next.raw;
  EXPECT_NE(next.text("refreshToken"), pair.text("refreshToken"));
  EXPECT_EQ(world_.client().get("/auth/me", bearer(next.text("accessToken"))).status, 200);
  const Response last = refresh(next.text("accessToken"), next.text("refreshToken"));
  EXPECT_EQ(last.status, 200) << last.raw;
  for (const Response& refused : {refresh(pair.text("accessToken"), pair.text("refreshToken")),
                                  refresh(next.text("accessToken"), "nonsense")}) {
    EXPECT_EQ(refused.status, 400) << refused.raw;
    EXPECT_EQ(refused.text("description"), "Invalid token.");
  }
}

TEST_F(Fullstackmark, ARouteAsksForTheRole) {  // S4.8
  join();
  const std::string access = login().text("accessToken");
  EXPECT_EQ(world_.client().get("/api/protected/home", bearer(access)).status, 200);
  EXPECT_EQ(world_.client().get("/api/closed/home", bearer(access)).status, 403);
  EXPECT_EQ(world_.client().get("/api/protected/home").status, 401);
}

TEST_F(Fullstackmark, A401SaysWhy) {  // S4.9
  join();
  const std::string access = login().text("accessToken");
  const Response missing = world_.api("");
  const Response expired = world_.api(remade(access, 8000));
  EXPECT_EQ(world_.client().get("/api/values/1").header("WWW-Authenticate"), "Bearer realm=\"sallyport\"");
  EXPECT_EQ(missing.status, 400);  // Bearer without a token
  EXPECT_EQ(expired.status, 401);
  EXPECT_NE(expired.header("WWW-Authenticate").find("expired"), std::string::npos);
  EXPECT_EQ(expired.header("token-expired"), "true");
}

TEST_F(Fullstackmark, ClocksGrantNothingAndEveryCheckIsMade) {  // S4.12, S4.15
  join();
  const std::string access = login().text("accessToken");
  EXPECT_EQ(world_.api(remade(access, 7199 - 60)).status, 200);
  EXPECT_EQ(world_.api(remade(access, 7201)).header("Token-Expired"), "true");  // no leeway
  EXPECT_EQ(world_.api(remade(access, 0, {{"iss", "https://evil.test"}})).text("error"), "token_invalid");
  EXPECT_EQ(world_.api(remade(access, 0, {{"aud", "another"}})).text("error"), "token_invalid");
  EXPECT_EQ(world_.api(remade(access, 0, {{"exp", nullptr}})).text("error"), "token_invalid");  // without exp
}

TEST(FullstackmarkOverHttp, LoginsFromElsewhereNeedTls) {  // S4.12
  PresetWorld world("fullstackmark", {.routes = "trusted_proxies: [127.0.0.1]\n"});
  const auto login = [&](const char* proto) {
    return world.post("/api/auth/login", {{"userName", "ada"}, {"password", "secret"}},
                      {{"X-Forwarded-For", "192.0.2.7"}, {"X-Forwarded-Proto", proto}});
  };
  const Response clear = login("http");
  EXPECT_EQ(clear.status, 403) << clear.raw;
  EXPECT_EQ(clear.text("code"), "https_required");
  EXPECT_EQ(login("https").status, 401);
  EXPECT_EQ(world.post("/api/auth/login", {{"userName", "ada"}, {"password", "secret"}}).status, 401);
  EXPECT_EQ(world.client().get("/.well-known/jwks.json", {{"X-Forwarded-For", "192.0.2.7"}}).status, 200);
}

TEST_F(Fullstackmark, TheKeyStaysWhenOneTokenIsRevoked) {  // S4.13
  join();
  const Response one = login(), two = login();
  EXPECT_EQ(world_.gateway().command({"revoke", "--session", one.text("sessionId")}).code, 0);
  EXPECT_EQ(refresh(one.text("accessToken"), one.text("refreshToken")).status, 400);
  EXPECT_EQ(world_.api(two.text("accessToken")).status, 200);
}

TEST(FullstackmarkNested, ItsLaterAnswerIsTwoLines) {
  PresetWorld world("fullstackmark",
                    {.auth = ", fields: {response: {access_token: accessToken.token, expires_in: "
                             "accessToken.expiresIn}}"});
  world.post("/api/accounts", {{"userName", "ada"}, {"password", "secret"}});
  const auto answer = world.post("/api/auth/login", {{"userName", "ada"}, {"password", "secret"}}).json();
  EXPECT_EQ(answer.at("accessToken").at("expiresIn"), 7200);
  EXPECT_TRUE(answer.at("accessToken").at("token").is_string());
  EXPECT_TRUE(answer.at("refreshToken").is_string());
}

}  // namespace
}  // namespace sallyport::testing
