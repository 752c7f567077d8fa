// What the endpoints answer with, member by member (CONTRACT section 2).
#include "gateway/endpoints/documents.hpp"

#include <gtest/gtest.h>
#include <boost/json/parse.hpp>

#include "gateway/date.hpp"

namespace sallyport::gateway::endpoints {
namespace {

namespace json = boost::json;
using std::chrono::seconds;

users::User ada() {
  users::User user;
  user.id = "u1";
  user.name = "ada";
  user.password_hash = "$argon2id$secret";
  user.email = "ada@example.com";
  user.roles = {"admin"};
  user.profile = {{"name", "Ada"}, {"hidden", "x"}};
  return user;
}

TEST(UserJson, ShowsTheNamedProfileFieldsAndNothingElse) {
  EXPECT_EQ(json::parse(user_json(ada(), {})), json::parse(R"({"id":"u1","username":"ada"})"));
  EXPECT_EQ(json::parse(user_json(ada(), {{"name"}, {"email"}, {"phone"}})),
            json::parse(R"({"id":"u1","username":"ada","name":"Ada","email":"ada@example.com"})"));
}

TEST(UserJson, LeavesOutWhatIsNotToBeShown) {
  std::vector<config::ProfileField> profile{{"name"}, {"email"}};
  for (auto& field : profile) field.show = false;
  EXPECT_EQ(json::parse(user_json(ada(), profile)), json::parse(R"({"id":"u1","username":"ada"})"));
}

TEST(UserJson, NeverLetsAProfileFieldTakeTheAccountsOwnPlace) {
  users::User user = ada();
  user.profile["id"] = "other";
  user.profile["password"] = "pw";
  EXPECT_EQ(json::parse(user_json(user, {{"id"}, {"username"}, {"password"}})),
            json::parse(R"({"id":"u1","username":"ada"})"));
  EXPECT_FALSE(is_profile_field("password"));
  EXPECT_TRUE(is_profile_field("name"));
}

TEST(UserJson, RepairsTextThatIsNoUtf8) {
  users::User user = ada();
  user.profile["name"] = "A\xff\"\n";
  EXPECT_EQ(json::parse(user_json(user, {{"name"}})).at("name"), "A\xef\xbf\xbd\"\n");
}

sessions::TokenPair pair() {
  sessions::TokenPair pair;
  pair.access_token = "a.b.c";
  pair.expires_in = seconds(600);
  pair.expires_at = UnixSeconds(seconds(1'700'000'600));
  pair.refresh_token = "v1.r";
  pair.refresh_expires_in = seconds(604800);
  pair.session_id = "s1";
  pair.user = ada();
  return pair;
}

TEST(TokenJson, IsTheTokenResponse) {
  EXPECT_EQ(json::parse(token_json(pair(), {{"name"}})), json::parse(R"({
      "access_token":"a.b.c","token_type":"Bearer","expires_in":600,"expires_at":"2023-11-14T22:23:20Z",
      "refresh_token":"v1.r","refresh_expires_in":604800,"session_id":"s1",
      "user":{"id":"u1","username":"ada","name":"Ada"}})"));
}

TEST(TokenJson, SaysNothingOfAnEndThatASessionHasNot) {
  sessions::TokenPair unlimited = pair();
  unlimited.refresh_expires_in.reset();
  EXPECT_FALSE(json::parse(token_json(unlimited, {})).as_object().contains("refresh_expires_in"));
}

TEST(SessionsJson, MarksTheSessionThatAsks) {
  sessions::Session mine, other;
  mine.id.bytes[23] = 1;
  mine.device = "laptop";
  mine.ip = "192.0.2.1";
  mine.user_agent = "curl";
  mine.created = UnixMillis(seconds(1'700'000'000));
  mine.last_used = UnixMillis(std::chrono::milliseconds(1'700'000'001'999));
  other.id.bytes[23] = 2;
  const auto body = json::parse(sessions_json({mine, other}, mine.id.text()));
  const auto& list = body.at("sessions").as_array();
  ASSERT_EQ(list.size(), 2u);
  EXPECT_EQ(list[0], (json::value{{"id", mine.id.text()},
                                  {"device", "laptop"},
                                  {"ip", "192.0.2.1"},
                                  {"user_agent", "curl"},
                                  {"created", "2023-11-14T22:13:20Z"},
                                  {"last_used", "2023-11-14T22:13:21Z"},
                                  {"current", true}}));
  EXPECT_EQ(list[1].at("current"), false);
  EXPECT_EQ(sessions_json({}, ""), R"({"sessions":[]})");
}

TEST(MetadataJson, NamesWhereTheKeysAre) {
  config::Config config;
  config.tokens.issuer = "https://auth.example.com/tenant";
  config.auth.endpoints.jwks = "/.well-known/jwks.json";
  const auto body = json::parse(metadata_json(config));
  EXPECT_EQ(body.at("issuer"), "https://auth.example.com/tenant");
  EXPECT_EQ(body.at("jwks_uri"), "https://auth.example.com/.well-known/jwks.json");
}

TEST(MetadataJson, NamesNoKeysWhereTheIssuerIsNoUrlOrTheEndpointIsOff) {
  config::Config config;
  config.tokens.issuer = "my-gateway";
  config.auth.endpoints.jwks = "/jwks";
  EXPECT_FALSE(json::parse(metadata_json(config)).as_object().contains("jwks_uri"));
  config.tokens.issuer = "https://auth.example.com";
  config.auth.endpoints.jwks.clear();
  EXPECT_FALSE(json::parse(metadata_json(config)).as_object().contains("jwks_uri"));
}

TEST(Rfc3339, WritesUtcWithLeadingZeros) {
  EXPECT_EQ(rfc3339(UnixSeconds(seconds(784'111'777))), "1994-11-06T08:49:37Z");
  EXPECT_EQ(rfc3339(UnixSeconds{}), "1970-01-01T00:00:00Z");
}

}  // namespace
}  // namespace sallyport::gateway::endpoints
