// Cookie mode from outside (CONTRACT section 2): the pair in cookies, silent refresh, who may act with them,
// and what never passes. S1.16, S1.28, S1.32.
#include <gtest/gtest.h>

#include <map>
#include <thread>

#include "tests/integration/fleet.hpp"
#include "tests/support/jwt.hpp"

namespace sallyport::testing {
namespace {

constexpr std::string_view kOrigin = "http://test.example";
constexpr std::string_view kAccess = "__Host-sallyport-access";
constexpr std::string_view kRefresh = "__Host-sallyport-refresh";

// A browser's jar, as far as our cookies go.
struct Jar {
  std::map<std::string, std::string> cookies;

  void take(const Response& response) {
    for (const std::string& line : response.headers.all("Set-Cookie")) {
      const std::size_t equals = line.find('=');
      const std::string name = line.substr(0, equals);
      const std::string value = line.substr(equals + 1, line.find(';') - equals - 1);
      if (line.find("Max-Age=0") != line.npos)
        cookies.erase(name);
      else
        cookies[name] = value;
    }
  }
  std::string text() const {
    std::string all;
    for (const auto& [name, value] : cookies) all += (all.empty() ? "" : "; ") + name + "=" + value;
    return all;
  }
  bool has_pair() const {
    return cookies.contains(std::string(kAccess)) && cookies.contains(std::string(kRefresh));
  }
  std::string& operator[](std::string_view name) { return cookies[std::string(name)]; }
};

class CookieMode : public ::testing::Test {
 protected:
  explicit CookieMode(std::string access_ttl = "10m")
      : fleet_("sqlite:" + (state_ / "state.db"),
               {.access_ttl = std::move(access_ttl),
                .more = "auth: {cookies: {origins: [\"https://app.test\"], login_page: \"/login?x=1\"}}\n",
                .routes = "  - {path: /open/, upstream: api, auth: none}\n"
                          "  - {path: /maybe/, upstream: api, auth: optional}\n"}) {
    fleet_.add();
    const HttpClient client(fleet_[0].port());
    client.post("/auth/register", credentials("ada"), {{"Origin", std::string(kOrigin)}});
    const Response login = client.post("/auth/login", credentials("ada"), {{"Origin", std::string(kOrigin)}});
    EXPECT_EQ(login.status, 200) << login.raw;
    login_ = login;
    jar_.take(login);
  }

  Headers with(Headers headers = {}) const {
    headers.add("Cookie", jar_.text());
    return headers;
  }
  Response get(std::string_view target, Headers headers = {}) {
    return HttpClient(fleet_[0].port()).get(target, with(std::move(headers)));
  }
  Response post(std::string_view target, std::string_view body = {}, std::string_view origin = kOrigin) {
    Headers headers;
    if (!origin.empty()) headers.add("Origin", std::string(origin));
    return HttpClient(fleet_[0].port()).post(target, body, with(std::move(headers)));
  }

  TempDir state_;
  Fleet fleet_;
  Response login_;
  Jar jar_;
};

class ShortCookies : public CookieMode {  // expired, the clock skew of 5 s granted, by waiting is too slow
 protected:
  ShortCookies() : CookieMode("1s") {}
};

TEST_F(CookieMode, LoginSetsThePairBesideTheBody) {
  const auto lines = login_.headers.all("Set-Cookie");
  ASSERT_EQ(lines.size(), 2u) << login_.raw;
  for (const std::string& line : lines) {
    EXPECT_EQ(line.find("__Host-sallyport-"), 0u) << line;
    for (const char* word : {"; Path=/", "; Secure", "; HttpOnly", "; SameSite=Lax", "; Max-Age="})
      EXPECT_NE(line.find(word), line.npos) << line;
    EXPECT_EQ(line.find("Domain"), line.npos);
  }
  EXPECT_EQ(jar_[kAccess], login_.text("access_token"));
  EXPECT_EQ(jar_[kRefresh], login_.text("refresh_token"));
  EXPECT_EQ(login_.headers.all("Cache-Control"), std::vector<std::string>{"private, no-store"});
}

TEST_F(CookieMode, TheCookieIsTheCredentialAndOursNeverReachTheUpstream) {
  const Response answer = get("/api/x", {{"Cookie", "theme=dark; lang=en"}});
  ASSERT_EQ(answer.status, 200) << answer.raw;
  const RecordedRequest seen = fleet_.origin().last();
  EXPECT_EQ(seen.headers.get("X-Auth-Roles"), "user");
  EXPECT_EQ(seen.headers.all("Cookie"), std::vector<std::string>{"theme=dark; lang=en"});
  EXPECT_EQ(seen.raw.find("__Host-sallyport"), seen.raw.npos);
  // Nor on a route that reads no credential.
  EXPECT_EQ(get("/open/x").status, 200);
  EXPECT_FALSE(fleet_.origin().last().headers.has("Cookie"));
  EXPECT_FALSE(fleet_.origin().last().headers.has("X-Auth-Subject"));
}

TEST_F(CookieMode, AnUpstreamCannotSetOurCookies) {
  Answer answer;
  answer.headers.add("Set-Cookie", "__Host-sallyport-access=evil; Path=/; Secure");
  answer.headers.add("Set-Cookie", "__host-SALLYPORT-refresh=evil; Path=/; Secure");
  answer.headers.add("Set-Cookie", "theirs=1");
  fleet_.origin().on("/api/sets", answer);
  EXPECT_EQ(get("/api/sets").headers.all("Set-Cookie"), std::vector<std::string>{"theirs=1"});
}

TEST_F(CookieMode, AuthorizationBeatsTheCookie) {
  const Response answer = get("/api/x", bearer("not.a.token"));
  EXPECT_EQ(answer.status, 401) << answer.raw;
  EXPECT_EQ(error_of(answer), "token_invalid");
}

TEST_F(CookieMode, WhatChangesSomethingNeedsAnOriginOfOurs) {
  for (const char* origin :
       {"", "https://evil.test", "null", "https://test.example", "http://test.example.evil"}) {
    const Response refused = post("/api/x", "{}", origin);
    EXPECT_EQ(refused.status, 403) << origin;
    EXPECT_EQ(error_of(refused), "origin_refused") << origin;
    EXPECT_EQ(error_of(post("/auth/logout", "", origin)), "origin_refused") << origin;
    EXPECT_EQ(error_of(post("/auth/refresh", "{}", origin)), "origin_refused") << origin;
    EXPECT_EQ(error_of(post("/auth/ticket", "{}", origin)), "origin_refused") << origin;
  }
  EXPECT_EQ(post("/api/x", "{}").status, 200);
  EXPECT_EQ(post("/api/x", "{}", "https://app.test").status, 200);
  EXPECT_EQ(get("/api/x", {{"Origin", "https://evil.test"}}).status, 200);  // it only reads
}

TEST_F(CookieMode, EveryUpgradeAndEveryLoginNeedsOne) {
  const Headers upgrade{{"Connection", "Upgrade"},
                        {"Upgrade", "websocket"},
                        {"Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="},
                        {"Sec-WebSocket-Version", "13"}};
  Headers foreign = upgrade;
  foreign.add("Origin", "https://evil.test");
  EXPECT_EQ(error_of(get("/api/ws", foreign)), "origin_refused");
  Headers own = upgrade;
  own.add("Origin", std::string(kOrigin));
  EXPECT_NE(get("/api/ws", own).status, 403);
  const HttpClient client(fleet_[0].port());
  EXPECT_EQ(error_of(client.post("/auth/login", credentials("ada"))), "origin_refused");
  EXPECT_EQ(error_of(client.post("/auth/login", credentials("ada"), {{"Origin", "https://evil.test"}})),
            "origin_refused");
}

TEST_F(CookieMode, AClientWithoutCookiesRefreshesByBodyAndGetsNone) {
  const Response answer = fleet_.refresh(0, login_.text("refresh_token"));
  EXPECT_EQ(answer.status, 200) << answer.raw;
  EXPECT_FALSE(answer.headers.has("Set-Cookie"));
}

TEST_F(CookieMode, DoubledOrForeignValuesAreRefused) {
  const HttpClient client(fleet_[0].port());
  const std::string twice = std::string(kAccess) + "=a; " + std::string(kAccess) + "=b";
  EXPECT_EQ(error_of(client.get("/api/x", {{"Cookie", twice}})), "token_malformed");
  EXPECT_EQ(error_of(client.get("/api/x", {{"Cookie", std::string(kAccess) + "=\"a b\""}})),
            "token_malformed");
}

TEST_F(CookieMode, ATicketAndTheSessionsAreToBeHadByCookie) {
  EXPECT_EQ(post("/auth/ticket", R"({"path":"/api/ws"})").status, 200);
  EXPECT_EQ(get("/auth/sessions").json().at("sessions").as_array().size(), 1u);
  EXPECT_EQ(get("/auth/me").status, 200);
}

TEST_F(CookieMode, LogoutEndsTheSessionAndTheCookies) {
  const std::string access = jar_[kAccess];
  const Response done = post("/auth/logout");
  ASSERT_EQ(done.status, 204) << done.raw;
  jar_.take(done);
  EXPECT_TRUE(jar_.cookies.empty());
  EXPECT_EQ(error_of(fleet_.call(0, access)), "token_revoked");
}

TEST_F(CookieMode, ANavigationWithoutASessionGoesToTheLoginPageAndBack) {
  const HttpClient client(fleet_[0].port());
  const Response sent = client.get("/api/orders?page=2&x=a%20b", {{"Sec-Fetch-Mode", "navigate"}});
  EXPECT_EQ(sent.status, 302) << sent.raw;
  EXPECT_EQ(sent.header("Location"), "/login?x=1&return_to=/api/orders%3Fpage%3D2%26x%3Da%2520b");
  EXPECT_EQ(client.get("/api/x", {{"Accept", "text/html,*/*"}}).status, 302);
  EXPECT_EQ(client.get("/api/x", {{"Accept", "text/html"}, {"Sec-Fetch-Mode", "cors"}}).status, 401);
  EXPECT_EQ(client.get("/api/x", {{"Accept", "application/json"}}).status, 401);
  EXPECT_EQ(client.call("POST", "/api/x", {{"Sec-Fetch-Mode", "navigate"}}).status, 401);
}

TEST_F(CookieMode, WithoutTheAccessCookieTheRefreshCookieBringsAPair) {  // S1.28: no client code
  Answer answer;
  answer.headers.add("Cache-Control", "public, max-age=600");
  fleet_.origin().on("/api/page", answer);
  jar_.cookies.erase(std::string(kAccess));
  const Response page = get("/api/page");
  ASSERT_EQ(page.status, 200) << page.raw;
  EXPECT_EQ(page.headers.all("Cache-Control"), std::vector<std::string>{"private, no-store"});
  jar_.take(page);
  EXPECT_TRUE(jar_.has_pair());
  EXPECT_EQ(fleet_.origin().last().headers.get("X-Auth-Roles"), "user");
  EXPECT_EQ(get("/api/page").headers.all("Cache-Control"), std::vector<std::string>{"public, max-age=600"});
}

TEST_F(CookieMode, APostIsReplayedWholeAfterASilentRefresh) {  // S1.28
  jar_.cookies.erase(std::string(kAccess));
  const Response answer = post("/api/orders", R"({"order":7})");
  ASSERT_EQ(answer.status, 200) << answer.raw;
  EXPECT_EQ(fleet_.origin().last().body, R"({"order":7})");
  EXPECT_EQ(answer.headers.all("Set-Cookie").size(), 2u);
}

TEST_F(CookieMode, ALostAnswerOfASilentRefreshLogsNobodyOut) {
  jar_.cookies.erase(std::string(kAccess));
  const Response lost = get("/api/x");
  const Response again = get("/api/x");  // the old cookie: the new one never arrived
  ASSERT_EQ(again.status, 200) << again.raw;
  Jar first, second;
  first.take(lost);
  second.take(again);
  EXPECT_EQ(first[kRefresh], second[kRefresh]);
}

TEST_F(CookieMode, ADeadSessionClearsItsCookies) {
  ASSERT_EQ(fleet_.logout(0, jar_[kAccess]).status, 204);
  jar_.cookies.erase(std::string(kAccess));
  const Response refused = get("/api/x");
  EXPECT_EQ(refused.status, 401) << refused.raw;
  jar_.take(refused);
  EXPECT_TRUE(jar_.cookies.empty());
}

TEST_F(ShortCookies, NearItsEndThePairIsRefreshedAndSixAtOnceGetOneSuccessor) {  // S1.32
  // Half of its second is over when the token's age says so; each poll is a request of its own.
  const auto end = std::chrono::steady_clock::now() + kPatience;
  Response page;
  do page = get("/api/x");
  while (!page.headers.has("Set-Cookie") && std::chrono::steady_clock::now() < end);
  ASSERT_TRUE(page.headers.has("Set-Cookie"));
  const std::string old = jar_[kRefresh];
  Jar expected;
  expected.take(page);
  std::vector<std::thread> tabs;
  std::vector<Response> answers(6);
  for (Response& answer : answers) tabs.emplace_back([&] { answer = get("/api/x"); });
  for (std::thread& tab : tabs) tab.join();
  for (const Response& answer : answers) {
    EXPECT_EQ(answer.status, 200) << answer.raw;
    Jar jar;
    jar.take(answer);
    EXPECT_EQ(jar[kRefresh], expected[kRefresh]);
    EXPECT_NE(jar[kRefresh], old);
  }
}

}  // namespace
}  // namespace sallyport::testing
