// A preset is a set of other defaults: what it says holds until the file says something else.
#include "config/presets.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/dump.hpp"
#include "tests/unit/config/load_support.hpp"

namespace sallyport::config {
namespace {

using test::kBase;
using test::load;
using test::shown;
using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> names_of(const std::vector<ProfileField>& profile) {
  std::vector<std::string> names;
  for (const auto& field : profile) names.push_back(field.name);
  return names;
}

Config loaded(const std::string& auth, const std::string& more = {}) {
  const auto out = load(kBase + "auth: {" + auth + "}\n" + more);
  EXPECT_EQ(shown(out.problems), "");
  return out.config;
}

constexpr Seconds kDay{86400};

// S1.1, S1.2, S1.3, S1.4, S1.5, S1.8
TEST(Presets, CodeMazeIsOneSessionOfSevenDaysWithRotation) {
  const Config config = loaded("preset: code-maze");
  EXPECT_EQ(config.auth.endpoints.login, "/api/auth/login");
  EXPECT_EQ(config.auth.endpoints.refresh, "/api/token/refresh");
  EXPECT_EQ(config.auth.endpoints.logout, "/api/token/revoke");
  EXPECT_EQ(config.auth.endpoints.me, "/auth/me");
  EXPECT_EQ(config.auth.fields.response.at("access_token"), "token");
  EXPECT_EQ(config.auth.refresh_refused, 400u);
  EXPECT_EQ(config.tokens.access_ttl, Seconds{300});
  EXPECT_EQ(config.tokens.refresh.idle_ttl, Seconds{0});
  EXPECT_EQ(config.tokens.refresh.absolute_ttl, 7 * kDay);
  EXPECT_EQ(config.tokens.refresh.rotation, RotationMode::always);
  EXPECT_EQ(config.tokens.refresh.max_sessions_per_user, 1u);
}

// S4.1, S4.2, S4.3, S4.5, S4.6, S4.7, S4.12
TEST(Presets, FullstackmarkIsManySessionsThatSlideByFiveDays) {
  const Config config = loaded("preset: fullstackmark");
  EXPECT_EQ(config.auth.endpoints.register_, "/api/accounts");
  EXPECT_EQ(config.auth.endpoints.login, "/api/auth/login");
  EXPECT_EQ(config.auth.endpoints.refresh, "/api/auth/refreshtoken");
  EXPECT_EQ(config.tokens.claims.roles, "rol");
  EXPECT_EQ(config.tokens.claims.id, "id");
  EXPECT_EQ(config.tokens.access_ttl, Seconds{7200});
  EXPECT_EQ(config.tokens.clock_skew, Seconds{0});
  EXPECT_EQ(config.tokens.refresh.idle_ttl, 5 * kDay);
  EXPECT_EQ(config.tokens.refresh.absolute_ttl, Seconds{0});
  EXPECT_EQ(config.tokens.refresh.max_sessions_per_user, 0u);
  EXPECT_EQ(config.users.password.min_length, 6u);
  EXPECT_THAT(names_of(config.users.profile), ElementsAre("first_name", "last_name", "email"));
  EXPECT_TRUE(config.auth.require_https);
}

// S3.1, S3.2, S3.3, S3.4, S3.7, S3.8; S3.10: its refresh tokens do end
TEST(Presets, CodepediaDeniesByDefaultAndWantsConfirmedAddresses) {
  const Config config = loaded("preset: codepedia");
  EXPECT_EQ(config.auth.endpoints.login, "/api/users/authenticate");
  EXPECT_EQ(config.auth.endpoints.refresh, "/api/users/refresh");
  EXPECT_THAT(config.auth.expired_header, ElementsAre("IS-TOKEN-EXPIRED"));
  EXPECT_EQ(config.tokens.access_ttl, Seconds{60});
  EXPECT_EQ(config.tokens.clock_skew, Seconds{0});
  EXPECT_EQ(config.tokens.refresh.absolute_ttl, 30 * kDay);
  EXPECT_EQ(config.defaults.auth, AuthMode::required);
  EXPECT_TRUE(config.users.require_confirmed_email);
  EXPECT_TRUE(config.users.password.upper);
  EXPECT_TRUE(config.users.password.digit);
}

// S0.2, S0.6, S0.7, S0.8, S0.13
TEST(Presets, ApothecaricIsOneSessionOfTwelveHoursWithoutRotation) {
  const Config config = loaded("preset: apothecaric");
  EXPECT_EQ(config.auth.fields.style, Style::pascal_case);
  EXPECT_EQ(config.tokens.access_ttl, Seconds{1800});
  EXPECT_EQ(config.tokens.refresh.rotation, RotationMode::never);
  EXPECT_EQ(config.tokens.refresh.idle_ttl, Seconds{0});
  EXPECT_EQ(config.tokens.refresh.absolute_ttl, Seconds{12 * 3600});
  EXPECT_EQ(config.tokens.refresh.max_sessions_per_user, 1u);
  EXPECT_THAT(names_of(config.users.profile), ElementsAre("first_name", "last_name", "tenant_code"));
}

TEST(Presets, WhatTheFileSaysStandsWhereverItStands) {
  const Config config = loaded(
      "expired_header: [Token-Expired, X-Old], endpoints: {login: /login, logout: off}, errors: oauth2, "
      "refresh_refused: 401, fields: {response: {access_token: jwt, user: off}}, preset: code-maze",
      "users: {password: {min_length: 14}}\n");
  EXPECT_EQ(config.auth.endpoints.login, "/login");
  EXPECT_EQ(config.auth.endpoints.logout, "");
  EXPECT_EQ(config.auth.endpoints.refresh, "/api/token/refresh");
  EXPECT_EQ(config.auth.errors, ErrorShape::oauth2);
  EXPECT_EQ(config.auth.refresh_refused, 401u);
  EXPECT_EQ(config.auth.fields.response.at("access_token"), "jwt");
  EXPECT_EQ(config.auth.fields.request.at("username"), "userName");
  EXPECT_EQ(config.users.password.min_length, 14u);
}

TEST(Presets, AConfigurationThatIsPrintedLoadsAsTheSame) {
  for (const auto* preset : {"code-maze", "fullstackmark", "codepedia", "apothecaric"}) {
    const Config first = loaded(std::string("preset: ") + preset);
    const auto again = load(dump(first));
    EXPECT_EQ(shown(again.problems), "");
    EXPECT_EQ(dump(again.config), dump(first));
  }
}

// RFC 8414 3.1
TEST(Presets, MetadataOfAnIssuerWithAPathStandsBehindTheWellKnownName) {
  const auto out = load(
      "listeners:\n  - address: 127.0.0.1:8080\ntokens: {issuer: https://auth.example.com/tenant/, audience: "
      "[api], signing: {keys: keys/}}\nupstreams: {a: {servers: [\"http://a\"]}}\n"
      "routes: [{path: /api/, upstream: a, auth: required}]\n");
  EXPECT_EQ(out.config.auth.endpoints.metadata, "/.well-known/oauth-authorization-server/tenant");
  EXPECT_EQ(loaded("preset: oauth2").auth.endpoints.metadata, "/.well-known/oauth-authorization-server");
}

TEST(Presets, AClientNeedsAStrongSecretToAskWhatTokensSay) {
  const std::string strong(32, 's');
  const Config config = loaded("clients: {spa: {}, api: {secret: [" + strong + ", " + strong +
                               "2], grants: [], introspect: true}}");
  ASSERT_EQ(config.auth.clients.size(), 2u);
  EXPECT_EQ(config.auth.clients[0].name, "spa");
  EXPECT_THAT(config.auth.clients[0].grants, ElementsAre(Grant::password, Grant::refresh_token));
  EXPECT_EQ(config.auth.clients[1].secret.size(), 2u);
  EXPECT_TRUE(config.auth.clients[1].grants.empty());
}

TEST(Presets, AreWrittenOut) {
  const auto out = load(kBase + "auth: {preset: \"${env:P}\"}\n", {{"P", "code-maze"}});
  EXPECT_EQ(shown(out.problems), "9:16: auth.preset: write the word itself, without ${...}\n");
}

struct Wrong {
  const char* name;
  const char* auth;
  const char* expected;
};

class WrongNames : public testing::TestWithParam<Wrong> {};

TEST_P(WrongNames, AreRefusedWithTheirPlace) {
  const auto out = load(kBase + "auth: {" + GetParam().auth + "}\n");
  EXPECT_THAT(shown(out.problems), HasSubstr(GetParam().expected));
  EXPECT_EQ(out.problems.size(), 1u) << shown(out.problems);
}

INSTANTIATE_TEST_SUITE_P(
    Presets, WrongNames,
    testing::Values(
        Wrong{"NoPreset", "preset: codemaze", "9:16: auth.preset: \"codemaze\" is not allowed"},
        Wrong{"UnknownMember", "fields: {request: {user_name: n}}",
              "9:38: auth.fields.request.user_name: the endpoints have no member \"user_name\" (did you mean "
              "\"username\"?)"},
        Wrong{"SameName", "fields: {response: {access_token: t, refresh_token: t}}",
              "\"t\" is the name of access_token too"},
        Wrong{"EmptyPart", "fields: {response: {access_token: a..b}}", "\"a..b\" names no member"},
        Wrong{"NestedRequest", "fields: {request: {username: a.b}}",
              "a member of a request has a plain name"},
        Wrong{"NoRequestOff", "fields: {request: {username: off}}", "a member of a request has a plain name"},
        Wrong{"Status", "refresh_refused: 403", "at least 400, at most 401"},
        Wrong{"ShortSecret", "clients: {a: {secret: short}}", "the secret has 5 bytes; at least 32"},
        Wrong{"OpenIntrospection", "clients: {a: {introspect: true}}", "must prove who it is: add `secret`"},
        Wrong{"UnknownGrant", "clients: {a: {grants: [implicit]}}", "password | refresh_token"}),
    [](const auto& row) { return std::string(row.param.name); });

}  // namespace
}  // namespace sallyport::config
