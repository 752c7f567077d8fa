// The gateway's own endpoints, from outside: statuses, words, headers, and what each act does to the others
// (CONTRACT section 2; SECURITY S9 to S14).
#include <gtest/gtest.h>

#include <set>

#include "tests/integration/fleet.hpp"
#include "tests/support/jwt.hpp"

namespace sallyport::testing {
namespace {

constexpr std::string_view kPassword = "correct horse battery";

// One gateway with registration, profile fields and a small body limit.
class Endpoints : public ::testing::Test {
 protected:
  Endpoints() : fleet_("sqlite:" + (state_ / "state.db"), {.more = "auth: {max_body: 4KiB}\n"}) {
    fleet_.add();
  }

  HttpClient client() { return HttpClient(fleet_[0].port()); }
  Pair login(std::string_view name = "ada") { return fleet_.login(0, name); }
  Response post(std::string_view path, std::string_view json, const Headers& headers = {}) {
    return client().post(path, json, headers);
  }
  Response raw(std::string_view method, std::string_view path, const Headers& headers,
               std::string_view body) {
    return client().call(method, path, headers, body);
  }

  TempDir state_;
  Fleet fleet_;
};

std::string refresh_body(const std::string& token) { return R"({"refresh_token":")" + token + "\"}"; }

std::set<std::string> members(const Response& response, std::string_view of = {}) {
  std::set<std::string> names;
  const auto json = response.json();
  for (const auto& member : of.empty() ? json.as_object() : json.at(of).as_object())
    names.insert(std::string(member.key()));
  return names;
}

void expect_refusal(const Response& response, int status, std::string_view error) {
  EXPECT_EQ(response.status, status) << response.raw;
  EXPECT_EQ(error_of(response), error) << response.raw;
  EXPECT_EQ(response.header("Cache-Control"), "no-store");
  EXPECT_EQ(response.header("Sallyport-Response"), "1");
  EXPECT_EQ(response.text("request_id"), response.header("X-Request-Id"));
  EXPECT_EQ(response.headers.has("WWW-Authenticate"), status == 401) << response.raw;
}

TEST_F(Endpoints, RegisterCreatesAUserOnceAndNobodyGivesHimselfARole) {  // S13
  const std::string body =
      R"({"username":"ada","password":"correct horse battery","roles":["admin"],"id":"x","claims":{"a":"b"}})";
  const Response created = post("/auth/register", body);
  ASSERT_EQ(created.status, 201) << created.raw;
  EXPECT_EQ(members(created), (std::set<std::string>{"id", "username"}));
  EXPECT_NE(created.text("id"), "x");
  expect_refusal(post("/auth/register", body), 409, "username_taken");
  expect_refusal(post("/auth/register", R"({"username":"ADA","password":"correct horse battery"})"), 409,
                 "username_taken");
  const Response me = client().get("/auth/me", bearer(login().access));
  ASSERT_EQ(me.status, 200) << me.raw;
  EXPECT_EQ(me.json().at("roles"), (boost::json::array{"user"}));
}

TEST_F(Endpoints, RegisterNamesEveryWrongFieldAtOnce) {
  const Response wrong = post("/auth/register", R"({"username":7})");
  expect_refusal(wrong, 422, "validation_failed");
  EXPECT_EQ(members(wrong, "fields"), (std::set<std::string>{"password", "username"}));
}

TEST_F(Endpoints, LoginGivesTheTokenResponse) {  // S9
  login();
  const Response response = post("/auth/login", credentials("ada"));
  ASSERT_EQ(response.status, 200) << response.raw;
  EXPECT_EQ(members(response),
            (std::set<std::string>{"access_token", "token_type", "expires_in", "expires_at", "refresh_token",
                                   "refresh_expires_in", "session_id", "user"}));
  EXPECT_EQ(members(response, "user"), (std::set<std::string>{"id", "username"}));
  EXPECT_EQ(response.text("token_type"), "Bearer");
  EXPECT_EQ(response.json().at("expires_in"), 600);
  EXPECT_EQ(response.header("Cache-Control"), "no-store");
  EXPECT_NE(payload_of(response.text("access_token")).find(response.text("session_id")), std::string::npos);
}

TEST_F(Endpoints, LoginSaysTheSameOfAnUnknownUserAndAWrongPassword) {  // S11
  login();
  const Response wrong = post("/auth/login", R"({"username":"ada","password":"not the password"})");
  const Response unknown = post("/auth/login", R"({"username":"nobody","password":"not the password"})");
  expect_refusal(wrong, 401, "login_failure");
  expect_refusal(unknown, 401, "login_failure");
  EXPECT_EQ(wrong.text("error_description"), unknown.text("error_description"));
  EXPECT_EQ(wrong.headers.size(), unknown.headers.size());
}

TEST_F(Endpoints, LoginIsThrottledByTheAccountAndOthersGoOn) {  // S12
  const Pair before = login();
  Response last;
  for (int i = 0; i < 11; ++i) last = post("/auth/login", R"({"username":"ada","password":"wrong"})");
  expect_refusal(last, 429, "too_many_attempts");
  EXPECT_GT(std::stoi(last.header("Retry-After")), 0);
  EXPECT_FALSE(login("grace").access.empty());
  EXPECT_EQ(client().get("/auth/me", bearer(before.access)).status, 200);
  EXPECT_EQ(post("/auth/refresh", R"({"refresh_token":")" + before.refresh + "\"}").status, 200)
      << "a stranger who guesses ends nobody's session";
}

TEST_F(Endpoints, BodiesAreOneJsonObjectOfBoundedSize) {  // S14
  struct Row {
    const char* name;
    Headers headers;
    std::string body;
    int status;
    const char* error;
  };
  const Headers json{{"Content-Type", "application/json"}};
  const std::string large = R"({"username":")" + std::string(5000, 'a') + "\"}";
  const std::vector<Row> rows{
      {"no type", {}, "{}", 415, "unsupported_media_type"},
      {"a form",
       {{"Content-Type", "application/x-www-form-urlencoded"}},
       "a=b",
       415,
       "unsupported_media_type"},
      {"another charset",
       {{"Content-Type", "application/json; charset=latin1"}},
       "{}",
       415,
       "unsupported_media_type"},
      {"compressed",
       {{"Content-Type", "application/json"}, {"Content-Encoding", "gzip"}},
       "{}",
       415,
       "unsupported_media_type"},
      {"no body", json, "", 400, "invalid_request"},
      {"an array", json, "[]", 400, "invalid_request"},
      {"half of it", json, R"({"username":)", 400, "invalid_request"},
      {"a member twice", json, R"({"username":"a","username":"b"})", 400, "invalid_request"},
      {"broken UTF-8", json, "{\"username\":\"\xff\"}", 400, "invalid_request"},
      {"deep", json, "{\"a\":" + std::string(200, '[') + std::string(200, ']') + "}", 400, "invalid_request"},
      {"too large", json, large, 413, "body_too_large"},
      {"nothing in it", json, "{}", 422, "validation_failed"},
      {"numbers", json, R"({"username":1,"password":2})", 422, "validation_failed"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.name);
    expect_refusal(raw("POST", "/auth/login", row.headers, row.body), row.status, row.error);
  }
}

TEST_F(Endpoints, ABodyWithoutALengthIsBoundedToo) {
  HttpConnection connection(fleet_[0].port());
  const std::string chunk = "1388\r\n" + std::string(5000, ' ') + "\r\n0\r\n\r\n";
  const Response refused = connection.exchange(
      "POST /auth/login HTTP/1.1\r\nHost: test.example\r\nContent-Type: application/json\r\n"
      "Transfer-Encoding: chunked\r\n\r\n" +
      chunk);
  expect_refusal(refused, 413, "body_too_large");
}

TEST_F(Endpoints, AClientThatWaitsFor100IsToldToGoOnOnlyWhenItsBodyIsWanted) {
  const std::string head =
      "POST /auth/login HTTP/1.1\r\nHost: test.example\r\nContent-Type: application/json\r\nExpect: "
      "100-continue\r\n";
  HttpConnection patient(fleet_[0].port());
  patient.send(head + "Content-Length: 2\r\n\r\n");
  ASSERT_EQ(patient.read_response()->status, 100);
  patient.send("{}");
  EXPECT_EQ(patient.read_response()->status, 422);
  HttpConnection greedy(fleet_[0].port());
  greedy.send(head + "Content-Length: 100000\r\n\r\n");
  EXPECT_EQ(greedy.read_response()->status, 413);
}

TEST_F(Endpoints, AnotherMethodIsRefusedWithTheRightOne) {
  const Response response = client().get("/auth/login");
  expect_refusal(response, 405, "method_not_allowed");
  EXPECT_EQ(response.header("Allow"), "POST");
}

TEST_F(Endpoints, RefreshTakesAnAccessTokenOfTheSameSessionOnly) {
  const Pair one = login(), two = login();
  const auto with = [&](const std::string& access) {
    return post("/auth/refresh",
                R"({"refresh_token":")" + one.refresh + R"(","access_token":")" + access + "\"}");
  };
  expect_refusal(with(two.access), 401, "refresh_invalid");
  expect_refusal(with(with_broken_signature(one.access)), 401, "refresh_invalid");
  const Response good = with(one.access);
  ASSERT_EQ(good.status, 200) << good.raw;
  EXPECT_EQ(good.text("session_id"), one.session);
  EXPECT_NE(good.text("refresh_token"), one.refresh);
  expect_refusal(post("/auth/refresh", R"({"refresh_token":"v1.x"})"), 401, "refresh_invalid");
  expect_refusal(post("/auth/refresh", "{}"), 422, "validation_failed");
}

TEST_F(Endpoints, LogoutEndsTheSessionByEitherTokenAndAgainIsFine) {  // S5
  const Pair by_access = login(), by_refresh = login();
  const Response out = raw("POST", "/auth/logout", bearer(by_access.access), "");
  EXPECT_EQ(out.status, 204) << out.raw;
  EXPECT_EQ(out.body, "");
  expect_refusal(client().get("/auth/me", bearer(by_access.access)), 401, "token_revoked");
  expect_refusal(post("/auth/refresh", refresh_body(by_access.refresh)), 401, "session_revoked");
  EXPECT_EQ(raw("POST", "/auth/logout", bearer(by_access.access), "").status, 204);  // revoked already

  EXPECT_EQ(post("/auth/logout", refresh_body(by_refresh.refresh)).status, 204);
  expect_refusal(client().get("/auth/me", bearer(by_refresh.access)), 401, "token_revoked");
}

TEST_F(Endpoints, ALogoutWithADeclaredBodyOfNothingIsAnsweredAndTheConnectionStays) {
  const Pair pair = login();
  HttpConnection connection(fleet_[0].port());
  const std::string request =
      "POST /auth/logout HTTP/1.1\r\nHost: test.example\r\nContent-Length: 0\r\nAuthorization: Bearer " +
      pair.access + "\r\n\r\n";
  EXPECT_EQ(connection.exchange(request).status, 204);
  EXPECT_EQ(connection.exchange(request).status, 204);
}

TEST_F(Endpoints, LogoutRefusesWhatNamesNoSessionOrTwo) {
  const Pair one = login(), two = login();
  expect_refusal(raw("POST", "/auth/logout", {}, ""), 401, "token_missing");
  expect_refusal(raw("POST", "/auth/logout", bearer(with_broken_signature(one.access)), ""), 401,
                 "token_invalid");
  expect_refusal(post("/auth/logout", R"({"refresh_token":"v1.x"})"), 401, "refresh_invalid");
  expect_refusal(post("/auth/logout", refresh_body(two.refresh), bearer(one.access)), 400, "invalid_request");
  expect_refusal(raw("POST", "/auth/logout?scope=everybody", bearer(one.access), ""), 400, "invalid_request");
  EXPECT_EQ(client().get("/auth/me", bearer(one.access)).status, 200);
  EXPECT_EQ(client().get("/auth/me", bearer(two.access)).status, 200);
}

TEST_F(Endpoints, LogoutOfOthersAndOfAllNeedsALiveToken) {  // S6
  const Pair one = login(), two = login(), grace = login("grace");
  EXPECT_EQ(raw("POST", "/auth/logout?scope=others", bearer(one.access), "").status, 204);
  EXPECT_EQ(client().get("/auth/me", bearer(one.access)).status, 200);
  expect_refusal(raw("POST", "/auth/logout?scope=all", bearer(two.access), ""), 401, "token_revoked");
  expect_refusal(raw("POST", "/auth/logout?scope=all", {}, ""), 401, "token_missing");
  EXPECT_EQ(raw("POST", "/auth/logout?scope=all", bearer(one.access), "").status, 204);
  expect_refusal(client().get("/auth/me", bearer(one.access)), 401, "token_revoked");
  EXPECT_EQ(client().get("/auth/me", bearer(login().access)).status, 200);  // in the same second
  EXPECT_EQ(client().get("/auth/me", bearer(grace.access)).status, 200);
}

TEST_F(Endpoints, SessionsAreListedAndEndedByTheirOwnerOnly) {
  const Pair one = login(), grace = login("grace");
  const Response second = client().post(
      "/auth/login", R"({"username":"ada","password":"correct horse battery","device":"phone"})",
      {{"User-Agent", "tester/1"}});
  const Pair two = pair_of(second);
  const Response listed = client().get("/auth/sessions", bearer(one.access));
  ASSERT_EQ(listed.status, 200) << listed.raw;
  const auto body = listed.json();
  const auto& list = body.at("sessions").as_array();
  ASSERT_EQ(list.size(), 2u);
  for (const auto& session : list) {
    const std::string id(session.at("id").as_string().c_str());
    EXPECT_EQ(session.at("current").as_bool(), id == one.session);
    EXPECT_EQ(session.at("ip"), "127.0.0.1");
    if (id == two.session) {
      EXPECT_EQ(session.at("device"), "phone");
      EXPECT_EQ(session.at("user_agent"), "tester/1");
    }
  }
  expect_refusal(client().del("/auth/sessions/" + one.session, bearer(grace.access)), 404, "not_found");
  expect_refusal(client().del("/auth/sessions/nonsense", bearer(one.access)), 404, "not_found");
  expect_refusal(client().del("/auth/sessions/" + two.session), 401, "token_missing");
  EXPECT_EQ(client().del("/auth/sessions/" + two.session, bearer(one.access)).status, 204);
  expect_refusal(client().get("/auth/me", bearer(two.access)), 401, "token_revoked");
  EXPECT_EQ(client().get("/auth/me", bearer(one.access)).status, 200);
}

TEST_F(Endpoints, ANewPasswordEndsTheOtherSessionsAndAWrongOldOneNothing) {  // S8
  const Pair one = login(), two = login();
  const Response wrong =
      post("/auth/password", R"({"current_password":"not this one","new_password":"another horse battery"})",
           bearer(one.access));
  expect_refusal(wrong, 422, "validation_failed");
  EXPECT_EQ(members(wrong, "fields"), (std::set<std::string>{"current_password"}));
  const Response weak =
      post("/auth/password", R"({"current_password":"correct horse battery","new_password":"short"})",
           bearer(one.access));
  expect_refusal(weak, 422, "validation_failed");
  EXPECT_EQ(client().get("/auth/me", bearer(two.access)).status, 200);

  const Response done =
      post("/auth/password",
           R"({"current_password":"correct horse battery","new_password":"another horse battery"})",
           bearer(one.access));
  ASSERT_EQ(done.status, 204) << done.raw;
  EXPECT_EQ(client().get("/auth/me", bearer(one.access)).status, 200);
  expect_refusal(client().get("/auth/me", bearer(two.access)), 401, "token_revoked");
  expect_refusal(post("/auth/login", credentials("ada")), 401, "login_failure");
  EXPECT_EQ(post("/auth/login", R"({"username":"ada","password":"another horse battery"})").status, 200);
}

TEST_F(Endpoints, KeysAndMetadataMayBeCachedAndHoldNothingPrivate) {
  const Response keys = client().get("/.well-known/jwks.json");
  ASSERT_EQ(keys.status, 200) << keys.raw;
  EXPECT_EQ(keys.header("Cache-Control"), "public, max-age=300");
  const auto key = keys.json().at("keys").as_array().at(0);
  EXPECT_EQ(key.at("kty"), "EC");
  EXPECT_FALSE(key.as_object().contains("d"));
  const Response about = client().get("/.well-known/oauth-authorization-server");
  EXPECT_EQ(about.text("issuer"), "https://auth.test");
  EXPECT_EQ(about.text("jwks_uri"), "https://auth.test/.well-known/jwks.json");
}

TEST_F(Endpoints, ActsStandInTheAuditLogAndSecretsInNoLog) {
  const Pair pair = login();
  post("/auth/login", R"({"username":"ada","password":"a wrong secret word"})");
  EXPECT_EQ(raw("POST", "/auth/logout", bearer(pair.access), "").status, 204);
  fleet_[0].stop();
  const std::string log = fleet_[0].access_log() + fleet_[0].log();
  for (const char* act : {"registered", "login", "login_failed", "logout"})
    EXPECT_NE(log.find("\"act\":\"" + std::string(act) + "\""), std::string::npos) << act << '\n' << log;
  for (const std::string_view secret : {kPassword, std::string_view("a wrong secret word"),
                                        std::string_view(pair.access), std::string_view(pair.refresh)})
    EXPECT_EQ(log.find(secret), std::string::npos) << secret;
}

TEST(EndpointsOff, RegistrationIsNotThereUnlessConfigured) {
  TempDir state;
  GatewayOptions how;
  how.wait_for = "ready:";
  GatewayProcess gateway(
      SALLYPORT_BINARY,
      "listeners: [{address: \"127.0.0.1:0\"}]\nstore: \"sqlite:" + (state / "s.db") +
          "\"\ntokens: {issuer: \"https://auth.test\", audience: [api], signing: {algorithm: "
          "ES256, keys: keys/}}\nauth: {endpoints: {me: off}}\n"
          "upstreams: {api: {servers: [\"http://127.0.0.1:9\"]}}\n"
          "routes: [{path: /api/, upstream: api, auth: required}]\n",
      how);
  const HttpClient client(gateway.port());
  expect_refusal(client.post("/auth/register", credentials("ada")), 404, "not_found");
  expect_refusal(client.get("/auth/me"), 404, "not_found");
}

}  // namespace
}  // namespace sallyport::testing
