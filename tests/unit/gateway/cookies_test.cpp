// The cookies of cookie mode, read and written; who may send them; where a navigation is sent.
#include "gateway/cookies.hpp"

#include <gtest/gtest.h>

#include "gateway/http1/field_ids.hpp"

namespace sallyport::gateway {
namespace {

struct Line {
  std::string_view name, value;
};

RequestHead head_of(std::vector<Line> lines, std::string_view method = "GET") {
  RequestHead head;
  head.method = method;
  head.authority = "a.example";
  head.raw_path = "/x";
  for (const Line& line : lines) head.fields.push_back({http1::field_id(line.name), line.name, line.value});
  return head;
}

TEST(Cookies, AreReadStrictly) {
  using enum SessionCookies::State;
  struct Row {
    std::string_view name;
    std::vector<Line> lines;
    SessionCookies::State state;
    std::string_view access, refresh;
  };
  const Row rows[] = {
      {"none", {}, absent, "", ""},
      {"others", {{"Cookie", "a=b; c; =d; ;"}}, absent, "", ""},
      {"both",
       {{"Cookie", "a=b; __Host-sallyport-access=x.y-z_1; __Host-sallyport-refresh=v1.r"}},
       good,
       "x.y-z_1",
       "v1.r"},
      {"no blank", {{"cookie", "__Host-sallyport-access=x;__Host-sallyport-refresh=r"}}, good, "x", "r"},
      {"two fields",
       {{"Cookie", "__Host-sallyport-access=x"}, {"Cookie", "__Host-sallyport-refresh=r"}},
       good,
       "x",
       "r"},
      {"one only", {{"Cookie", "__Host-sallyport-refresh=r"}}, good, "", "r"},
      {"twice", {{"Cookie", "__Host-sallyport-access=x; __Host-sallyport-access=x"}}, malformed, "", ""},
      {"twice in two fields",
       {{"Cookie", "__Host-sallyport-access=x"}, {"Cookie", "__Host-sallyport-access=y"}},
       malformed,
       "",
       ""},
      {"quoted", {{"Cookie", "__Host-sallyport-access=\"x\""}}, malformed, "", ""},
      {"empty", {{"Cookie", "__Host-sallyport-access="}}, malformed, "", ""},
      {"without =", {{"Cookie", "__Host-sallyport-access"}}, malformed, "", ""},
      {"blank inside", {{"Cookie", "__Host-sallyport-access=x y"}}, malformed, "", ""},
      {"second =", {{"Cookie", "__Host-sallyport-access=x=y"}}, malformed, "", ""},
      {"another case is another cookie", {{"Cookie", "__host-sallyport-access=x"}}, absent, "", ""},
      {"in another's value", {{"Cookie", "a=__Host-sallyport-access=x"}}, absent, "", ""},
  };
  for (const Row& row : rows) {
    const RequestHead head = head_of(row.lines);
    const SessionCookies cookies = read_cookies(head);
    EXPECT_EQ(cookies.state, row.state) << row.name;
    EXPECT_EQ(cookies.access, row.access) << row.name;
    EXPECT_EQ(cookies.refresh, row.refresh) << row.name;
  }
}

TEST(Cookies, OursAreTakenOutAndTheOthersStayAsTheyWere) {
  EXPECT_EQ(without_our_cookies("a=b; __Host-sallyport-access=x; c=\"d e\"; f"), "a=b; c=\"d e\"; f");
  EXPECT_EQ(without_our_cookies("__Host-sallyport-access=x;__Host-sallyport-refresh=y"), "");
  EXPECT_EQ(without_our_cookies("__HOST-SALLYPORT-ACCESS=x; a=b"), "a=b");
  EXPECT_EQ(without_our_cookies("x__Host-sallyport-access=1"), "x__Host-sallyport-access=1");
}

TEST(Cookies, KnowsASetCookieOfOurs) {
  EXPECT_TRUE(sets_our_cookie("__Host-sallyport-access=x; Path=/"));
  EXPECT_TRUE(sets_our_cookie(" __host-Sallyport-Refresh =x"));
  EXPECT_TRUE(sets_our_cookie("__Host-sallyport-refresh"));
  EXPECT_FALSE(sets_our_cookie("a=__Host-sallyport-access"));
  EXPECT_FALSE(sets_our_cookie("__Host-sallyport-accessory=1"));
}

TEST(Cookies, LiveAsLongAsTheSession) {
  sessions::TokenPair pair;
  pair.access_token = "a.b.c";
  pair.refresh_token = "v1.r";
  pair.refresh_expires_in = std::chrono::seconds(90);
  EXPECT_EQ(
      cookie_lines(pair),
      "Set-Cookie: __Host-sallyport-access=a.b.c; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=90\r\n"
      "Set-Cookie: __Host-sallyport-refresh=v1.r; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=90\r\n"
      "Cache-Control: private, no-store\r\n");
  pair.refresh_expires_in.reset();
  EXPECT_NE(cookie_lines(pair).find("Max-Age=34560000\r\n"), std::string::npos);
}

TEST(Origins, OwnOrListedAndNoOther) {
  const std::vector<std::string> also{"https://app.example"};
  const auto allowed = [&](std::vector<Line> lines, bool https, std::string_view authority) {
    RequestHead head = head_of(std::move(lines));
    head.authority = authority;
    return origin_allowed(head, https, also);
  };
  EXPECT_TRUE(allowed({{"Origin", "https://a.example"}}, true, "A.example:443"));
  EXPECT_TRUE(allowed({{"Origin", "http://a.example:8080"}}, false, "a.example:8080"));
  EXPECT_TRUE(allowed({{"Origin", "https://app.example"}}, false, "a.example"));
  EXPECT_FALSE(allowed({}, true, "a.example"));
  EXPECT_FALSE(allowed({{"Origin", "null"}}, true, "a.example"));
  EXPECT_FALSE(allowed({{"Origin", "http://a.example"}}, true, "a.example"));
  EXPECT_FALSE(allowed({{"Origin", "https://a.example"}}, false, "a.example"));
  EXPECT_FALSE(allowed({{"Origin", "https://b.a.example"}}, true, "a.example"));
  EXPECT_FALSE(allowed({{"Origin", "https://a.example:444"}}, true, "a.example"));
  EXPECT_FALSE(allowed({{"Origin", "https://"}}, true, ""));
  EXPECT_FALSE(
      allowed({{"Origin", "https://a.example"}, {"Origin", "https://a.example"}}, true, "a.example"));
}

TEST(LoginPage, ANavigationIsSentThereWithAWayBackOfThisOriginOnly) {
  config::AuthEndpoints auth;
  auth.cookies.on = true;
  auth.cookies.login_page = "own";
  EXPECT_EQ(login_page_of(auth), "/auth/account");
  const auto location = [&](std::string_view path, std::string_view query = {}) {
    RequestHead head = head_of({{"Sec-Fetch-Mode", "navigate"}});
    head.raw_path = path;
    return login_location(head, auth, query);
  };
  EXPECT_EQ(location("/a b", "x=1&y=2"), "/auth/account?return_to=/a%20b%3Fx%3D1%26y%3D2");
  EXPECT_EQ(location("//evil.example/"), "/auth/account");
  EXPECT_EQ(location("/\\evil.example"), "/auth/account");
  EXPECT_EQ(location("/auth/account"), std::nullopt);
  auth.cookies.login_page = "https://login.example/?lang=en";
  EXPECT_EQ(location("/x"), "https://login.example/?lang=en&return_to=/x");
  auth.cookies.login_page.clear();
  EXPECT_EQ(location("/x"), std::nullopt);
}

TEST(LoginPage, IsForNavigationsAlone) {
  config::AuthEndpoints auth;
  auth.cookies.on = true;
  auth.cookies.login_page = "/login";
  const auto sent = [&](std::vector<Line> lines, std::string_view method = "GET") {
    return login_location(head_of(std::move(lines), method), auth, {}).has_value();
  };
  EXPECT_TRUE(sent({{"Accept", "text/html,application/xhtml+xml"}}));
  EXPECT_FALSE(sent({{"Accept", "application/json"}}));
  EXPECT_FALSE(sent({}));
  EXPECT_FALSE(sent({{"Accept", "text/html"}, {"Sec-Fetch-Mode", "cors"}}));
  EXPECT_FALSE(sent({{"Sec-Fetch-Mode", "navigate"}}, "POST"));
  EXPECT_FALSE(sent({{"Sec-Fetch-Mode", "navigate"}, {"Authorization", "Bearer x"}}));
}

}  // namespace
}  // namespace sallyport::gateway
