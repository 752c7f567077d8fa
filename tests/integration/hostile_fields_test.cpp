// Text that means something to a database, a header, a log or a terminal, in every field that a stranger can
// fill: it is refused or kept as text, and never becomes anything else (S4.3, SECURITY S12 to S14, O2).
#include <gtest/gtest.h>

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <sstream>

#include "tests/integration/fleet.hpp"

namespace sallyport::testing {
namespace {

constexpr const char* kPassword = "correct horse battery";

struct Hostile {
  const char* name;
  std::string text;
  bool clean = true;  // text without control characters, short: a profile value may be so
};

const std::vector<Hostile>& hostiles() {
  using namespace std::string_literals;
  static const std::vector<Hostile> all{
      {"sql", "' OR '1'='1' -- "},
      {"sql, stacked", "ada'; DROP TABLE users; --"},
      {"redis protocol", "ada\r\nFLUSHALL\r\n"s, false},
      {"header lines", "ada\r\nSet-Cookie: a=b\r\nX-Auth-Roles: admin"s, false},
      {"a log line", "ada\n{\"act\":\"login\",\"user\":\"root\"}"s, false},
      {"a terminal's escape", "ada\x1b[2J\x1b]0;gone\x07"s, false},
      {"a NUL", "ada\0admin"s, false},
      {"a C1 control",
       "ada\xC2\x9B"
       "31m"s,
       false},
      {"markup", "<script>alert(1)</script>"},
      {"a format", "%s%n%x{}{0}${jndi:ldap://x}"},
      {"a wildcard", "*"},
      {"a path", "../../etc/passwd"},
      {"a look-alike",
       "\xD0\xB0"
       "da"s},  // Cyrillic a
      {"a ligature",
       "\xEF\xAC\x81"
       "nn"s},  // fi: another name under NFKC
      {"a name turned round",
       "\xE2\x80\xAE"
       "ada"s},                                     // RIGHT-TO-LEFT OVERRIDE
      {"a blank of no width", "ada\xE2\x80\x8B"s},  // ZERO WIDTH SPACE
      {"long", std::string(3000, 'a'), false},
  };
  return all;
}

std::string body(boost::json::object object) { return boost::json::serialize(object); }

class HostileFields : public ::testing::Test {
 protected:
  // Tokens carry the profile; the account's own users section is the fleet's.
  HostileFields() : fleet_("sqlite:" + (state_ / "state.db"), {}) {
    fleet_.add();
    pair_ = fleet_.login(0, "ada");
  }

  Response post(std::string_view path, const std::string& json, const Headers& headers = {}) {
    return HttpClient(fleet_[0].port()).post(path, json, headers);
  }
  // Judged, answered once, and nothing of the text has become a header.
  void expect_judged(const Response& response, std::initializer_list<int> allowed, const char* what) {
    EXPECT_NE(std::find(allowed.begin(), allowed.end(), response.status), allowed.end())
        << what << ": " << response.raw;
    EXPECT_FALSE(response.headers.has("Set-Cookie")) << what;
    EXPECT_FALSE(response.headers.has("X-Auth-Roles")) << what;
  }
  // The gateway still knows ada, and only her.
  void expect_unharmed(const char* what) {
    EXPECT_EQ(HttpClient(fleet_[0].port()).get("/auth/me", bearer(pair_.access)).status, 200) << what;
  }

  TempDir state_;
  Fleet fleet_;
  Pair pair_;
};

TEST_F(HostileFields, ANameOfThemIsNeverAUser) {
  for (const auto& [name, text, clean] : hostiles()) {
    const std::string wanted = body({{"username", text}, {"password", kPassword}});
    const Response registered = post("/auth/register", wanted);
    expect_judged(registered, {422}, name);
    EXPECT_TRUE(registered.json().at("fields").as_object().contains("username")) << name;
    expect_unharmed(name);
  }
}

TEST_F(HostileFields, ALoginWithThemIsAnUnknownUser) {
  for (const auto& [name, text, clean] : hostiles()) {
    expect_judged(post("/auth/login", body({{"username", text}, {"password", kPassword}})), {401}, name);
  }
  expect_unharmed("all of them");
}

TEST_F(HostileFields, APasswordOfThemIsTextOrRefused) {
  for (const auto& [name, text, clean] : hostiles()) {
    const Response changed =
        post("/auth/password", body({{"current_password", kPassword}, {"new_password", text}}),
             bearer(pair_.access));
    // All but the long ones and those with control characters may be passwords; most are too short.
    expect_judged(changed, {204, 422}, name);
    EXPECT_TRUE(clean || changed.status == 422) << name;
    if (changed.status == 204) {
      const Response back =
          post("/auth/password", body({{"current_password", text}, {"new_password", kPassword}}),
               bearer(pair_.access));
      EXPECT_EQ(back.status, 204) << name << ": " << back.raw;
    }
  }
}

TEST_F(HostileFields, ADeviceOfThemIsShownAsTextOrCut) {
  for (const auto& [name, text, clean] : hostiles()) {
    const Response opened =
        post("/auth/login", body({{"username", "ada"}, {"password", kPassword}, {"device", text}}));
    expect_judged(opened, {200, 422}, name);
  }
  const Response sessions = HttpClient(fleet_[0].port()).get("/auth/sessions", bearer(pair_.access));
  EXPECT_EQ(sessions.status, 200) << sessions.raw;
}

TEST_F(HostileFields, TokensOfThemAreRefused) {
  for (const auto& [name, text, clean] : hostiles()) {
    expect_judged(post("/auth/refresh", body({{"refresh_token", text}})), {401}, name);
    expect_judged(post("/auth/refresh", body({{"refresh_token", pair_.refresh}, {"access_token", text}})),
                  {400, 401}, name);
    expect_judged(post("/auth/logout", body({{"refresh_token", text}})), {400, 401}, name);
  }
  expect_unharmed("all of them");
}

TEST_F(HostileFields, OtherTypesAreNamedAndDeepOnesRefused) {
  for (const char* value : {"7", "true", "[]", "{}", "[\"ada\"]", "{\"$ne\":\"\"}", "null", "1e400"}) {
    const Response login = post(
        "/auth/login", R"({"username":)" + std::string(value) + R"(,"password":"correct horse battery"})");
    expect_judged(login, {400, 422}, value);
    const Response password =
        post("/auth/login", R"({"username":"ada","password":)" + std::string(value) + "}");
    expect_judged(password, {400, 422}, value);
  }
  const std::string deep = R"({"username":)" + std::string(5000, '[') + std::string(5000, ']') + "}";
  expect_judged(post("/auth/login", deep), {400}, "deep");
}

TEST_F(HostileFields, LeaveEveryLineOfTheLogsOneJsonObject) {
  for (const auto& [name, text, clean] : hostiles()) {
    if (!clean)
      post("/auth/login", body({{"username", text}, {"password", kPassword}}), {{"User-Agent", "a\"b"}});
  }
  fleet_[0].stop();
  std::istringstream log(fleet_[0].access_log());
  std::string line;
  std::size_t failed = 0;
  while (std::getline(log, line)) {
    boost::system::error_code ec;
    const auto parsed = boost::json::parse(line, ec);
    EXPECT_FALSE(ec) << line;
    if (ec || !parsed.is_object()) continue;
    const auto* act = parsed.as_object().if_contains("act");
    if (act != nullptr && *act == "login_failed") ++failed;
    const auto* user = parsed.as_object().if_contains("user");
    EXPECT_FALSE(user != nullptr && *user == "root") << line;
  }
  EXPECT_EQ(failed, 7u);
}

}  // namespace
}  // namespace sallyport::testing
