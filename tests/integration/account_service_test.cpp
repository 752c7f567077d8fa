// The account service sample in plain OAuth words, and the documents that a team wants beside it: rows S2 of
// tests/requirements.txt, S4.11.
#include <gtest/gtest.h>

#include <set>

#include "tests/integration/preset_world.hpp"

namespace sallyport::testing {
namespace {

using boost::json::object;

std::set<std::string> names(const object& from) {
  std::set<std::string> out;
  for (const auto& member : from) out.insert(std::string(member.key()));
  return out;
}

TEST(AccountService, SignsUpInRefreshesAndRevokes) {  // S2.1, S2.3, S2.4, S2.7
  PresetWorld world("oauth2");
  EXPECT_EQ(world.post("/auth/register", {{"username", "ada"}, {"password", kUserPassword}}).status, 201);
  const Response pair = world.post("/auth/login", {{"username", "ada"}, {"password", kUserPassword}});
  ASSERT_EQ(pair.status, 200) << pair.raw;
  EXPECT_EQ(pair.json().at("expires_in"), 600);
  EXPECT_FALSE(pair.text("expires_at").empty());
  const Response next = world.post("/auth/refresh", {{"refresh_token", pair.text("refresh_token")}});
  ASSERT_EQ(next.status, 200) << next.raw;
  EXPECT_EQ(world.post("/auth/logout", {{"refresh_token", next.text("refresh_token")}}).status, 204);
  const Response refused = world.post("/auth/refresh", {{"refresh_token", next.text("refresh_token")}});
  EXPECT_EQ(refused.status, 401);
  EXPECT_EQ(refused.text("error"), "session_revoked");
  EXPECT_NE(world.api(next.text("access_token")).header("WWW-Authenticate").find("invalid_token"),
            std::string::npos);
}

TEST(AccountService, ARefreshTokenCanServeAgainAndAgainUntilItIsRevoked) {  // S2.2
  PresetWorld world("oauth2", {.refresh = ", rotation: never, idle_ttl: off, absolute_ttl: off"});
  world.post("/auth/register", {{"username", "ada"}, {"password", kUserPassword}});
  const Response pair = world.post("/auth/login", {{"username", "ada"}, {"password", kUserPassword}});
  EXPECT_FALSE(pair.json().as_object().contains("refresh_expires_in"));
  for (int i = 0; i < 5; ++i) {
    const Response again = world.post("/auth/refresh", {{"refresh_token", pair.text("refresh_token")}});
    ASSERT_EQ(again.status, 200) << again.raw;
    EXPECT_EQ(again.text("refresh_token"), pair.text("refresh_token"));
  }
  EXPECT_EQ(world.post("/auth/logout", {{"refresh_token", pair.text("refresh_token")}}).status, 204);
  EXPECT_EQ(world.post("/auth/refresh", {{"refresh_token", pair.text("refresh_token")}}).status, 401);
}

TEST(AccountService, APostmanCollectionHoldsEveryEndpoint) {  // S2.6
  PresetWorld world("codepedia");
  const Outcome printed = world.gateway().command({"openapi", "--postman"});
  ASSERT_EQ(printed.code, 0) << printed.err;
  const auto collection = boost::json::parse(printed.out).as_object();
  EXPECT_EQ(collection.at("info").at("schema"),
            "https://schema.getpostman.com/json/collection/v2.1.0/collection.json");
  const auto document = world.client().get("/auth/openapi.json").json();
  std::set<std::string> described, held;
  for (const auto& path : document.at("paths").as_object())
    for (const auto& operation : path.value().as_object())
      described.insert(std::string(operation.value().at("operationId").as_string()));
  for (const auto& item : collection.at("item").as_array()) {
    held.insert(std::string(item.at("name").as_string()));
    if (item.at("name") != "login") continue;
    const auto& request = item.at("request");
    EXPECT_EQ(request.at("url").at("raw"), "{{baseUrl}}/api/users/authenticate");
    EXPECT_EQ(boost::json::parse(std::string(request.at("body").at("raw").as_string())),
              (object{{"name", "{{username}}"}, {"password", "{{password}}"}}));
    EXPECT_NE(boost::json::serialize(item.at("event")).find("at('access_Token')"), std::string::npos);
  }
  EXPECT_EQ(held, described);
}

TEST(AccountService, TheDocumentDescribesWhatIsServedInTheDialect) {  // S4.11
  PresetWorld world("fullstackmark", {.auth = ", endpoints: {sessions: off, ticket: off, introspect: off}"});
  const Response response = world.client().get("/auth/openapi.json");
  ASSERT_EQ(response.status, 200) << response.raw;
  const auto document = response.json().as_object();
  EXPECT_EQ(document.at("openapi"), "3.1.0");
  EXPECT_EQ(document.at("components").at("securitySchemes").at("bearer").at("scheme"), "bearer");
  const object& paths = document.at("paths").as_object();
  EXPECT_EQ(names(paths), (std::set<std::string>{"/api/accounts", "/api/auth/login", "/api/auth/refreshtoken",
                                                 "/auth/logout", "/auth/password", "/auth/me", "/auth/verify",
                                                 "/oauth2/token", "/oauth2/revoke", "/.well-known/jwks.json",
                                                 "/.well-known/oauth-authorization-server",
                                                 "/auth/openapi.json", "/auth/docs"}));
  const auto& login = paths.at("/api/auth/login").at("post");
  const auto& asked = login.at("requestBody").at("content").at("application/json").at("schema");
  EXPECT_EQ(names(asked.at("properties").as_object()),
            (std::set<std::string>{"userName", "password", "device"}));
  EXPECT_EQ(asked.at("required"), (boost::json::array{"userName", "password"}));
  const auto& answer = login.at("responses").at("200").at("content").at("application/json").at("schema");
  EXPECT_TRUE(answer.at("properties").as_object().contains("accessToken"));
  EXPECT_EQ(answer.at("properties").at("user").at("properties").at("firstName").at("type"), "string");
  EXPECT_TRUE(paths.at("/api/auth/refreshtoken").at("post").at("responses").as_object().contains("400"));
  EXPECT_EQ(paths.at("/auth/me").at("get").at("security"),
            (boost::json::array{object{{"bearer", boost::json::array{}}}}));

  // What it names is there, and what is there answers as it says.
  for (const auto& path : paths)
    for (const auto& operation : path.value().as_object()) {
      std::string method(operation.key());
      for (char& c : method) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
      const Response called = world.client().call(method, path.key());
      const auto& answers = operation.value().at("responses").as_object();
      EXPECT_TRUE(answers.contains(std::to_string(called.status)))
          << method << " " << path.key() << " " << called.raw;
      EXPECT_NE(called.status, 404);
    }
}

TEST(AccountService, ThePageToTryThemFromRunsNothingButItsOwnScript) {  // S4.11
  PresetWorld world("oauth2");
  const Response page = world.client().get("/auth/docs");
  ASSERT_EQ(page.status, 200) << page.raw;
  EXPECT_EQ(page.header("Content-Type"), "text/html; charset=utf-8");
  const std::string policy = page.header("Content-Security-Policy");
  EXPECT_NE(policy.find("default-src 'none'; script-src 'sha256-"), std::string::npos) << policy;
  EXPECT_EQ(policy.find("unsafe"), std::string::npos);
  EXPECT_EQ(page.header("X-Content-Type-Options"), "nosniff");
  EXPECT_NE(page.body.find("Authorize"), std::string::npos);
  EXPECT_NE(page.body.find("/auth/login"), std::string::npos);
  EXPECT_EQ(page.body.find("{{"), std::string::npos);
  EXPECT_EQ(page.body.find("http://"), std::string::npos);
  PresetWorld off("oauth2", {.auth = ", endpoints: {docs: off, openapi: off}"});
  EXPECT_EQ(off.client().get("/auth/docs").status, 404);
  EXPECT_EQ(off.client().get("/auth/openapi.json").status, 404);
}

}  // namespace
}  // namespace sallyport::testing
