// From the answer of a team's login API to a user.
#include "gateway/remote_user.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sallyport::gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

config::HttpUserFields nested() {
  config::HttpUserFields fields;
  fields.id = "user.id";
  fields.name = "user.login";
  fields.email = "user.mail";
  fields.email_confirmed = "user.mail_ok";
  fields.disabled = "user.locked";
  fields.roles = "user.groups";
  fields.claims = {{"tenant", "user.org.key"}, {"level", "user.level"}};
  fields.profile = {{"first_name", "user.first"}};
  return fields;
}

TEST(RemoteUser, IsFoundUnderTheMembersThatTheConfigurationNames) {
  const auto user =
      remote_user(R"({"token":"x","user":{"id":42,"login":"Ada","mail":"ada@example.com","mail_ok":true,
      "locked":true,"groups":["admin","clerk"],"org":{"key":"blue"},"level":3,"first":"Ada"}})",
                  nested(), {"ada", {}});
  ASSERT_TRUE(user) << user.error().text;
  EXPECT_EQ(user->id, "42");
  EXPECT_EQ(user->name, "Ada");
  EXPECT_EQ(user->email, "ada@example.com");
  EXPECT_TRUE(user->email_confirmed);
  EXPECT_TRUE(user->disabled);
  EXPECT_THAT(user->roles, ElementsAre("admin", "clerk"));
  EXPECT_EQ(user->claims.at("tenant"), "blue");
  EXPECT_EQ(user->claims.at("level"), "3");
  EXPECT_EQ(user->profile.at("first_name"), "Ada");
}

TEST(RemoteUser, TakesWhatIsKnownWhereTheAnswerIsSilent) {
  const auto login = remote_user(R"({"id":"7","roles":"clerk","email":null})", {}, {"ada", {}});
  ASSERT_TRUE(login) << login.error().text;
  EXPECT_EQ(login->name, "ada");
  EXPECT_THAT(login->roles, ElementsAre("clerk"));
  EXPECT_TRUE(login->email_confirmed);
  const auto state = remote_user("{}", {}, {{}, "7"});
  ASSERT_TRUE(state) << state.error().text;
  EXPECT_EQ(state->id, "7");
}

TEST(RemoteUser, SaysWhatIsWrongWithAnAnswerAndQuotesNothingOfIt) {
  struct Row {
    const char* json;
    const char* wanted;
  };
  for (const Row& row :
       {Row{"<html>secret</html>", "not JSON"}, Row{R"(["secret"])", "no JSON object"},
        Row{R"({"name":"secret"})", "users.http.fields.id"}, Row{R"({"id":{"a":1}})", "id is not a text"},
        Row{R"({"id":"1\u0000"})", "id is not a text"}, Row{R"({"id":"1","disabled":"secret"})", "disabled"},
        Row{R"({"id":"1","roles":[["secret"]]})", "roles"}}) {
    const auto user = remote_user(row.json, {}, {"ada", {}});
    ASSERT_FALSE(user) << row.json;
    EXPECT_THAT(user.error().text, HasSubstr(row.wanted)) << row.json;
    EXPECT_EQ(user.error().text.find("secret"), std::string::npos) << row.json;
  }
  EXPECT_FALSE(remote_user(R"({"id":"8"})", {}, {{}, "7"})) << "the state of another user";
}

TEST(RemoteUser, IsAskedForWithItsIdWhereItCantLeadElsewhere) {
  config::HttpUsers rules;
  rules.state = "https://users.test/users/{id}?full=1";
  EXPECT_EQ(state_url(rules, "42"), "https://users.test/users/42?full=1");
  EXPECT_EQ(state_url(rules, "../a?b#{id}\r\n"),
            "https://users.test/users/..%2Fa%3Fb%23%7Bid%7D%0D%0A?full=1");
}

TEST(RemoteUser, IsAskedForWithThePasswordUnderTheConfiguredMembers) {
  config::HttpUsers rules;
  rules.username = "userName";
  rules.password = "pass";
  const config::Secret body = login_body(rules, "a\"da", config::Secret("p\\w"));
  EXPECT_EQ(body.reveal(), R"({"userName":"a\"da","pass":"p\\w"})");
}

TEST(RemoteUser, StatusesAreYesNoOrNeither) {
  EXPECT_EQ(login_verdict(201), Verdict::yes);
  for (const unsigned no : {400u, 401u, 403u, 404u, 422u}) EXPECT_EQ(login_verdict(no), Verdict::no);
  for (const unsigned other : {204u + 100u, 429u, 500u, 503u})
    EXPECT_EQ(login_verdict(other), Verdict::other);
  EXPECT_EQ(state_verdict(410), Verdict::no);
  EXPECT_EQ(state_verdict(403), Verdict::other);
}

}  // namespace
}  // namespace sallyport::gateway
