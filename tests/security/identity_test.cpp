// Headers that carry identity (SECURITY H1-H6, B9): what a client or an upstream writes there never counts.
#include "tests/security/world.hpp"

namespace sallyport::testing {
namespace {

using namespace std::string_literals;

// --- H1: spoofed in the request, judged by what arrived, on a public and on a private route. ---

struct Spoof {
  const char* name;
  std::string line;   // one or more header lines
  std::string value;  // must not arrive in any field
};

std::vector<Spoof> spoofs() {
  std::vector<Spoof> rows = {
      {"subject", "X-Auth-Subject: spoof-1\r\n", "spoof-1"},
      {"subject_lower", "x-auth-subject: spoof-2\r\n", "spoof-2"},
      {"subject_mixed", "x-AUTH-sUbJeCt: spoof-3\r\n", "spoof-3"},
      {"subject_underscores", "X_Auth_Subject: spoof-4\r\n", "spoof-4"},
      {"subject_one_underscore", "X-Auth_Subject: spoof-5\r\n", "spoof-5"},
      {"subject_upper_underscores", "X_AUTH_SUBJECT: spoof-6\r\n", "spoof-6"},
      {"subject_repeated", "X-Auth-Subject: spoof-7\r\nX-Auth-Subject: spoof-7\r\n", "spoof-7"},
      {"subject_empty_then_full", "X-Auth-Subject:\r\nX-Auth-Subject: spoof-8\r\n", "spoof-8"},
      {"roles", "X-Auth-Roles: spoof-9\r\n", "spoof-9"},
      {"scopes", "X-Auth-Scopes: spoof-10\r\n", "spoof-10"},
      {"issuer", "X-Auth-Issuer: spoof-11\r\n", "spoof-11"},
      {"session", "X-Auth-Session: spoof-12\r\n", "spoof-12"},
      {"unknown_of_the_family", "X-Auth-Anything: spoof-13\r\n", "spoof-13"},
      {"unknown_of_the_family_underscore", "x_auth_anything: spoof-14\r\n", "spoof-14"},
      {"named_by_connection", "Connection: X-Auth-Subject\r\nX-Auth-Subject: spoof-15\r\n", "spoof-15"},
      {"forwarded_for", "X-Forwarded-For: 10.9.8.7\r\n", "10.9.8.7"},
      {"forwarded_for_underscore", "X_Forwarded_For: 10.9.8.6\r\n", "10.9.8.6"},
      {"forwarded_host", "X-Forwarded-Host: spoof-16.test\r\n", "spoof-16.test"},
      {"forwarded_proto", "X-Forwarded-Proto: spoof-17\r\n", "spoof-17"},
      {"forwarded_user", "X-Forwarded-User: spoof-18\r\n", "spoof-18"},
      {"forwarded_email", "X-Forwarded-Email: spoof-19\r\n", "spoof-19"},
      {"forwarded_prefix", "X-Forwarded-Prefix: /spoof-20\r\n", "/spoof-20"},
      {"forwarded", "Forwarded: for=10.9.8.5;by=spoof\r\n", "10.9.8.5"},
      {"real_ip", "X-Real-IP: 10.9.8.4\r\n", "10.9.8.4"},
      {"real_ip_underscore", "X_Real_IP: 10.9.8.3\r\n", "10.9.8.3"},
      {"request_id", "X-Request-Id: spoof-21\r\n", "spoof-21"},
      {"proxy_authorization", "Proxy-Authorization: spoof-22\r\n", "spoof-22"},
      {"proxy", "Proxy-Anything: spoof-23\r\n", "spoof-23"},
      {"keep_alive", "Keep-Alive: timeout=spoof-24\r\n", "spoof-24"},
      {"te", "TE: spoof-25\r\n", "spoof-25"},
      {"named_away_private_field", "Connection: close, X-Mine\r\nX-Mine: spoof-26\r\n", "spoof-26"},
      {"gateway_mark", "Sallyport-Response: spoof-27\r\n", "spoof-27"},
      {"expiry_mark", "Token-Expired: spoof-28\r\n", "spoof-28"},
      {"expiry_mark_alias", "is_token_expired: spoof-29\r\n", "spoof-29"},
  };
  return rows;
}

class SpoofedHeader : public WorldTable<Spoof> {};

TEST_P(SpoofedHeader, NeverArrives) {
  const std::string token = "Authorization: Bearer " + world().good_token() + "\r\n";
  for (const auto& [path, extra] :
       {std::pair{"/public/h"s, ""s}, {"/private/h"s, token}, {"/optional/h"s, ""s}}) {
    const Talk talk =
        world().talk("GET " + path + " HTTP/1.1\r\nHost: t\r\n" + extra + GetParam().line + "\r\n", 1, false);
    ASSERT_EQ(talk.status(), 200) << path;
    const Origin& origin = path == "/public/h" ? world().open : world().guarded;
    for (const auto& [name, value] : origin.last().headers)
      EXPECT_EQ(value.find(GetParam().value), std::string::npos) << path << " " << name << ": " << value;
  }
}

INSTANTIATE_TEST_SUITE_P(Identity, SpoofedHeader, ::testing::ValuesIn(spoofs()), RowName());

class Identity : public WorldTest {};

// H2: neither Connection nor Keep-Alive can name our assertion away.
TEST_F(Identity, CannotBeNamedAwayByConnection) {
  for (const char* option : {"X-Auth-Subject", "x-auth-subject", "close, X-Auth-Subject, X-Auth-Roles",
                             "X-Auth-Issuer", "X-Forwarded-For, Forwarded, X-Forwarded-Host", "Host",
                             "Authorization", "Content-Length", "X-Tenant"}) {
    Headers headers = bearer(world().good_token(R"(,"roles":["clerk"],"tenant":"acme")"));
    headers.add("Connection", option);
    ASSERT_EQ(world().client().call("POST", "/claims/h", headers, "body").status, 200) << option;
    const RecordedRequest seen = world().guarded.last();
    EXPECT_EQ(seen.headers.get("X-Auth-Subject"), "ada") << option;
    EXPECT_EQ(seen.headers.get("X-Auth-Roles"), "clerk") << option;
    EXPECT_EQ(seen.headers.get("X-Auth-Issuer"), kHmacIssuer) << option;
    EXPECT_EQ(seen.headers.get("X-Tenant"), "acme") << option;
    EXPECT_EQ(seen.headers.get("X-Forwarded-For"), "127.0.0.1") << option;
    EXPECT_EQ(seen.headers.count("Host"), 1u) << option;
    EXPECT_EQ(seen.body, "body") << option;
  }
}

TEST_F(Identity, IsAssertedOnceAndIsTheTokens) {
  Headers headers = bearer(
      world().good_token(R"(,"roles":["clerk","boss"],"scope":"read write","sid":"s1","tenant":"acme")"));
  for (const char* name : {"X-Auth-Subject", "x_auth_subject", "X-Auth-Roles", "X-Tenant", "x_tenant"})
    headers.add(name, "evil");
  ASSERT_EQ(world().client().get("/claims/h", headers).status, 200);
  const RecordedRequest last = world().guarded.last();
  EXPECT_EQ(last.headers.all("X-Auth-Subject"), std::vector<std::string>{"ada"});
  EXPECT_EQ(last.headers.all("X-Auth-Roles"), std::vector<std::string>{"clerk,boss"});
  EXPECT_EQ(last.headers.all("X-Auth-Scopes"), std::vector<std::string>{"read,write"});
  EXPECT_EQ(last.headers.all("X-Auth-Session"), std::vector<std::string>{"s1"});
  EXPECT_EQ(last.headers.all("X-Tenant"), std::vector<std::string>{"acme"});
  EXPECT_EQ(last.raw.find("evil"), std::string::npos);
  EXPECT_FALSE(last.headers.has("Authorization")) << "not forwarded unless the route says so";
}

// The token's own claims are strangers' text, too: B9, H6.
TEST_F(Identity, ClaimsNeverInjectHeaderLines) {
  for (const char* tenant :
       {R"("a\r\nX-Auth-Roles: admin")", R"("a\nX-Evil: 1")", R"("a\rb")", R"("a\u0000b")", R"("\u007f")",
        R"("\u0001")", R"("a\r\n\r\nGET /private/smuggled HTTP/1.1\r\nHost: t\r\n\r\n")"}) {
    const std::string token =
        world().good_token(R"(,"tenant":)"s + tenant + R"(,"roles":["x",)" + tenant + "]");
    ASSERT_EQ(world().client().get("/claims/h", bearer(token)).status, 200) << tenant;
    const RecordedRequest seen = world().guarded.last();
    EXPECT_FALSE(seen.headers.has("X-Tenant")) << seen.raw;
    EXPECT_FALSE(seen.headers.has("X-Evil")) << seen.raw;
    EXPECT_EQ(seen.headers.all("X-Auth-Roles"), std::vector<std::string>{"x"}) << seen.raw;
  }
  const std::string huge = world().good_token(R"(,"tenant":")" + std::string(5'500, 'a') + "\"");
  EXPECT_EQ(world().client().get("/claims/h", bearer(huge)).status, 200);
  EXPECT_TRUE(world().guarded.requests("/private/smuggled").empty());
}

TEST_F(Identity, ASubjectWithALineBreakIsNoSubject) {
  const std::string text =
      R"({"iss":"https://hmac.test","aud":"api","sub":"ada\r\nX-Auth-Roles: admin","exp":)" +
      std::to_string(unix_now() + 100) + "}";
  const Response response = world().client().get(
      "/private/h", bearer(hs256(R"({"alg":"HS256","typ":"at+jwt"})", text, kHmacSecret)));
  if (response.status != 200) return;  // refused is as good
  EXPECT_FALSE(world().guarded.last().headers.has("X-Auth-Roles"));
}

// H3: the last element is the real peer, and nothing before it from a stranger.
TEST_F(Identity, ForwardedForIsTheRealPeer) {
  ASSERT_EQ(world()
                .client()
                .get("/public/h", {{"X-Forwarded-For", "1.2.3.4"}, {"X-Forwarded-For", "5.6.7.8"}})
                .status,
            200);
  const RecordedRequest seen = world().open.last();
  EXPECT_EQ(seen.headers.all("X-Forwarded-For"), std::vector<std::string>{"127.0.0.1"});
  EXPECT_EQ(seen.headers.all("X-Forwarded-Proto"), std::vector<std::string>{"http"});
  EXPECT_EQ(seen.headers.all("X-Forwarded-Host"), std::vector<std::string>{"test.example"});
  ASSERT_EQ(seen.headers.count("Forwarded"), 1u);
  EXPECT_TRUE(seen.headers.get("Forwarded").starts_with("for=127.0.0.1")) << seen.headers.get("Forwarded");
}

// H4: the upstream's word about our tokens is dropped, in any spelling.
TEST_F(Identity, UpstreamsCannotSayThatTheTokenExpired) {
  Answer answer;
  answer.headers = {{"Token-Expired", "true"},    {"token-expired", "true"},  {"Token_Expired", "true"},
                    {"Is-Token-Expired", "true"}, {"IS-TOKEN-EXPIRED", "1"},  {"Sallyport-Response", "1"},
                    {"SALLYPORT_RESPONSE", "1"},  {"X-Request-Id", "theirs"}, {"X-Kept", "yes"}};
  answer.body = "{}";
  for (int status : {200, 401, 500}) {
    answer.status = status;
    world().open.on("/public/expired", answer);
    const Response response = world().client().get("/public/expired");
    EXPECT_EQ(response.status, status);
    EXPECT_EQ(response.header("X-Kept"), "yes");
    for (const char* gone :
         {"Token-Expired", "Token_Expired", "Is-Token-Expired", "Sallyport-Response", "SALLYPORT_RESPONSE"})
      EXPECT_FALSE(response.headers.has(gone)) << gone;
    EXPECT_EQ(response.headers.count("X-Request-Id"), 1u);
    EXPECT_NE(response.header("X-Request-Id"), "theirs");
  }
}

}  // namespace
}  // namespace sallyport::testing
