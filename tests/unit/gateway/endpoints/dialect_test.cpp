// The words of the samples: names of members and shapes of refusals, preset by preset.
#include "gateway/endpoints/dialect.hpp"

#include <gtest/gtest.h>
#include <boost/json/parse.hpp>

#include "gateway/endpoints/fields.hpp"

namespace sallyport::gateway::endpoints {
namespace {

namespace json = boost::json;

config::Config config_of(config::Preset preset) {
  config::Config config;
  config::apply_preset(config, preset);
  return config;
}

Dialect dialect(config::Preset preset) { return Dialect(config_of(preset).auth); }

Failure login_failure() {
  users::UserError error;
  error.kind = users::UserError::Kind::login_failure;
  return failure_of(error);
}
Failure taken() {
  users::UserError error;
  error.kind = users::UserError::Kind::username_taken;
  return failure_of(error);
}
Failure refused(sessions::RefreshFailure kind) { return failure_of(sessions::RefreshError{kind, {}}); }
Failure missing(const char* name) { return invalid_fields({{name, {std::string(kFieldRequired)}}}); }

constexpr const char* kTokens = R"({"access_token":"a","token_type":"Bearer","expires_in":60,"expires_at":"t",
  "refresh_token":"r","session_id":"s",
  "user":{"id":"1","username":"ada","first_name":"Ada","last_name":"L","tenant_code":"T1"}})";

TEST(Dialect, OfOurOwnLeavesAnswersAsTheyAre) {
  EXPECT_EQ(Dialect().answer(kTokens), kTokens);
  EXPECT_EQ(Dialect().request("refresh_token"), "refresh_token");
  EXPECT_FALSE(Dialect().is_vague());
}

TEST(Dialect, OfEachSampleNamesTheTokensAsTheSampleDid) {  // S0.2, S1.1, S1.2, S3.1, S3.2, S4.3
  struct Row {
    config::Preset preset;
    const char* access;
    const char* refresh;
    const char* user_name;
    const char* sent_access;
  };
  for (const Row& row :
       {Row{config::Preset::code_maze, "token", "refreshToken", "userName", "accessToken"},
        Row{config::Preset::fullstackmark, "accessToken", "refreshToken", "userName", "accessToken"},
        Row{config::Preset::codepedia, "access_Token", "refresh_Token", "name", "access_Token"},
        Row{config::Preset::apothecaric, "AccessToken", "RefreshToken", "UserName", "AccessToken"}}) {
    const Dialect speaks = dialect(row.preset);
    const json::object answer = json::parse(speaks.answer(kTokens)).as_object();
    EXPECT_EQ(answer.at(row.access), "a") << row.access;
    EXPECT_EQ(answer.at(row.refresh), "r") << row.access;
    EXPECT_EQ(speaks.request("username"), row.user_name);
    EXPECT_EQ(speaks.request("access_token"), row.sent_access);
  }
}

TEST(Dialect, PutsProfileFieldsBesideTheTokensWhereTheSampleDid) {  // S0.2
  const auto answer = json::parse(dialect(config::Preset::apothecaric).answer(kTokens)).as_object();
  EXPECT_EQ(answer.at("FirstName"), "Ada");
  EXPECT_EQ(answer.at("LastName"), "L");
  EXPECT_EQ(answer.at("TenantCode"), "T1");
  EXPECT_EQ(answer.at("TokenExpiration"), "t");
  EXPECT_EQ(answer.at("User"), json::parse(R"({"Id":"1","UserName":"ada"})"));
}

TEST(Dialect, CanNestAndLeaveOut) {
  config::Config config = config_of(config::Preset::fullstackmark);
  config.auth.fields.response["access_token"] = "accessToken.token";
  config.auth.fields.response["expires_in"] = "accessToken.expiresIn";
  for (const char* name : {"user", "session_id", "token_type", "expires_at"})
    config.auth.fields.response[name] = "off";
  EXPECT_EQ(json::parse(Dialect(config.auth).answer(kTokens)),
            json::parse(R"({"accessToken":{"token":"a","expiresIn":60},"refreshToken":"r"})"));
}

TEST(Dialect, RenamesInsideListsToo) {
  EXPECT_EQ(dialect(config::Preset::code_maze).answer(R"({"sessions":[{"user_agent":"x","last_used":"y"}]})"),
            R"({"sessions":[{"userAgent":"x","lastUsed":"y"}]})");
}

TEST(Dialect, FindsNamesInAnyCaseWhereTheSamplesServerDid) {
  const json::object body =
      json::parse(R"({"username":"a","RefreshToken":"b","refreshtoken":"c"})").as_object();
  bool repeated = false;
  EXPECT_EQ(*dialect(config::Preset::code_maze).find(body, "username", repeated), "a");
  EXPECT_FALSE(repeated);
  dialect(config::Preset::code_maze).find(body, "refresh_token", repeated);
  EXPECT_TRUE(repeated);
  EXPECT_EQ(*dialect(config::Preset::apothecaric).find(body, "refresh_token", repeated), "b");
  EXPECT_FALSE(repeated);
  const json::object shouted = json::parse(R"({"USERNAME":"a"})").as_object();
  EXPECT_EQ(Dialect().find(shouted, "username", repeated), nullptr);
}

TEST(Dialect, RefusesAsTheSampleDid) {  // S0.10, S0.11, S1.1, S1.2, S1.21, S3.1, S3.2, S4.1, S4.2, S4.3, S4.7
  using config::Preset;
  using sessions::RefreshFailure;
  struct Row {
    const char* name;
    Preset preset;
    const char* endpoint;
    Failure failure;
    unsigned status;
    const char* body;
  };
  const std::vector<Row> rows{
      {"S1.1 empty", Preset::code_maze, "login", invalid_request("x"), 400, "Invalid client request"},
      {"S1.1 missing", Preset::code_maze, "login", missing("username"), 400, "Invalid client request"},
      {"S1.1 wrong", Preset::code_maze, "login", login_failure(), 401,
       "The user name or the password is wrong"},
      {"S1.2", Preset::code_maze, "refresh", refused(RefreshFailure::expired), 400, "Invalid client request"},
      {"S1.2 busy", Preset::code_maze, "refresh", refused(RefreshFailure::superseded), 400,
       "Invalid client request"},
      {"S1.21", Preset::code_maze, "refresh", missing("refresh_token"), 400, "Invalid client request"},
      {"S3.1", Preset::codepedia, "login", login_failure(), 401, "Incorrect username or password!"},
      {"S3.2", Preset::codepedia, "refresh", refused(RefreshFailure::invalid), 401, "Invalid attempt!"},
      {"S4.3", Preset::fullstackmark, "login", login_failure(), 401,
       R"({"code":"login_failure","description":"Invalid username or password."})"},
      {"S4.7", Preset::fullstackmark, "refresh", refused(RefreshFailure::reused), 400,
       R"({"code":"refresh_reused","description":"Invalid token."})"},
      {"S4.1", Preset::fullstackmark, "register", taken(), 400,
       R"([{"code":"username_taken","description":"This user name is taken"}])"},
      {"S4.2", Preset::fullstackmark, "register", invalid_fields({{"first_name", {"Too long."}}}), 400,
       R"({"firstName":["Too long."]})"},
      {"S0.10", Preset::apothecaric, "refresh", missing("refresh_token"), 400,
       R"({"RefreshToken":["The RefreshToken field is required."]})"},
      {"S0.11", Preset::apothecaric, "refresh", refused(RefreshFailure::expired), 401,
       R"({"":["The session has reached its end; log in again"]})"},
      {"a new password", Preset::code_maze, "password", invalid_fields({{"new_password", {"Weak."}}}), 400,
       R"({"newPassword":["Weak."]})"},
      {"store", Preset::code_maze, "refresh", failure_of(StoreError{}), 503,
       "The session store cannot be reached; try again"},
  };
  for (const Row& row : rows) {
    const auto refusal = dialect(row.preset).refusal(row.failure, row.endpoint, "r1");
    EXPECT_EQ(refusal.status, row.status) << row.name;
    EXPECT_EQ(refusal.body, row.body) << row.name;
    EXPECT_EQ(refusal.content_type == "application/json", row.body[0] == '{' || row.body[0] == '[')
        << row.name;
  }
}

TEST(Dialect, OfOurOwnRefusesWithWordAndSentence) {
  const auto refusal = Dialect().refusal(refused(sessions::RefreshFailure::superseded), "refresh", "r1");
  EXPECT_EQ(refusal.status, 409u);
  const auto body = json::parse(refusal.body);
  EXPECT_EQ(body.at("error"), "refresh_superseded");
  EXPECT_EQ(body.at("request_id"), "r1");
  EXPECT_FALSE(body.as_object().contains("fields"));
}

TEST(Dialect, WritesFieldsWithEveryMessage) {
  const Failure failure =
      invalid_fields({{"username", {"One.", "Two \"quoted\"."}}, {"password", {"Three."}}});
  EXPECT_EQ(json::parse(Dialect().refusal(failure, "register", "req-1").body),
            json::parse(R"({"error":"validation_failed",
      "error_description":"Some fields are missing or not valid","request_id":"req-1",
      "fields":{"password":["Three."],"username":["One.","Two \"quoted\"."]}})"));
}

TEST(Dialect, TellsTheStoresTroubleToTheLogAlone) {
  const StoreError error{StoreError::Kind::timeout, "redis at 10.0.0.1 did not answer"};
  EXPECT_EQ(Dialect().refusal(failure_of(error), "login", "r1").body.find("10.0.0.1"), std::string::npos);
}

TEST(Dialect, SaysThatAnAccountWasMadeAsTheSampleDid) {  // S4.1
  EXPECT_EQ(dialect(config::Preset::fullstackmark).created(R"({"id":"1"})"), R"({"id":"1","success":true})");
  EXPECT_EQ(Dialect().created(R"({"id":"1"})"), R"({"id":"1"})");
}

}  // namespace
}  // namespace sallyport::gateway::endpoints
