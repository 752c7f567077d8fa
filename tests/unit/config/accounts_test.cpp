// Settings of accounts: profile fields in their three spellings, the webhook, confirmation and reset.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/dump.hpp"
#include "config/load.hpp"
#include "tests/unit/config/load_support.hpp"

namespace sallyport::config {
namespace {

using test::kBase;
using test::load;
using test::shown;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

const std::string kSecret = "0123456789012345678901234567890123456789";

Config loaded(const std::string& users) {
  const auto result = load(kBase + "users: " + users + "\n");
  EXPECT_EQ(shown(result.problems), "");
  return result.config;
}

// S0.2: which fields the token response has is the configuration's choice.
TEST(Profile, IsAListOfNamesOrOfSectionsOrBoth) {
  EXPECT_EQ(loaded("{profile: nickname}").users.profile.at(0).name, "nickname");
  const auto profile =
      loaded(
          "{profile: [first_name, {name: born, kind: date, required: true, show: false},"
          " {name: size, values: [S, M]}, {name: code, characters: A-Z0-9, min_length: 3, max_length: 8}]}")
          .users.profile;
  ASSERT_EQ(profile.size(), 4u);
  EXPECT_EQ(profile[0].name, "first_name");
  EXPECT_EQ(profile[0].kind, ProfileKind::text);
  EXPECT_FALSE(profile[0].required);
  EXPECT_EQ(profile[0].max_length, 256u);
  EXPECT_TRUE(profile[0].show);
  EXPECT_EQ(profile[1].kind, ProfileKind::date);
  EXPECT_TRUE(profile[1].required);
  EXPECT_FALSE(profile[1].show);
  EXPECT_THAT(profile[2].values, ElementsAre("S", "M"));
  EXPECT_EQ(profile[3].characters, "A-Z0-9");
  EXPECT_EQ(profile[3].min_length, 3u);
}

TEST(Accounts, HaveTheirEndpointsOnlyWhereSomebodyCouldUseThem) {
  const Endpoints none = loaded("{}").auth.endpoints;
  EXPECT_EQ(none.reset_request + none.reset + none.confirm, "");
  const Endpoints by_hand = loaded("{reset: on}").auth.endpoints;
  EXPECT_EQ(by_hand.reset, "/auth/password/reset");
  EXPECT_EQ(by_hand.reset_request + by_hand.confirm, "");
  const Config all = loaded(
      "{reset: {ttl: 30m, page: \"https://app.example.com/reset\"}, webhook: {url: "
      "\"https://mail.example.com/hook\", secret: " +
      kSecret + "}}");
  EXPECT_EQ(all.auth.endpoints.reset_request, "/auth/password/reset-request");
  EXPECT_EQ(all.auth.endpoints.reset, "/auth/password/reset");
  EXPECT_EQ(all.auth.endpoints.confirm, "/auth/confirm");
  EXPECT_TRUE(all.users.reset.on);
  EXPECT_EQ(all.users.reset.ttl, Seconds{1800});
  EXPECT_EQ(all.users.webhook->per_user.attempts, 5u);
}

TEST(Accounts, NeverShowTheSecretOfTheWebhook) {
  const Config config =
      loaded("{webhook: {url: \"https://mail.example.com/hook\", secret: " + kSecret + "}}");
  EXPECT_THAT(dump(config), HasSubstr("mail.example.com"));
  EXPECT_THAT(dump(config), Not(HasSubstr(kSecret)));
}

struct Row {
  const char* name;
  std::string users;
  const char* expected;
};
void PrintTo(const Row& row, std::ostream* out) { *out << row.name; }

class BadAccounts : public testing::TestWithParam<Row> {};

std::string hook(const std::string& more) {
  return "{webhook: {url: \"https://mail.example.com/hook\", secret: " + kSecret + more + "}}";
}

INSTANTIATE_TEST_SUITE_P(
    Rows, BadAccounts,
    testing::Values(
        Row{"FieldWithoutAName", "{profile: [{kind: date}]}", "9:19: users.profile[0]: \"name\" is missing"},
        Row{"FieldTwice", "{profile: [a, a]}", "9:22: users.profile[1]: \"a\" is there already"},
        Row{"FieldOfTheAccount", "{profile: [password]}", "\"password\" is a member of the account itself"},
        Row{"UnknownKind", "{profile: [{name: a, kind: dat}]}", "(did you mean \"date\"?)"},
        Row{"UnknownKey", "{profile: [{name: a, pattern: x}]}",
            "unknown key \"pattern\" in users.profile[0]"},
        Row{"Lengths", "{profile: [{name: a, min_length: 9, max_length: 8}]}",
            "users.profile[0].min_length: it is larger than max_length (8)"},
        Row{"CharactersOfADate", "{profile: [{name: a, kind: date, characters: 0-9}]}",
            "it is for `kind: text`"},
        Row{"CharactersTurnedRound", "{profile: [{name: a, characters: z-a}]}", "the lower end first"},
        Row{"CharactersBeyondAscii", "{profile: [{name: a, characters: \"\\u00e9\"}]}",
            "write ASCII characters"},
        Row{"ValuesAndMore", "{profile: [{name: a, values: [x], kind: number}]}",
            "the values say all already"},
        Row{"EmailByOtherRules", "{profile: [{name: email, max_length: 9}]}",
            "email is the account's address"},
        Row{"WebhookWithoutSecret", "{webhook: {url: \"https://a.example/\"}}",
            "users.webhook: \"secret\" is missing"},
        Row{"WebhookShortSecret", "{webhook: {url: \"https://a.example/\", secret: short}}",
            "users.webhook.secret: the secret has 5 bytes; at least 32"},
        Row{"WebhookNoUrl", "{webhook: {url: mail, secret: " + kSecret + "}}",
            "users.webhook.url: it is no URL such as https://app.example.com/page"},
        Row{"WebhookFragment", "{webhook: {url: \"https://a.example/#x\", secret: " + kSecret + "}}",
            "what stands behind # is never sent"},
        Row{"WebhookAttempts", hook(", attempts: 0"), "users.webhook.attempts: \"0\" is not allowed"},
        Row{"ResetOfAFile", "{source: file, file: {path: users.yaml}, reset: on}",
            "users.reset: passwords of `source: file` can't be changed here"},
        Row{"WebhookOfAFile",
            "{source: file, file: {path: users.yaml}, webhook: {url: \"https://a.example/\", secret: " +
                kSecret + "}}",
            "users.webhook: nothing would be sent"},
        Row{"ResetPage", "{reset: {page: /reset}}", "users.reset.page: it is no URL"},
        Row{"ResetTtl", "{reset: {ttl: 10s}}", "users.reset.ttl: \"10s\" is not allowed"},
        Row{"ConfirmationPage", "{confirmation: {page: \"javascript:x\"}}",
            "users.confirmation.page: it is no URL"}),
    [](const auto& row) { return row.param.name; });

TEST_P(BadAccounts, AreRefusedWithTheirPlaceAndAWayOut) {
  const auto result = load(kBase + "users: " + GetParam().users + "\n");
  EXPECT_THAT(shown(result.problems), HasSubstr(GetParam().expected));
  EXPECT_EQ(result.problems.size(), 1u) << shown(result.problems);
}

TEST(Accounts, SayWhichSettingAnEndpointNeeds) {
  const auto result =
      load(kBase + "auth: {endpoints: {reset: /reset, reset_request: /ask, confirm: /confirm}}\n");
  EXPECT_EQ(shown(result.problems),
            "9:27: auth.endpoints.reset: it needs users.reset\n"
            "9:50: auth.endpoints.reset_request: it needs users.reset and users.webhook\n"
            "9:65: auth.endpoints.confirm: it needs users.webhook and `users.source: store`\n");
}

TEST(Accounts, WarnWhereTokensWouldCrossTheNetworkInClear) {
  const auto users = [](const std::string& host) {
    return load(kBase + "users: {reset: {page: \"http://" + host + "/reset\"}, webhook: {url: \"http://" +
                host + "/hook\", secret: " + kSecret + "}}\n");
  };
  EXPECT_EQ(users("mail.example.com").warnings.size(), 2u);
  EXPECT_EQ(shown(users("localhost:1234").warnings), "");
}

}  // namespace
}  // namespace sallyport::config
