// The dialects of "JWT refresh token, authentication in detail" and of "Refresh tokens in ASP.NET Core 2":
// rows S3 and S0 of tests/requirements.txt.
#include <gtest/gtest.h>

#include <chrono>

#include "tests/integration/preset_world.hpp"

namespace sallyport::testing {
namespace {

using boost::json::array;
using boost::json::object;

class Codepedia : public ::testing::Test {
 protected:
  Codepedia() {
    EXPECT_EQ(join("ada").status, 201);
    confirm("ada");
  }
  Response join(const char* name, std::string_view password = kUserPassword) {
    return world_.post(
        "/auth/register",
        {{"name", name}, {"email", std::string(name) + "@example.com"}, {"password", password}});
  }
  void confirm(const char* name) {
    EXPECT_EQ(world_.gateway().command({"user", "set", name, "--email-confirmed"}).code, 0);
  }
  Response login(std::string_view password = kUserPassword, const char* name = "ada") {
    return world_.post("/api/users/authenticate", {{"name", name}, {"password", password}});
  }
  Response refresh(const std::string& access, const std::string& token) {
    return world_.post("/api/users/refresh", {{"access_Token", access}, {"refresh_Token", token}});
  }

  PresetWorld world_{"codepedia", {.routes = "  - {path: /api/orders/, upstream: api}\n"}};
};

TEST_F(Codepedia, AuthenticateGivesBothTokens) {  // S3.1, S3.11
  const Response good = login();
  ASSERT_EQ(good.status, 200) << good.raw;
  EXPECT_FALSE(good.text("access_Token").empty());
  EXPECT_FALSE(good.text("refresh_Token").empty());
  const Response wrong = login("guessed");
  EXPECT_EQ(wrong.status, 401);
  EXPECT_EQ(wrong.body, "Incorrect username or password!");
  EXPECT_EQ(login("guessed", "eve").body, wrong.body);
}

TEST_F(Codepedia, RefreshGivesANewPairOrRefuses) {  // S3.2, S3.5, S3.10
  const Response pair = login();
  const Response next = refresh(pair.text("access_Token"), pair.text("refresh_Token"));
  ASSERT_EQ(next.status, 200) << next.raw;
  EXPECT_NE(next.text("refresh_Token"), pair.text("refresh_Token"));
  EXPECT_EQ(world_.client().get("/auth/me", bearer(next.text("access_Token"))).status, 200);
  EXPECT_EQ(refresh(next.text("access_Token"), next.text("refresh_Token")).status, 200);
  for (const std::string& bad : {std::string("unknown"), pair.text("refresh_Token")}) {
    const Response refused = refresh(pair.text("access_Token"), bad);
    EXPECT_EQ(refused.status, 401) << refused.raw;
    EXPECT_EQ(refused.body, "Invalid attempt!");
  }
}

TEST_F(Codepedia, AnExpiredTokenIsToldInTheSamplesHeader) {  // S3.3, S3.4
  const std::string access = login().text("access_Token");
  const object claims = claims_of(access);
  EXPECT_EQ(claims.at("exp").as_int64() - claims.at("iat").as_int64(), 60);
  const Response expired = world_.api(remade(access, 61));  // not a second's leeway
  EXPECT_EQ(expired.status, 401);
  EXPECT_EQ(expired.header("IS-TOKEN-EXPIRED"), "true");
  EXPECT_FALSE(expired.headers.has("Token-Expired"));
  EXPECT_FALSE(world_.api(with_broken_signature(access)).headers.has("IS-TOKEN-EXPIRED"));
}

TEST_F(Codepedia, AUserHasSeveralSessions) {  // S3.6, S1.12
  const Response one = login(), two = login();
  EXPECT_EQ(refresh(one.text("access_Token"), one.text("refresh_Token")).status, 200);
  EXPECT_EQ(refresh(two.text("access_Token"), two.text("refresh_Token")).status, 200);
}

TEST_F(Codepedia, ARouteThatSaysNothingIsClosed) {  // S3.7
  EXPECT_EQ(world_.client().get("/api/orders/1").status, 401);
  EXPECT_EQ(world_.client().get("/elsewhere").status, 404);
  EXPECT_EQ(world_.client().get("/api/orders/1", bearer(login().text("access_Token"))).status, 200);
}

TEST_F(Codepedia, PasswordsNeedACapitalAndADigitAndAddressesAConfirmation) {  // S3.8
  for (const char* weak : {"correct-horse-1", "Correct-Horse", "Ab1"}) {
    const Response refused = join("grace", weak);
    EXPECT_EQ(refused.status, 400) << refused.raw;
    EXPECT_TRUE(refused.json().as_object().contains("password"));
  }
  EXPECT_EQ(join("grace").status, 201);
  EXPECT_EQ(login(kUserPassword, "grace").status, 403);
  confirm("grace");
  EXPECT_EQ(login(kUserPassword, "grace").status, 200);
}

TEST_F(Codepedia, IssuerAndAudienceComeFromTheFileAndAreAlwaysChecked) {  // S3.9
  const std::string access = login().text("access_Token");
  EXPECT_EQ(claims_of(access).at("iss"), "https://auth.test");
  EXPECT_EQ(world_.api(remade(access, 0, {{"iss", "another"}})).status, 401);
  EXPECT_EQ(world_.api(remade(access, 0, {{"aud", "another"}})).status, 401);
  EXPECT_EQ(world_.api(remade(access, 0)).status, 200);
}

TEST_F(Codepedia, RefreshTokensHaveAnEnd) {  // S3.10
  EXPECT_LE(login().json().at("refreshExpiresIn").as_int64(), 7 * 86400);
}

TEST(CodepediaSettings, AWrongNameInTheFileIsToldBeforeAnythingRuns) {  // S3.13
  TempDir dir;
  dir.write("gateway.yaml", "listeners: [{address: \"127.0.0.1:0\"}]\nconnection_string: x\n");
  const Outcome checked = run({SALLYPORT_BINARY, "check", "--config", dir / "gateway.yaml"});
  EXPECT_EQ(checked.code, 1);
  EXPECT_NE((checked.out + checked.err).find("unknown key \"connection_string\""), std::string::npos);
}

class Apothecaric : public ::testing::Test {
 protected:
  Apothecaric() { EXPECT_EQ(join().status, 201); }
  Response join() {
    return world_.post("/auth/register", {{"UserName", "ada"},
                                          {"Password", kUserPassword},
                                          {"FirstName", "Ada"},
                                          {"LastName", "Lovelace"},
                                          {"TenantCode", "T1"}});
  }
  Response login() { return world_.post("/api/token", {{"UserName", "ada"}, {"Password", kUserPassword}}); }
  Response refresh(const std::string& token) {
    return world_.post("/api/token/refresh", {{"RefreshToken", token}});
  }

  PresetWorld world_{"apothecaric"};
};

TEST_F(Apothecaric, LoginAnswersWithEverythingThatAClientNeeds) {  // S0.1, S0.2, S0.8, S0.14
  const Response pair = login();
  ASSERT_EQ(pair.status, 200) << pair.raw;
  const auto answer = pair.json();
  EXPECT_EQ(answer.at("FirstName"), "Ada");
  EXPECT_EQ(answer.at("LastName"), "Lovelace");
  EXPECT_EQ(answer.at("TenantCode"), "T1");
  EXPECT_EQ(answer.at("ExpiresIn"), 1800);
  EXPECT_EQ(std::string(answer.at("TokenExpiration").as_string()).back(), 'Z');
  EXPECT_EQ(world_.api(pair.text("AccessToken")).status, 200);
  // Reactively: the expired call is told, and the refresh token goes on.
  EXPECT_EQ(world_.api(remade(pair.text("AccessToken"), 1900)).header("Token-Expired"), "true");
  EXPECT_EQ(refresh(pair.text("RefreshToken")).status, 200);
}

TEST_F(Apothecaric, ASessionIsFoundByItsTokenAndByItsUser) {  // S0.3
  const Response pair = login();
  const auto list = world_.client().get("/auth/sessions", bearer(pair.text("AccessToken"))).json();
  ASSERT_EQ(list.at("Sessions").as_array().size(), 1u);
  EXPECT_EQ(list.at("Sessions").at(0).at("Id"), boost::json::value(pair.text("SessionId")));
  EXPECT_EQ(std::string(list.at("Sessions").at(0).at("Created").as_string()).back(), 'Z');
  EXPECT_EQ(refresh(pair.text("RefreshToken")).text("SessionId"), pair.text("SessionId"));
}

TEST_F(Apothecaric, RefreshTokensAreOpaqueAndNotInTheStore) {  // S0.4
  const std::string token = login().text("RefreshToken");
  EXPECT_EQ(token.find('.'), token.rfind('.'));  // no JWT
  EXPECT_GE(token.size(), 64u);
  EXPECT_EQ(world_.database().find(token), std::string::npos);
}

TEST_F(Apothecaric, AnAdministratorEndsAnyRefreshToken) {  // S0.5
  const Response pair = login();
  EXPECT_EQ(world_.gateway().command({"revoke", "--session", pair.text("SessionId")}).code, 0);
  EXPECT_EQ(refresh(pair.text("RefreshToken")).status, 401);
  const Response another = login();
  EXPECT_EQ(world_.gateway().command({"revoke", "--user", "ada"}).code, 0);
  EXPECT_EQ(refresh(another.text("RefreshToken")).status, 401);
}

TEST_F(Apothecaric, ALoginKillsTheRefreshTokenBefore) {  // S0.6
  const std::string first = login().text("RefreshToken"), second = login().text("RefreshToken");
  EXPECT_EQ(refresh(first).status, 401);
  EXPECT_EQ(refresh(second).status, 200);
}

TEST_F(Apothecaric, RefreshTakesTheTokenAloneAndGivesTheSame) {  // S0.9, S0.13, S0.7
  const Response pair = login();
  const Response next = refresh(pair.text("RefreshToken"));
  ASSERT_EQ(next.status, 200) << next.raw;
  EXPECT_EQ(next.text("RefreshToken"), pair.text("RefreshToken"));
  EXPECT_NE(next.text("AccessToken"), pair.text("AccessToken"));
  EXPECT_NEAR(static_cast<double>(pair.json().at("RefreshExpiresIn").as_int64()), 12 * 3600, 5);
  EXPECT_LE(next.json().at("RefreshExpiresIn").as_int64(), pair.json().at("RefreshExpiresIn").as_int64());
}

TEST_F(Apothecaric, AMissingFieldIsNamed) {  // S0.10
  const Response refused = world_.post("/api/token/refresh", {});
  EXPECT_EQ(refused.status, 400);
  EXPECT_EQ(refused.json().at("RefreshToken"), (array{"The RefreshToken field is required."}));
}

TEST_F(Apothecaric, AnUnknownTokenIsA401) {  // S0.11
  EXPECT_EQ(refresh("unknown").status, 401);
  EXPECT_EQ(refresh("v1." + std::string(91, 'A')).status, 401);
}

TEST_F(Apothecaric, TheAccountIsLookedAtAgain) {  // S0.12
  const Response pair = login();
  EXPECT_EQ(world_.gateway().command({"user", "disable", "ada"}).code, 0);
  EXPECT_EQ(refresh(pair.text("RefreshToken")).status, 401);
  EXPECT_EQ(login().status, 403);
}

TEST(ApothecaricSettings, ASessionEndsAtItsAbsoluteLimitThoughItIsUsed) {  // S0.7, S0.11
  PresetWorld world("apothecaric", {.refresh = ", absolute_ttl: 2s", .tokens = "  access_ttl: 1s\n"});
  world.post("/auth/register", {{"UserName", "ada"}, {"Password", kUserPassword}});
  const Response pair = world.post("/api/token", {{"UserName", "ada"}, {"Password", kUserPassword}});
  ASSERT_EQ(pair.status, 200) << pair.raw;
  const auto began = std::chrono::steady_clock::now();
  Response last;
  unsigned refreshed = 0;
  for (; std::chrono::steady_clock::now() - began < kPatience; ++refreshed) {
    last = world.post("/api/token/refresh", {{"RefreshToken", pair.text("RefreshToken")}});
    if (last.status != 200) break;
  }
  EXPECT_GT(refreshed, 0u);
  EXPECT_EQ(last.status, 401) << last.raw;
  EXPECT_EQ(last.header("Sallyport-Error"), "refresh_expired");
}

}  // namespace
}  // namespace sallyport::testing
