// The dialect of "Using refresh tokens with ASP.NET Core and Angular": rows S1 of tests/requirements.txt.
#include <gtest/gtest.h>

#include "tests/integration/preset_world.hpp"

namespace sallyport::testing {
namespace {

using boost::json::object;

struct Tokens {
  std::string access, refresh;
};

class CodeMaze : public ::testing::Test {
 protected:
  CodeMaze() {
    EXPECT_EQ(world_.post("/auth/register", {{"userName", "ada"}, {"password", kUserPassword}}).status, 201);
  }
  Response login(std::string_view password = kUserPassword) {
    return world_.post("/api/auth/login", {{"userName", "ada"}, {"password", password}});
  }
  static Tokens of(const Response& response) {
    EXPECT_EQ(response.status, 200) << response.raw;
    return {response.text("token"), response.text("refreshToken")};
  }
  Response refresh(const Tokens& pair) {
    return world_.post("/api/token/refresh", {{"accessToken", pair.access}, {"refreshToken", pair.refresh}});
  }
  static void expect_refused(const Response& response) {
    EXPECT_EQ(response.status, 400) << response.raw;
    EXPECT_EQ(response.body, "Invalid client request");
    EXPECT_TRUE(response.header("Content-Type").starts_with("text/plain")) << response.raw;
  }

  PresetWorld world_{"code-maze"};
};

TEST_F(CodeMaze, LoginGivesTokenAndRefreshToken) {  // S1.1
  const Tokens pair = of(login());
  EXPECT_FALSE(pair.access.empty());
  EXPECT_FALSE(pair.refresh.empty());
  expect_refused(world_.client().post("/api/auth/login", ""));
  expect_refused(world_.client().post("/api/auth/login", "null"));
  EXPECT_EQ(login("wrong").status, 401);
  EXPECT_EQ(world_.post("/api/auth/login", {{"userName", "eve"}, {"password", "wrong"}}).status, 401);
  // Its Angular form sends "username"; ASP.NET takes names in any case.
  EXPECT_EQ(world_.post("/api/auth/login", {{"username", "ada"}, {"password", kUserPassword}}).status, 200);
}

TEST_F(CodeMaze, RefreshTakesBothTokensAndRefusesWithOneSentence) {  // S1.2, S1.21
  const Tokens pair = of(login());
  const Tokens next = of(refresh(pair));
  EXPECT_NE(next.refresh, pair.refresh);
  EXPECT_EQ(world_.api(next.access).status, 200);
  expect_refused(refresh({next.access, "nonsense"}));
  expect_refused(refresh({"nonsense", next.refresh}));
  expect_refused(world_.client().post("/api/token/refresh", ""));
  expect_refused(world_.client().post("/api/token/refresh", R"({"accessToken":null,"refreshToken":null})"));
  expect_refused(world_.client().post("/api/token/refresh", R"({"accessToken":")" + next.access + "\"}"));
  const Response refused = refresh({next.access, pair.refresh.substr(0, pair.refresh.size() - 4) + "AAAA"});
  expect_refused(refused);
  EXPECT_EQ(refused.header("Sallyport-Error"), "refresh_invalid");  // S1.13: whoever looks finds the clue
}

TEST_F(CodeMaze, RevokeNeedsTheBearerAndEndsTheRefreshToken) {  // S1.3
  const Tokens pair = of(login());
  EXPECT_EQ(world_.client().call("POST", "/api/token/revoke").status, 401);
  EXPECT_EQ(world_.client().call("POST", "/api/token/revoke", bearer(pair.access)).status, 204);
  expect_refused(refresh(pair));
}

TEST_F(CodeMaze, AccessTokensLiveFiveMinutesAndSayWhoAndWhat) {  // S1.4
  const Tokens pair = of(login());
  EXPECT_NE(header_of(pair.access).find("HS256"), std::string::npos);
  const object claims = claims_of(pair.access);
  EXPECT_EQ(claims.at("exp").as_int64() - claims.at("iat").as_int64(), 300);
  EXPECT_EQ(claims.at("iss"), "https://auth.test");
  EXPECT_EQ(claims.at("aud"), "api");
  EXPECT_EQ(claims.at("name"), "ada");
  EXPECT_EQ(claims.at("role"), (boost::json::array{"Manager"}));
}

TEST_F(CodeMaze, TheEndOfASessionIsSevenDaysFromTheLoginHoweverOftenItIsRefreshed) {  // S1.5, S1.14
  const Response first = login();
  const std::int64_t before = first.json().at("refreshExpiresIn").as_int64();
  EXPECT_NEAR(static_cast<double>(before), 7 * 86400, 5);
  const Response second = refresh(of(first));
  EXPECT_NE(of(second).refresh, of(first).refresh);
  EXPECT_LE(second.json().at("refreshExpiresIn").as_int64(), before);
}

TEST_F(CodeMaze, RefreshTokensCannotBeGuessedAndAreUsedOnce) {  // S1.6, S1.17
  const Tokens pair = of(login());
  EXPECT_GE(from_base64url(pair.refresh.substr(3)).size(),
            32u + 16u);  // a MAC of 32 bytes over 16 random ones
  const Tokens next = of(refresh(pair));
  EXPECT_EQ(world_.api(next.access).status, 200);  // the client goes on with the new pair
  EXPECT_EQ(refresh(of(refresh(next))).status, 200);
  expect_refused(refresh(pair));                                                // two generations old
  EXPECT_EQ(world_.client().get("/auth/me", bearer(next.access)).status, 200);  // within the window: no theft
}

TEST_F(CodeMaze, RefreshReadsTheExpiredTokenAndChecksItsSignature) {  // S1.7, S1.11, S1.19, S1.32
  const Tokens pair = of(login());
  const auto with = [&](const std::string& access) { return refresh({access, pair.refresh}); };
  const std::string expired = remade(pair.access, 3600);
  expect_refused(with(with_broken_signature(expired)));
  expect_refused(with(remade(pair.access, 3600, {}, "another-signing-secret-of-the-tests-01234")));
  expect_refused(with(remade(pair.access, 3600, {{"iss", "https://evil.test"}})));  // the sample didn't look
  expect_refused(with(remade(pair.access, 3600, {{"aud", "another"}})));
  expect_refused(with(remade(pair.access, 3600, {{"sid", "x"}})));
  const std::string none =
      base64url(R"({"alg":"none","typ":"at+jwt"})") + "." + base64url(payload_of(expired)) + ".";
  expect_refused(with(none));
  EXPECT_EQ(with(expired).status, 200);
}

TEST_F(CodeMaze, ALoginEndsTheSessionBefore) {  // S1.8
  const Tokens first = of(login()), second = of(login());
  expect_refused(refresh(first));
  EXPECT_EQ(world_.api(first.access).status, 401);
  EXPECT_EQ(refresh(second).status, 200);
}

TEST_F(CodeMaze, AnExpiredTokenIsToldSo) {  // S1.9, S2.7
  const Response response = world_.api(remade(of(login()).access, 3600));
  EXPECT_EQ(response.status, 401);
  EXPECT_EQ(response.header("Token-Expired"), "true");
  EXPECT_NE(response.header("WWW-Authenticate").find("invalid_token"), std::string::npos);
}

TEST_F(CodeMaze, NeitherPasswordsNorRefreshTokensLieInTheStore) {  // S1.11, S1.18, S2.5
  const Tokens pair = of(login());
  const std::string stored = world_.database();
  EXPECT_NE(stored.find("$argon2id$"), std::string::npos);
  EXPECT_EQ(stored.find(kUserPassword), std::string::npos);
  EXPECT_EQ(stored.find(pair.refresh), std::string::npos);
  EXPECT_EQ(stored.find(from_base64url(pair.refresh.substr(3))), std::string::npos);
  EXPECT_EQ(world_.gateway().log().find(kSigningSecret), std::string::npos);
}

TEST_F(CodeMaze, ATamperedTokenIsA401AndNothingWorse) {  // S1.20
  const Tokens pair = of(login());
  for (const std::string& bad : {with_broken_signature(pair.access), std::string("a.b.c"), std::string("x"),
                                 pair.access.substr(0, pair.access.size() / 2)}) {
    const Response response = world_.api(bad);
    EXPECT_EQ(response.status, 401) << response.raw;
    EXPECT_EQ(response.text("error"), "token_invalid");
    EXPECT_FALSE(response.headers.has("Token-Expired"));
  }
}

TEST_F(CodeMaze, TheRefreshTokenAloneWillDo) {  // S1.22
  const Tokens pair = of(login());
  EXPECT_EQ(world_.post("/api/token/refresh", {{"refreshToken", pair.refresh}}).status, 200);
}

TEST_F(CodeMaze, ANewPasswordAndANewRoleEndTheSession) {  // S1.24
  const Tokens before = of(login());
  EXPECT_EQ(world_.gateway().command({"user", "set", "ada", "--role", "Clerk"}).code, 0);
  expect_refused(refresh(before));
  const Tokens after = of(login());
  EXPECT_EQ(claims_of(after.access).at("role"), (boost::json::array{"Clerk"}));
  EXPECT_EQ(world_.gateway().command({"user", "passwd", "ada"}, "Another-Horse-2\n").code, 0);
  expect_refused(refresh(after));
}

TEST_F(CodeMaze, TheAnswerSaysWhenTheTokenExpires) {  // S1.26
  const auto answer = login().json();
  EXPECT_EQ(answer.at("expiresIn"), 300);
  EXPECT_EQ(std::string(answer.at("expiresAt").as_string()).size(),
            std::string("2026-01-01T00:00:00Z").size());
}

TEST_F(CodeMaze, AnAdministratorEndsTheSessionsOfAUserByName) {  // S1.30, S1.31
  const Tokens pair = of(login());
  const auto listed = world_.client().get("/auth/sessions", bearer(pair.access)).json();
  EXPECT_EQ(listed.at("sessions").as_array().size(), 1u);
  EXPECT_EQ(world_.gateway().command({"revoke", "--user", "ada"}).code, 0);
  expect_refused(refresh(pair));
}

TEST(CodeMazeSettings, RotationManySessionsAndClaimNamesAreOneLineEach) {  // S1.12, S1.15, S1.23, S1.25
  PresetWorld world("code-maze", {.refresh = ", rotation: never, max_sessions_per_user: 0, idle_ttl: 15m",
                                  .tokens = "  claims: {roles: roles, name: unique_name, id: nameid}\n"});
  world.post("/auth/register", {{"userName", "ada"}, {"password", kUserPassword}});
  const auto login = [&] {
    return world.post("/api/auth/login", {{"userName", "ada"}, {"password", kUserPassword}});
  };
  const Response first = login(), second = login();
  const Response again = world.post("/api/token/refresh", {{"refreshToken", first.text("refreshToken")}});
  EXPECT_EQ(again.status, 200) << again.raw;
  EXPECT_EQ(again.text("refreshToken"), first.text("refreshToken"));
  EXPECT_EQ(world.api(second.text("token")).status, 200);
  EXPECT_LE(first.json().at("refreshExpiresIn").as_int64(), 15 * 60);
  const object claims = claims_of(first.text("token"));
  EXPECT_EQ(claims.at("unique_name"), "ada");
  EXPECT_EQ(claims.at("nameid"), claims.at("sub"));
  EXPECT_EQ(claims.at("roles"), (boost::json::array{"Manager"}));
}

TEST(CodeMazeSettings, WhyATokenIsRefusedStandsInTheLog) {  // S1.29
  PresetWorld world("code-maze", {.auth = ", cors: {origins: [\"http://localhost:4200\"]}"});
  world.post("/auth/register", {{"userName", "ada"}, {"password", kUserPassword}});
  const Response response = world.post("/api/auth/login", {{"userName", "ada"}, {"password", kUserPassword}},
                                       {{"Origin", "http://localhost:4200"}});
  EXPECT_EQ(response.header("Access-Control-Allow-Origin"), "http://localhost:4200");
  world.api(remade(response.text("token"), 0, {{"aud", "another"}}));
  EXPECT_EQ(world.gateway().stop(), 0);
  EXPECT_NE(world.gateway().access_log().find("audience"), std::string::npos) << world.gateway().access_log();
}

}  // namespace
}  // namespace sallyport::testing
