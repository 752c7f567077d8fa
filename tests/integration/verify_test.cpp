// GET /auth/verify: what a proxy in front is told about a client's request (CONTRACT section 2).
#include <gtest/gtest.h>

#include "tests/integration/fleet.hpp"
#include "tests/support/jwt.hpp"

namespace sallyport::testing {
namespace {

class Verify : public ::testing::Test {
 protected:
  Verify()
      : fleet_("sqlite:" + (state_ / "state.db"),
               {.more = "  - {path: /public/, upstream: api, auth: none}\n"
                        "  - {path: /api/admin/, upstream: api, auth: required, allow: {roles: [admin]}}\n"
                        "  - {path: /api/orders, upstream: api, auth: required, methods: [GET], "
                        "claims_to_headers: {name: X-Name}}\n"}) {
    fleet_.add();
    pair_ = fleet_.login(0, "ada");
  }

  Response ask(std::string_view method, std::string_view uri, Headers headers = {}) {
    headers.add("X-Forwarded-Method", std::string(method));
    headers.add("X-Forwarded-Uri", std::string(uri));
    return HttpClient(fleet_[0].port()).get("/auth/verify", headers);
  }

  TempDir state_;
  Fleet fleet_;
  Pair pair_;
};

TEST_F(Verify, AnswersAsTheRouteWouldWithTheIdentity) {
  const Response good = ask("GET", "/api/orders?x=/api/admin/", bearer(pair_.access));
  ASSERT_EQ(good.status, 200) << good.raw;
  EXPECT_EQ(good.header("X-Auth-Issuer"), "https://auth.test");
  EXPECT_EQ(good.header("X-Auth-Roles"), "user");
  EXPECT_EQ(good.header("X-Auth-Session"), pair_.session);
  EXPECT_EQ(good.header("X-Name"), "ada");
  EXPECT_EQ(good.body, "");
  EXPECT_EQ(good.header("Cache-Control"), "no-store");
  EXPECT_TRUE(fleet_.origin().requests().empty());  // no request goes on

  const Response open = ask("POST", "/public/x");
  EXPECT_EQ(open.status, 200) << open.raw;
  EXPECT_FALSE(open.headers.has("X-Auth-Subject"));
}

TEST_F(Verify, RefusesAsTheRouteWould) {
  struct Row {
    const char* name;
    const char* method;
    const char* uri;
    Headers headers;
    int status;
    const char* error;
  };
  const std::vector<Row> rows{
      {"no token", "GET", "/api/x", {}, 401, "token_missing"},
      {"a bad token", "GET", "/api/x", bearer(with_broken_signature(pair_.access)), 401, "token_invalid"},
      {"a repeated field",
       "GET",
       "/api/x",
       {{"Authorization", "Bearer a"}, {"Authorization", "Bearer b"}},
       400,
       "token_malformed"},
      {"a role short", "GET", "/api/admin/x", bearer(pair_.access), 403, "forbidden"},
      {"dot segments", "GET", "/public/../api/admin/x", {}, 400, "bad_request"},
      {"encoded ones", "GET", "/public/%2e%2e/api/admin/x", {}, 400, "bad_request"},
      {"no route", "GET", "/nowhere", bearer(pair_.access), 404, "not_found"},
      {"another method", "DELETE", "/api/orders", bearer(pair_.access), 405, "method_not_allowed"},
      {"an own endpoint", "GET", "/auth/sessions", {}, 401, "token_missing"},
      {"an open one", "POST", "/auth/login", {}, 200, ""},
      {"no path", "GET", "api/x", bearer(pair_.access), 400, "invalid_request"},
      {"no method", "", "/api/x", bearer(pair_.access), 400, "invalid_request"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.name);
    const Response response = ask(row.method, row.uri, row.headers);
    EXPECT_EQ(response.status, row.status) << response.raw;
    if (row.status != 200) {
      EXPECT_EQ(error_of(response), row.error) << response.raw;
    }
    EXPECT_FALSE(response.headers.has("X-Auth-Subject"));
  }
}

TEST_F(Verify, WantsTheDescriptionOnce) {
  const HttpClient client(fleet_[0].port());
  EXPECT_EQ(client.get("/auth/verify", bearer(pair_.access)).status, 400);
  EXPECT_EQ(ask("GET", "/public/x", {{"X-Forwarded-Uri", "/api/admin/x"}}).status, 400);
  EXPECT_EQ(ask("GET", "/public/x", {{"X-Forwarded-Host", "a b"}}).status, 400);
}

TEST_F(Verify, TellsARevokedTokenAtOnce) {
  EXPECT_EQ(ask("GET", "/api/x", bearer(pair_.access)).status, 200);
  EXPECT_EQ(fleet_.logout(0, pair_.access).status, 204);
  EXPECT_EQ(error_of(ask("GET", "/api/x", bearer(pair_.access))), "token_revoked");
}

}  // namespace
}  // namespace sallyport::testing
