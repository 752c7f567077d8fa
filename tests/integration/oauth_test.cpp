// The OAuth endpoints, from outside: RFC 6749 (token), 7009 (revoke), 7662 (introspect), 8414 (metadata).
// S4.13: a refresh token is revoked without anybody else noticing.
#include <gtest/gtest.h>

#include "tests/integration/fleet.hpp"
#include "tests/support/jwt.hpp"

namespace sallyport::testing {
namespace {

const std::string kSecret = "shop-secret-0123456789+/0123456789==";  // wants encoding in every way
const std::string kOther = "api-secret-0123456789-0123456789-0123";
const std::string kClients = "auth:\n  clients:\n    app: {}\n    shop: {secret: \"" + kSecret +
                             "\"}\n    login-only: {secret: \"" + kOther +
                             "\", grants: [password]}\n    api: {secret: [\"" + kOther + "\", \"" + kOther +
                             "-next\"], grants: [], introspect: true}\n";

std::string encoded(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (std::isalnum(static_cast<unsigned char>(c))) {
      out += c;
    } else {
      constexpr std::string_view kHex = "0123456789ABCDEF";
      out += '%';
      out += kHex[static_cast<unsigned char>(c) >> 4];
      out += kHex[static_cast<unsigned char>(c) & 15];
    }
  }
  return out;
}

std::string base64(std::string_view text) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t i = 0; i < text.size(); i += 3) {
    unsigned bits = 0;
    const std::size_t n = std::min<std::size_t>(3, text.size() - i);
    for (std::size_t k = 0; k < 3; ++k)
      bits = bits << 8 | (k < n ? static_cast<unsigned char>(text[i + k]) : 0u);
    for (std::size_t k = 0; k < 4; ++k) out += k <= n ? kDigits[bits >> (18 - 6 * k) & 63] : '=';
  }
  return out;
}

Headers basic(std::string_view id, std::string_view secret) {
  return {{"Authorization", "Basic " + base64(std::string(id) + ":" + std::string(secret))}};
}

using Form = std::vector<std::pair<std::string, std::string>>;

class OAuth : public ::testing::Test {
 protected:
  OAuth() : OAuth(kClients) {}
  explicit OAuth(std::string more) : fleet_("sqlite:" + (state_ / "state.db"), {.more = std::move(more)}) {
    fleet_.add();
    client().post("/auth/register", credentials("ada"));
  }

  HttpClient client() { return HttpClient(fleet_[0].port()); }
  Response post(std::string_view path, const Form& form, Headers headers = {}) {
    std::string body;
    for (const auto& [name, value] : form) body += (body.empty() ? "" : "&") + name + "=" + encoded(value);
    headers.add("Content-Type", "application/x-www-form-urlencoded");
    return client().call("POST", path, headers, body);
  }
  Response token(Form form, const Headers& headers = {}) { return post("/oauth2/token", form, headers); }
  Response login(Form more = {}, const Headers& headers = {}) {
    more.insert(more.begin(),
                {{"grant_type", "password"}, {"username", "ada"}, {"password", "correct horse battery"}});
    return token(std::move(more), headers);
  }
  Response refresh(const std::string& text, Form more = {}, const Headers& headers = {}) {
    more.insert(more.begin(), {{"grant_type", "refresh_token"}, {"refresh_token", text}});
    return token(std::move(more), headers);
  }
  Response about(const std::string& text, const Headers& headers) {
    return post("/oauth2/introspect", {{"token", text}}, headers);
  }
  Headers api() { return basic("api", kOther); }

  TempDir state_;
  Fleet fleet_;
};

class OAuthWithoutClients : public OAuth {
 protected:
  OAuthWithoutClients() : OAuth("") {}
};

void expect_error(const Response& response, int status, std::string_view error) {
  EXPECT_EQ(response.status, status) << response.raw;
  EXPECT_EQ(error_of(response), error) << response.raw;
  EXPECT_EQ(response.header("Cache-Control"), "no-store");
  EXPECT_EQ(response.header("Pragma"), "no-cache");
  EXPECT_EQ(response.headers.has("WWW-Authenticate"), status == 401) << response.raw;
  EXPECT_EQ(response.header("WWW-Authenticate").starts_with("Basic "), status == 401) << response.raw;
}

TEST_F(OAuthWithoutClients, APasswordGivesAPairThatRotates) {  // RFC 6749 4.3, 5.1, 6
  const Response first = login({{"client_id", "anything"}});
  ASSERT_EQ(first.status, 200) << first.raw;
  EXPECT_EQ(first.text("token_type"), "Bearer");
  EXPECT_EQ(first.json().at("expires_in"), 600);
  EXPECT_EQ(first.header("Cache-Control"), "no-store");
  EXPECT_EQ(first.header("Pragma"), "no-cache");
  EXPECT_EQ(fleet_.call(0, first.text("access_token")).status, 200);
  const Response second = refresh(first.text("refresh_token"));
  ASSERT_EQ(second.status, 200) << second.raw;
  EXPECT_NE(second.text("refresh_token"), first.text("refresh_token"));
  EXPECT_EQ(fleet_.call(0, second.text("access_token")).status, 200);
  // One session, whichever way it is refreshed.
  EXPECT_EQ(fleet_.refresh(0, second.text("refresh_token")).status, 200);
}

TEST_F(OAuthWithoutClients, RefusesInTheWordsOfSection52) {
  struct Row {
    const char* name;
    Form form;
    int status;
    const char* error;
  };
  const std::vector<Row> rows{
      {"no grant type", {}, 400, "invalid_request"},
      {"an empty one", {{"grant_type", ""}}, 400, "invalid_request"},
      {"another", {{"grant_type", "authorization_code"}}, 400, "unsupported_grant_type"},
      {"no password", {{"grant_type", "password"}, {"username", "ada"}}, 400, "invalid_request"},
      {"no token", {{"grant_type", "refresh_token"}}, 400, "invalid_request"},
      {"a parameter twice",
       {{"grant_type", "refresh_token"}, {"refresh_token", "a"}, {"refresh_token", "b"}},
       400,
       "invalid_request"},
      {"a wrong password",
       {{"grant_type", "password"}, {"username", "ada"}, {"password", "wrong"}},
       400,
       "invalid_grant"},
      {"an unknown user",
       {{"grant_type", "password"}, {"username", "eve"}, {"password", "wrong"}},
       400,
       "invalid_grant"},
      {"a wrong token", {{"grant_type", "refresh_token"}, {"refresh_token", "v1.x"}}, 400, "invalid_grant"},
      {"a secret without a client",
       {{"grant_type", "password"}, {"client_id", "a"}, {"client_secret", "b"}},
       401,
       "invalid_client"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.name);
    expect_error(token(row.form), row.status, row.error);
  }
  expect_error(login({{"scope", "orders:read"}}), 400, "invalid_scope");
  expect_error(client().post("/oauth2/token", R"({"grant_type":"password"})"), 400, "invalid_request");
  expect_error(client().call("POST", "/oauth2/token", {{"Content-Type", "application/x-www-form-urlencoded"}},
                             "grant_type=%zz"),
               400, "invalid_request");
  EXPECT_EQ(client().get("/oauth2/token").status, 405);
}

TEST_F(OAuthWithoutClients, TheQueryOfATokenRequestIsNoPlaceForPasswords) {  // RFC 6749 2.3.1
  expect_error(client().call("POST", "/oauth2/token?grant_type=password&username=ada&password=x",
                             {{"Content-Type", "application/x-www-form-urlencoded"}}, ""),
               400, "invalid_request");
}

TEST_F(OAuthWithoutClients, NobodyMayAskWhatATokenSays) {
  const Response pair = login();
  expect_error(about(pair.text("access_token"), {}), 401, "invalid_client");
  expect_error(about(pair.text("access_token"), bearer(pair.text("access_token"))), 401, "invalid_client");
}

TEST_F(OAuthWithoutClients, GuessingIsThrottledHereToo) {
  Response last;
  for (int i = 0; i < 11; ++i)
    last = token({{"grant_type", "password"}, {"username", "ada"}, {"password", "wrong"}});
  expect_error(last, 429, "too_many_attempts");
  EXPECT_TRUE(last.headers.has("Retry-After"));
}

TEST_F(OAuth, AClientProvesWhoItIsInEitherWay) {  // RFC 6749 2.3.1
  struct Row {
    const char* name;
    Form form;
    Headers headers;
    int status;
  };
  const std::vector<Row> rows{
      {"public", {{"client_id", "app"}}, {}, 200},
      {"in the body", {{"client_id", "shop"}, {"client_secret", kSecret}}, {}, 200},
      {"Basic, as the RFC wants it", {}, basic("shop", encoded(kSecret)), 200},
      {"Basic, as many send it", {}, basic("shop", kSecret), 200},
      {"Basic and the same client_id", {{"client_id", "shop"}}, basic("shop", kSecret), 200},
      {"a public client in Basic", {}, basic("app", ""), 200},
      {"nobody", {}, {}, 401},
      {"unknown", {{"client_id", "eve"}}, {}, 401},
      {"without its secret", {{"client_id", "shop"}}, {}, 401},
      {"with another", {{"client_id", "shop"}, {"client_secret", kOther}}, {}, 401},
      {"with half of it", {}, basic("shop", kSecret.substr(0, 18)), 401},
      {"a public one with a secret", {{"client_id", "app"}, {"client_secret", kSecret}}, {}, 401},
      {"no base64", {}, {{"Authorization", "Basic ?"}}, 401},
      {"no colon", {}, {{"Authorization", "Basic c2hvcA=="}}, 401},
      {"another scheme", {{"client_id", "app"}}, {{"Authorization", "Bearer x"}}, 401},
      {"both ways", {{"client_id", "shop"}, {"client_secret", kSecret}}, basic("shop", kSecret), 400},
      {"two names", {{"client_id", "app"}}, basic("shop", kSecret), 400},
      {"not for this grant", {}, basic("api", kOther), 400},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.name);
    const Response response = login(row.form, row.headers);
    EXPECT_EQ(response.status, row.status) << response.raw;
    if (row.status == 401) expect_error(response, 401, "invalid_client");
  }
  Headers twice = basic("shop", kSecret);
  twice.add("Authorization", "Basic c2hvcA==");
  expect_error(login({}, twice), 400, "invalid_request");
  expect_error(login({}, basic("api", kOther)), 400, "unauthorized_client");
}

TEST_F(OAuth, ARefreshTokenIsGoodOnlyForTheClientThatGotIt) {  // RFC 6749 6, 10.4
  const Headers shop = basic("shop", kSecret);
  const Response pair = login({}, shop);
  ASSERT_EQ(pair.status, 200) << pair.raw;
  EXPECT_NE(payload_of(pair.text("access_token")).find(R"("client_id":"shop")"), std::string::npos);
  expect_error(refresh(pair.text("refresh_token"), {{"client_id", "app"}}), 400, "invalid_grant");
  expect_error(refresh(pair.text("refresh_token")), 401, "invalid_client");
  EXPECT_EQ(fleet_.refresh(0, pair.text("refresh_token")).status, 401);
  EXPECT_EQ(refresh(pair.text("refresh_token"), {}, shop).status, 200);
}

TEST_F(OAuth, AClientWithoutTheGrantGetsNoRefreshToken) {
  const Response pair = login({}, basic("login-only", kOther));
  ASSERT_EQ(pair.status, 200) << pair.raw;
  EXPECT_FALSE(pair.json().as_object().contains("refresh_token"));
  expect_error(refresh("v1.x", {}, basic("login-only", kOther)), 400, "unauthorized_client");
}

TEST_F(OAuth, RevokingARefreshTokenEndsItsSessionAndNoOther) {  // RFC 7009; S2.1, S2.3, S4.13
  const Headers shop = basic("shop", kSecret);
  const Response one = login({}, shop), two = login({}, shop);
  const Response done = post("/oauth2/revoke", {{"token", one.text("refresh_token")}}, shop);
  EXPECT_EQ(done.status, 200) << done.raw;
  EXPECT_EQ(done.body, "");
  EXPECT_EQ(error_of(fleet_.call(0, one.text("access_token"))), "token_revoked");
  expect_error(refresh(one.text("refresh_token"), {}, shop), 400, "invalid_grant");
  EXPECT_EQ(fleet_.call(0, two.text("access_token")).status, 200);
  EXPECT_EQ(refresh(two.text("refresh_token"), {}, shop).status, 200);
}

TEST_F(OAuth, RevokingAnAccessTokenEndsThatOneAlone) {
  const Headers shop = basic("shop", kSecret);
  const Response pair = login({}, shop);
  // A wrong hint is only a hint.
  EXPECT_EQ(post("/oauth2/revoke",
                 {{"token", pair.text("access_token")}, {"token_type_hint", "refresh_token"}}, shop)
                .status,
            200);
  EXPECT_EQ(error_of(fleet_.call(0, pair.text("access_token"))), "token_revoked");
  const Response next = refresh(pair.text("refresh_token"), {}, shop);
  ASSERT_EQ(next.status, 200) << next.raw;
  EXPECT_EQ(fleet_.call(0, next.text("access_token")).status, 200);
}

TEST_F(OAuth, RevokingWhatIsUnknownIsFineAndWhatIsAnothersIsNot) {
  const Headers shop = basic("shop", kSecret);
  const Response pair = login({}, shop);
  EXPECT_EQ(post("/oauth2/revoke", {{"token", "v1.unknown"}}, shop).status, 200);
  EXPECT_EQ(
      post("/oauth2/revoke", {{"token", with_broken_signature(pair.text("access_token"))}}, shop).status,
      200);
  for (const char* which : {"refresh_token", "access_token"})
    expect_error(post("/oauth2/revoke", {{"token", pair.text(which)}, {"client_id", "app"}}), 400,
                 "unauthorized_client");
  expect_error(post("/oauth2/revoke", {{"token", pair.text("refresh_token")}}), 401, "invalid_client");
  expect_error(post("/oauth2/revoke", {}, shop), 400, "invalid_request");
  EXPECT_EQ(fleet_.call(0, pair.text("access_token")).status, 200);
}

TEST_F(OAuth, IntrospectionTellsAClientThatMayAskWhatATokenSays) {  // RFC 7662 2.2
  const Headers shop = basic("shop", kSecret);
  const Response pair = login({}, shop);
  const Response access = about(pair.text("access_token"), api());
  ASSERT_EQ(access.status, 200) << access.raw;
  const auto said = access.json();
  EXPECT_EQ(said.at("active"), true);
  EXPECT_EQ(said.at("token_type"), "Bearer");
  EXPECT_EQ(said.at("username"), "ada");
  EXPECT_EQ(said.at("client_id"), "shop");
  EXPECT_EQ(said.at("iss"), "https://auth.test");
  EXPECT_GT(said.at("exp").as_int64(), said.at("iat").as_int64());
  const auto of_refresh = about(pair.text("refresh_token"), basic("api", kOther + "-next")).json();
  EXPECT_EQ(of_refresh.at("active"), true);
  EXPECT_EQ(of_refresh.at("token_type"), "refresh_token");
  EXPECT_EQ(of_refresh.at("client_id"), "shop");
  EXPECT_EQ(of_refresh.at("sub"), said.at("sub"));

  const Response next = refresh(pair.text("refresh_token"), {}, shop);
  EXPECT_EQ(fleet_.call(0, next.text("access_token")).status, 200);  // confirms: the old one is worth nothing
  EXPECT_EQ(post("/oauth2/revoke", {{"token", next.text("refresh_token")}}, shop).status, 200);
  for (const std::string& dead :
       {pair.text("refresh_token"), pair.text("access_token"), next.text("refresh_token"),
        next.text("access_token"), std::string("nonsense"),
        with_broken_signature(next.text("access_token"))}) {
    const Response answer = about(dead, api());
    EXPECT_EQ(answer.status, 200) << answer.raw;
    EXPECT_EQ(answer.body, R"({"active":false})");
    EXPECT_EQ(answer.header("Cache-Control"), "no-store");
  }
}

TEST_F(OAuth, IntrospectionIsForThoseWhoMay) {
  const std::string access = login({}, basic("shop", kSecret)).text("access_token");
  expect_error(about(access, {}), 401, "invalid_client");
  expect_error(about(access, basic("api", "wrong")), 401, "invalid_client");
  expect_error(post("/oauth2/introspect", {{"token", access}, {"client_id", "app"}}), 401, "invalid_client");
  expect_error(about(access, basic("shop", kSecret)), 403, "unauthorized_client");
  expect_error(post("/oauth2/introspect", {}, api()), 400, "invalid_request");
}

TEST_F(OAuth, MetadataTellsWhatIsServed) {  // RFC 8414 2
  const auto said = client().get("/.well-known/oauth-authorization-server").json();
  EXPECT_EQ(said.at("issuer"), "https://auth.test");
  EXPECT_EQ(said.at("token_endpoint"), "https://auth.test/oauth2/token");
  EXPECT_EQ(said.at("revocation_endpoint"), "https://auth.test/oauth2/revoke");
  EXPECT_EQ(said.at("introspection_endpoint"), "https://auth.test/oauth2/introspect");
  EXPECT_EQ(said.at("jwks_uri"), "https://auth.test/.well-known/jwks.json");
  EXPECT_EQ(said.at("grant_types_supported"), (boost::json::array{"password", "refresh_token"}));
  EXPECT_EQ(said.at("response_types_supported"), boost::json::array{});
  EXPECT_EQ(said.at("token_endpoint_auth_methods_supported"),
            (boost::json::array{"none", "client_secret_basic", "client_secret_post"}));
  EXPECT_EQ(said.at("introspection_endpoint_auth_methods_supported"),
            (boost::json::array{"client_secret_basic", "client_secret_post"}));
}

TEST_F(OAuthWithoutClients, MetadataNamesNoIntrospectionThatNobodyMayUse) {
  const auto said = client().get("/.well-known/oauth-authorization-server").json().as_object();
  EXPECT_FALSE(said.contains("introspection_endpoint"));
  EXPECT_EQ(said.at("token_endpoint_auth_methods_supported"), (boost::json::array{"none"}));
}

TEST_F(OAuth, SecretsStandInNoLog) {
  login({}, basic("shop", kSecret));
  login({{"client_id", "shop"}, {"client_secret", "a-wrong-client-secret"}});
  EXPECT_EQ(fleet_[0].stop(), 0);
  const std::string logs = fleet_[0].log() + fleet_[0].access_log();
  for (const std::string& secret : {kSecret, encoded(kSecret), base64("shop:" + kSecret),
                                    std::string("correct horse"), std::string("a-wrong-client-secret")})
    EXPECT_EQ(logs.find(secret), std::string::npos) << secret;
  EXPECT_NE(logs.find("wrong secret"), std::string::npos);  // the reason
}

}  // namespace
}  // namespace sallyport::testing
