// A full run with a secret in every place that takes one, and everything that strangers, operators and logs
// were told of it: not one of the secrets is among that (SECURITY O2, CONTRACT sections 6 and 8).
#include <gtest/gtest.h>

#include <map>

#include "tests/integration/fleet.hpp"
#include "tests/support/jwt.hpp"
#include "tests/support/redis_server.hpp"

namespace sallyport::testing {
namespace {

constexpr const char* kAdmin = "admin-token-that-nobody-sees-0123456789";
constexpr const char* kWrap = "wrap-key-that-nobody-sees-0123456789abcdef";
constexpr const char* kRedis = "redis-password-that-nobody-sees";
constexpr const char* kClient = "client-secret-that-nobody-sees-0123456789";
constexpr const char* kHook = "webhook-secret-that-nobody-sees-0123456789";
constexpr const char* kCollector = "collector-key-that-nobody-sees-0123456789";
constexpr const char* kForeign = "foreign-secret-that-nobody-sees-0123456789";
constexpr const char* kPassword = "correct horse battery";
constexpr const char* kNewPassword = "another horse battery";
constexpr const char* kGuess = "a-guess-of-a-stranger";

class Secrets : public ::testing::Test {
 protected:
  Secrets()
      : redis_({.password = kRedis}),
        fleet_(redis_.url(),
               {.more =
                    "auth:\n  preset: oauth2\n  clients: {reports: {secret: \"" + std::string(kClient) +
                    "\", introspect: true}}\nadmin: {address: \"127.0.0.1:" + std::to_string(admin_port_) +
                    "\", token: " + kAdmin + "}\nlog: {level: debug, claims: [sub]}\ntracing: {endpoint: \"" +
                    mail_.url() + "/v1/traces\", sample: 1, headers: {X-Key: " + kCollector + "}}\n",
                .users = "{registration: true, new: {roles: [user]}, reset: on, webhook: {url: \"" +
                         mail_.url() + "/hook\", secret: " + kHook + "}}",
                .keys = "store, wrap_key: " + std::string(kWrap)}) {
    secrets_ = {{"the admin token", kAdmin},      {"the wrap key", kWrap},
                {"the store's password", kRedis}, {"a client's secret", kClient},
                {"the webhook's secret", kHook},  {"the collector's key", kCollector},
                {"the password", kPassword},      {"the new password", kNewPassword},
                {"a wrong password", kGuess}};
    fleet_.add();
    // Its keys come from the store, too.
    EXPECT_TRUE(poll_until([&] { return HttpClient(admin_port_).get("/readyz").status == 200; }));
  }

  HttpClient client() { return HttpClient(fleet_[0].port()); }
  // What was answered, head and body, is told to somebody who must not learn a secret by it.
  Response hear(Response response) {
    told_ += response.raw + "\n";
    return response;
  }
  // An answer that gives a secret to whom it belongs: to be found nowhere else from now on.
  Response keep(Response response, std::initializer_list<const char*> members) {
    EXPECT_LT(response.status, 300) << response.raw;
    for (const char* member : members)
      secrets_[std::string(member) + " of an answer"] = response.text(member);
    return response;
  }
  Response admin(const std::string& method, const std::string& path, const std::string& body = {}) {
    return hear(HttpClient(admin_port_)
                    .call(method, path,
                          {{"Host", "127.0.0.1"}, {"Authorization", std::string("Bearer ") + kAdmin}}, body));
  }
  void command(std::vector<std::string> words, const std::string& input = {}) {
    const Outcome outcome = fleet_[0].command(std::move(words), input);
    told_ += outcome.out + outcome.err;
  }

  std::uint16_t admin_port_ = free_port();
  RedisServer redis_;
  Origin mail_;
  Fleet fleet_;
  std::map<std::string, std::string> secrets_;
  std::string told_;
};

TEST_F(Secrets, AreToldByNoLogPageMetricOrCommand) {
  const std::string who = credentials("ada");
  hear(client().post("/auth/register", who));
  const Response first = keep(client().post("/auth/login", who), {"access_token", "refresh_token"});
  hear(client().post("/auth/login", R"({"username":"ada","password":")" + std::string(kGuess) + "\"}"));
  hear(
      client().post("/auth/login", R"({"username":"ada","password":")" + std::string(kPassword)));  // cut off
  const std::string access = first.text("access_token"), refresh = first.text("refresh_token");

  // Tokens where they belong, where they don't, and broken.
  hear(client().get("/api/x", bearer(access)));
  hear(client().get("/api/x?access_token=" + access));
  hear(client().get("/api/x", bearer(with_broken_signature(access))));
  hear(client().get("/api/x", {{"Authorization", "Bearer " + access + " " + refresh}}));
  hear(client().get("/api/x", {{"Authorization", "Basic " + access}}));
  hear(client().get("/api/x", {{"Cookie", "a=" + refresh}}));
  const std::string again = R"({"refresh_token":")" + refresh + "\"}";
  secrets_["a refreshed token"] = client().post("/auth/refresh", again).text("access_token");
  hear(client().post("/auth/refresh", R"({"refresh_token":")" + refresh + "x\"}"));
  hear(client().post("/auth/refresh", again + "x"));
  hear(client().post("/oauth2/introspect", "token=" + access,
                     {{"Content-Type", "application/x-www-form-urlencoded"},
                      {"Authorization", "Basic cmVwb3J0czpub25zZW5zZQ=="}}));
  const Response ticket =
      keep(client().post("/auth/ticket", R"({"path":"/api/x"})", bearer(access)), {"ticket"});
  hear(client().get("/api/x?ticket=" + ticket.text("ticket")));
  hear(client().get("/api/x?ticket=" + ticket.text("ticket")));  // the second time it is worth nothing

  // A reset, by webhook and by hand; a changed password.
  hear(client().post("/auth/password/reset-request", R"({"username":"ada"})"));
  const Response issued =
      keep(HttpClient(admin_port_)
               .call("POST", "/admin/users/ada/reset-token",
                     {{"Host", "127.0.0.1"}, {"Authorization", std::string("Bearer ") + kAdmin}}),
           {"token"});
  hear(client().post("/auth/password/reset",
                     R"({"token":")" + issued.text("token") + R"(","new_password":"short"})"));
  hear(client().post("/auth/password/reset", R"({"token":")" + issued.text("token") +
                                                 R"(","new_password":")" + kNewPassword + "\"}"));
  const Response after = keep(
      client().post("/auth/login", R"({"username":"ada","password":")" + std::string(kNewPassword) + "\"}"),
      {"access_token", "refresh_token"});
  hear(client().post("/auth/logout", "", bearer(after.text("access_token"))));
  hear(client().get("/api/x", bearer(after.text("access_token"))));

  // Operators: every document, acts, commands, good and bad reloads.
  for (const char* path : {"/admin/", "/admin/openapi.json", "/admin/config", "/admin/status",
                           "/admin/routes", "/admin/upstreams", "/admin/keys", "/admin/users",
                           "/admin/users/ada", "/admin/revocations", "/metrics", "/readyz"})
    EXPECT_EQ(admin("GET", path).status, 200) << path;
  admin("POST", "/admin/revoke", R"({"token":")" + access + "\"}");
  admin("POST", "/admin/revoke", R"({"token":")" + access);
  hear(HttpClient(admin_port_).get("/admin/config", bearer(std::string(kAdmin) + "x")));
  admin("POST", "/admin/reload");
  const std::string yaml = fleet_.yaml();
  fleet_[0].write_config(yaml + "nonsense: " + kForeign + "\nstore2: " + kRedis + "\n");
  admin("POST", "/admin/reload");
  command({"check"});
  fleet_[0].write_config(yaml);
  command({"check"});
  command({"explain", "GET", "https://host.test/api/x", "--token", access});
  command({"explain", "GET", "https://host.test/api/x?access_token=" + access});
  command({"token", "inspect", "-"}, access);
  command({"user", "list", "--json"});
  command({"keys", "list"});
  command({"ping"});
  redis_.kill();
  hear(client().post("/auth/login", who));
  command({"user", "list"});
  hear(client().get("/api/x", bearer(with_broken_signature(access))));
  fleet_[0].stop();

  std::string spans;
  for (const RecordedRequest& call : mail_.requests("/v1/traces")) spans += call.body;
  EXPECT_NE(spans.find("/api/x"), spans.npos);
  const std::string all = told_ + fleet_[0].log() + fleet_[0].access_log() + spans;
  EXPECT_GT(all.size(), 10'000u);
  for (const auto& [name, secret] : secrets_) {
    ASSERT_GT(secret.size(), 8u) << name;
    const std::size_t at = all.find(secret);
    EXPECT_EQ(at, all.npos) << name << " is told: ..." << all.substr(at < 200 ? 0 : at - 200, 300);
  }
}

}  // namespace
}  // namespace sallyport::testing
