// The admin listener's acts on users and sessions, its revocations, and what it tells of requests and
// upstreams (CONTRACT section 7).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <regex>

#include "tests/integration/fleet.hpp"
#include "tests/support/gateway_process.hpp"
#include "tests/support/http_client.hpp"
#include "tests/support/origin.hpp"
#include "tests/support/redis_server.hpp"

namespace sallyport::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kToken = "the-admin-token-of-the-test";

class AdminPeople : public ::testing::Test {
 protected:
  AdminPeople() {
    GatewayOptions how;
    how.wait_for = "ready:";
    gateway_ = std::make_unique<GatewayProcess>(
        SALLYPORT_BINARY,
        "workers: 2\nlisteners: [{address: \"127.0.0.1:0\"}]\nstore: \"memory:\"\nadmin: {address: "
        "\"127.0.0.1:" +
            std::to_string(port_) + "\", token: " + kToken +
            "}\ntokens: {issuer: \"https://gw.example\", audience: [api], signing: {keys: keys/}}\n"
            "users: {registration: true, new: {roles: [user]}, reset: {page: "
            "\"https://app.example/reset\"}}\nupstreams: {api: {servers: [\"" +
            origin_.url() +
            "\", \"http://127.0.0.1:9\"], retry: {attempts: 2}}}\nroutes:\n"
            "  - {path: /api/, upstream: api, auth: required}\n",
        how);
  }
  Response admin(const std::string& method, const std::string& path, const std::string& body = {}) const {
    return HttpClient(port_).call(
        method, path, {{"Host", "127.0.0.1"}, {"Authorization", std::string("Bearer ") + kToken}}, body);
  }
  HttpClient client() const { return HttpClient(gateway_->port()); }
  Response login(const std::string& name) const {
    const std::string who = R"({"username":")" + name + R"(","password":"correct horse battery"})";
    (void)client().post("/auth/register", who);  // taken the second time
    return client().post("/auth/login", who);
  }
  unsigned call(const Response& pair) const {
    return client().get("/api/x", bearer(pair.text("access_token"))).status;
  }
  std::string metrics() const { return HttpClient(port_).get("/metrics").body; }

  Origin origin_;
  std::uint16_t port_ = free_port();
  std::unique_ptr<GatewayProcess> gateway_;
};

TEST_F(AdminPeople, UsersAreListedAndFound) {
  for (const char* name : {"ada", "grace", "adam"}) (void)login(name);
  EXPECT_EQ(admin("GET", "/admin/users").json().at("users").as_array().size(), 3u);
  EXPECT_EQ(admin("GET", "/admin/users?search=ADA").json().at("users").as_array().size(), 2u);
  const Response one = admin("GET", "/admin/users/grace");
  EXPECT_EQ(one.text("name"), "grace");
  EXPECT_EQ(one.json().at("sessions").as_array().size(), 1u);
  EXPECT_THAT(one.body, Not(HasSubstr("argon2")));
  EXPECT_EQ(admin("GET", "/admin/users/nobody").status, 404);
  (void)login("ada+shop");
  for (const char* path : {"/admin/users/ada+shop", "/admin/users/ada%2Bshop"})
    EXPECT_EQ(admin("GET", path).text("name"), "ada+shop") << path;
}

TEST_F(AdminPeople, PagesLeadOn) {
  for (const char* name : {"ada", "grace", "adam"}) (void)login(name);
  std::size_t seen = 0;
  std::string cursor;
  for (int pages = 0; pages < 5; ++pages) {
    const Response page = admin("GET", "/admin/users?limit=1" + (cursor.empty() ? "" : "&cursor=" + cursor));
    const auto document = page.json();
    seen += document.at("users").as_array().size();
    const auto* next = document.as_object().if_contains("next");
    if (next == nullptr) break;
    cursor = std::string(next->as_string());
  }
  EXPECT_EQ(seen, 3u);
}

TEST_F(AdminPeople, SessionsEndOneByOneAndAll) {
  const Response one = login("ada"), two = login("ada"), three = login("ada");
  EXPECT_EQ(admin("DELETE", "/admin/sessions/" + one.text("session_id")).status, 200);
  EXPECT_EQ(call(one), 401u) << "at once, in every worker";
  EXPECT_EQ(call(two), 200u);
  const Response ended = admin("DELETE", "/admin/users/ada/sessions");
  EXPECT_EQ(ended.json().at("ended").to_number<int>(), 2);
  EXPECT_EQ(call(two), 401u);
  EXPECT_EQ(call(three), 401u);
  EXPECT_EQ(admin("DELETE", "/admin/sessions/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA").status, 404);
}

TEST_F(AdminPeople, ADisabledUserIsOutAndMayComeBack) {
  const Response pair = login("ada");
  EXPECT_EQ(admin("POST", "/admin/users/ada/disable").status, 200);
  EXPECT_EQ(call(pair), 401u);
  EXPECT_EQ(login("ada").status, 403);
  EXPECT_EQ(admin("POST", "/admin/users/ada/enable").status, 200);
  EXPECT_EQ(login("ada").status, 200);
  EXPECT_TRUE(gateway_->wait_for_log("user_disabled")) << "in the audit log";
}

TEST_F(AdminPeople, AResetTokenIsForWhoeverForgotThePassword) {
  const Response pair = login("ada");
  const Response issued = admin("POST", "/admin/users/ada/reset-token");
  ASSERT_EQ(issued.status, 200) << issued.raw;
  const std::string token = issued.text("token");
  EXPECT_EQ(issued.text("link"), "https://app.example/reset?token=" + token);
  EXPECT_EQ(issued.json().at("expires_in").to_number<int>(), 3600);
  const std::string wanted = R"({"token":")" + token + R"(","new_password":"a new horse battery"})";
  EXPECT_EQ(client().post("/auth/password/reset", wanted).status, 204);
  EXPECT_EQ(call(pair), 401u) << "a new password ends the sessions";
  EXPECT_EQ(client().post("/auth/login", R"({"username":"ada","password":"a new horse battery"})").status,
            200);
  EXPECT_EQ(client().post("/auth/password/reset", wanted).status, 422) << "once";

  EXPECT_EQ(admin("GET", "/admin/users/ada/reset-token").status, 405);
  EXPECT_EQ(admin("POST", "/admin/users/nobody/reset-token").status, 404);
  (void)admin("POST", "/admin/users/ada/disable");
  EXPECT_EQ(admin("POST", "/admin/users/ada/reset-token").status, 409);
  EXPECT_TRUE(gateway_->wait_for_log("password_reset_issued"));
  EXPECT_THAT(gateway_->log() + gateway_->access_log(), Not(HasSubstr(token)));
}

TEST_F(AdminPeople, RevocationsOfEachKind) {
  const Response token = login("ada"), session = login("ada"), other = login("grace");
  EXPECT_EQ(admin("POST", "/admin/revoke", R"({"token":")" + token.text("access_token") + "\"}").status, 200);
  EXPECT_EQ(call(token), 401u);
  EXPECT_EQ(call(session), 200u);
  EXPECT_EQ(admin("POST", "/admin/revoke", R"({"session":")" + session.text("session_id") + "\"}").status,
            200);
  EXPECT_EQ(call(session), 401u);
  EXPECT_EQ(call(other), 200u);
  EXPECT_EQ(admin("POST", "/admin/revoke", R"({"everything":true})").status, 200);
  EXPECT_EQ(call(other), 401u);
  EXPECT_EQ(call(login("grace")), 200u) << "a login after it works";
}

TEST_F(AdminPeople, ARevocationMustNameOneThing) {
  for (const char* body : {"{}", R"({"user":"ada","everything":true})", R"({"token":"x.y"})",
                           R"({"user":"ada","issuer":"https://nobody.example"})"})
    EXPECT_EQ(admin("POST", "/admin/revoke", body).status, 422) << body;
  EXPECT_EQ(admin("POST", "/admin/revoke", "[").status, 400);
  EXPECT_EQ(admin("POST", "/admin/revoke", std::string(100'000, ' ')).status, 400);
  EXPECT_EQ(admin("GET", "/admin/revoke").status, 405);
  EXPECT_EQ(HttpClient(port_).post("/admin/revoke", R"({"everything":true})").status, 401);
}

TEST_F(AdminPeople, MetricsCountRequestsByRouteStatusAndReason) {
  const Response pair = login("ada");
  EXPECT_EQ(call(pair), 200u);
  EXPECT_EQ(client().get("/api/x").status, 401);
  EXPECT_EQ(client().get("/nowhere").status, 404);
  const std::string text = metrics();
  EXPECT_THAT(text, HasSubstr("sallyport_requests_total{route=\"/api/\",status=\"200\",reason=\"\"} 1"));
  EXPECT_THAT(text, HasSubstr("{route=\"/api/\",status=\"401\",reason=\"token_missing\"} 1"));
  EXPECT_THAT(text, HasSubstr("{route=\"@login\",status=\"200\",reason=\"\"} 1"));
  EXPECT_THAT(text, HasSubstr("{route=\"@none\",status=\"404\",reason=\"not_found\"} 1"));
  EXPECT_THAT(text, HasSubstr("sallyport_request_duration_seconds_count{route=\"/api/\"} 2"));
  EXPECT_THAT(text, HasSubstr("sallyport_upstream_duration_seconds_count{route=\"/api/\"} 1"));
}

TEST_F(AdminPeople, UpstreamsAreToldServerByServer) {
  for (int i = 0; i < 4; ++i) (void)call(login("ada"));
  const auto upstream = admin("GET", "/admin/upstreams").json().at("upstreams").at(0);
  EXPECT_EQ(upstream.at("name").as_string(), "api");
  EXPECT_EQ(upstream.at("servers").as_array().size(), 2u);
  EXPECT_EQ(upstream.at("servers").at(0).at("state").as_string(), "well");
  EXPECT_THAT(metrics(),
              HasSubstr("sallyport_upstream_server_up{upstream=\"api\",server=\"" + origin_.url() + "\"} 1"));
}

// What an operator's dashboard and alerts look at is really there: all of it, once there was something to
// count.
TEST(AdminMetrics, DashboardAndAlertsNameMetricsThatThereAre) {
  RedisServer redis;
  const std::uint16_t port = free_port();
  Fleet fleet(redis.url(), {.more = "admin: {address: \"127.0.0.1:" + std::to_string(port) + "\"}\n"});
  fleet.add();
  EXPECT_EQ(fleet.call(0, fleet.login(0, "ada").access).status, 200);
  const std::string told = HttpClient(port).get("/metrics").body;
  const std::regex name("sallyport_[a-z_]+");
  std::size_t named = 0;
  for (const char* file : {"grafana.json", "alerts.yaml"}) {
    std::ifstream in(std::string(SALLYPORT_SOURCE_DIR "/config/deploy/") + file);
    const std::string text((std::istreambuf_iterator<char>(in)), {});
    for (std::sregex_iterator it(text.begin(), text.end(), name), end; it != end; ++it, ++named)
      EXPECT_NE(told.find("\n" + it->str()), told.npos) << file << " names " << it->str();
  }
  EXPECT_GT(named, 30u);
  EXPECT_THAT(told, HasSubstr("\nsallyport_auth_events_total{event=\"login\"} 1\n"));
  EXPECT_THAT(told, Not(HasSubstr("\nsallyport_store_duration_seconds_count 0\n")));
}

}  // namespace
}  // namespace sallyport::testing
