// Reload of the running gateway (CONTRACT sections 1 and 6): by admin call, SIGHUP and file change; under
// load without losing a request or a stream; all or nothing; told in log, metrics and status.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <atomic>
#include <map>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "tests/integration/websocket_echo.hpp"
#include "tests/support/certificates.hpp"
#include "tests/support/gateway_process.hpp"
#include "tests/support/http_client.hpp"
#include "tests/support/jwt.hpp"
#include "tests/support/origin.hpp"
#include "tests/support/tls_client.hpp"

namespace sallyport::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kAdminToken = "the-admin-token-of-the-test";
constexpr const char* kSecret = "a-signing-secret-that-nobody-may-see";

// What a test writes anew; each member is YAML.
struct Settings {
  std::string listeners = "[{address: \"127.0.0.1:0\"}]";
  std::string admin_token = kAdminToken;
  std::string log = "{access: \"off\", level: info}";
  std::string tokens_more;
  std::string signing = std::string("{algorithm: HS256, key_id: main, secret: ") + kSecret + "}";
  std::string api_more;     // of the upstream
  std::string routes_more;  // lines of the list
  std::string allow = "{roles: [user]}";
  std::string more;  // further sections
};

class Reload : public ::testing::Test {
 protected:
  std::string yaml(const Settings& s) const {
    return "workers: 2\nlisteners: " + s.listeners +
           "\nstore: \"memory:\"\nadmin: {address: \"127.0.0.1:" + std::to_string(admin_port_) +
           "\", token: " + s.admin_token + "}\nlog: " + s.log +
           "\ntokens: {issuer: \"https://gw.example\", audience: [api], refresh: {keys: keys/}, signing: " +
           s.signing + s.tokens_more + "}\nusers: {registration: true, new: {roles: [user]}}\n" +
           "upstreams: {api: {servers: [\"" + origin_.url() + "\"]" + s.api_more +
           "}}\nroutes:\n  - {path: /open/, upstream: api, auth: none}\n"
           "  - {path: /api/, upstream: api, auth: required, allow: " +
           s.allow + "}\n" + s.routes_more + s.more;
  }
  void start(const Settings& settings, GatewayOptions how = {}) {
    how.wait_for = "ready:";
    gateway_ = std::make_unique<GatewayProcess>(SALLYPORT_BINARY, yaml(settings), how);
  }
  Response admin(const std::string& method, const std::string& path, const char* token = kAdminToken) const {
    return HttpClient(admin_port_)
        .call(method, path, {{"Host", "127.0.0.1"}, {"Authorization", std::string("Bearer ") + token}});
  }
  Response reload() const { return admin("POST", "/admin/reload"); }
  // Writes and loads. The watch may have loaded it already: what matters is that it is in force.
  void change_to(const Settings& settings) {
    gateway_->write_config(yaml(settings));
    const Response response = reload();
    ASSERT_EQ(response.status, 200) << response.body;
    EXPECT_EQ(response.text("outcome"), "success");
  }
  // The answer of a refused reload, every problem of it.
  std::string refusal_of(const std::string& text) {
    gateway_->write_config(text);
    const Response response = reload();
    EXPECT_EQ(response.status, 422) << response.body;
    std::string all;
    const boost::json::value json = response.json();
    for (const auto& problem : json.at("problems").as_array()) all += std::string(problem.as_string()) + "\n";
    return all;
  }
  HttpClient client() const { return HttpClient(gateway_->port()); }
  std::string metrics() const { return HttpClient(admin_port_).get("/metrics").body; }
  Response login(const std::string& name = "ada") const {
    const std::string who = R"({"username":")" + name + R"(","password":"correct horse battery"})";
    (void)client().post("/auth/register", who);  // taken the second time
    return client().post("/auth/login", who);
  }

  Origin origin_;
  std::uint16_t admin_port_ = free_port();
  std::unique_ptr<GatewayProcess> gateway_;
};

// --- under load

// Asks on one kept connection until told to stop; every answer must be whole and right.
void ask_until(const std::atomic<bool>& stop, std::uint16_t port, std::atomic<unsigned>& good,
               std::atomic<unsigned>& failed, std::mutex& mutex, std::string& why) {
  try {
    HttpConnection connection(port);
    while (!stop) {
      const Response response = connection.request("GET", "/open/load");
      if (response.status == 200 && response.body == "as ever") {
        ++good;
      } else {
        ++failed;
        const std::lock_guard lock(mutex);
        why = response.raw;
      }
    }
  } catch (const std::exception& error) {  // the connection was closed under a request
    ++failed;
    const std::lock_guard lock(mutex);
    why = error.what();
  }
}

TEST_F(Reload, FiftyTimesUnderLoadLosesNoRequestAndNoStream) {
  Answer answer;
  answer.body = "as ever";
  origin_.on("/open/load", answer);
  origin_.on("/open/ws", echo_frames);
  start({});
  std::vector<HttpConnection> sockets;
  for (int i = 0; i < 4; ++i) sockets.push_back(open_websocket(gateway_->port()));
  std::atomic<bool> stop = false;
  std::atomic<unsigned> good = 0, failed = 0;
  std::mutex mutex;
  std::string why;
  std::vector<std::jthread> clients;
  struct Stop {
    std::atomic<bool>& flag;
    ~Stop() { flag = true; }
  } at_the_end{stop};  // before the threads are joined, however the test ends
  for (int i = 0; i < 4; ++i)
    clients.emplace_back([&] { ask_until(stop, gateway_->port(), good, failed, mutex, why); });

  for (int i = 0; i < 50; ++i) {
    // The upstream under load is another one each time, and so are the routes.
    Settings next;
    next.api_more = ", queue: " + std::to_string(1000 + i);
    next.routes_more = "  - {path: /only/" + std::to_string(i) + ", upstream: api, auth: none}\n";
    change_to(next);
    EXPECT_EQ(client().get("/only/" + std::to_string(i)).status, 200);
    EXPECT_THAT(metrics(), HasSubstr("sallyport_config_last_reload_success 1"));
    EXPECT_TRUE(echoes(sockets[static_cast<std::size_t>(i) % sockets.size()], "still " + std::to_string(i)));
  }
  EXPECT_EQ(client().get("/only/48").status, 404) << "of an older configuration";
  const unsigned before = good;
  while (good < before + 20 && failed == 0) std::this_thread::yield();
  stop = true;
  for (std::jthread& one : clients) one.join();
  EXPECT_EQ(failed, 0u) << why;
  EXPECT_GE(good, 50u);
  for (HttpConnection& socket : sockets) EXPECT_TRUE(echoes(socket, "to the end"));
  const std::string figures = metrics();
  EXPECT_THAT(figures, HasSubstr("sallyport_config_reloads_total{outcome=\"failure\"} 0"));
  RecordProperty("requests", static_cast<int>(good));
}

// What a scrape tells: its families in their order, and every series that may only grow.
struct Scrape {
  std::vector<std::string> families;
  std::map<std::string, double> counters;
  std::string last;  // the name of its last sample
};

Scrape read_scrape(const std::string& text) {
  Scrape scrape;
  std::map<std::string, std::string> types;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("# TYPE ")) {
      const std::size_t end = line.rfind(' ');
      scrape.families.push_back(line.substr(7, end - 7));
      types[scrape.families.back()] = line.substr(end + 1);
    }
    if (line.starts_with('#')) continue;
    const std::string series = line.substr(0, line.rfind(' '));
    scrape.last = series.substr(0, series.find('{'));
    std::string family = scrape.last;
    for (const std::string part : {"_bucket", "_sum", "_count"})
      if (family.ends_with(part) && types[family.substr(0, family.size() - part.size())] == "histogram")
        family.resize(family.size() - part.size());
    if (types[family] == "counter" || types[family] == "histogram")
      scrape.counters[series] = std::stod(line.substr(series.size()));
  }
  return scrape;
}

TEST_F(Reload, AScrapeMeanwhileIsWholeAndNoCounterFalls) {
  start({});
  const std::string token = login().text("access_token");
  std::atomic<int> reloads = 0;
  std::atomic<bool> over = false;
  std::jthread reloader([&] {
    // Other upstreams and other routes each time, so that workers have something to take up.
    for (int i = 0; i < 20; ++i) {
      gateway_->write_config(
          yaml({.api_more = ", queue: " + std::to_string(1000 + i),
                .routes_more = "  - {path: /only/" + std::to_string(i) + ", upstream: api, auth: none}\n"}));
      gateway_->signal(SIGHUP);
      if (gateway_->wait_for_log("reload (SIGHUP): ", static_cast<std::size_t>(i) + 1)) ++reloads;
    }
    over = true;
  });
  Scrape before = read_scrape(metrics());
  int scrapes = 0;
  for (; scrapes < 100 || !over; ++scrapes) {
    (void)client().get("/open/x");
    (void)client().get("/api/x", bearer(token));
    (void)client().get("/only/" + std::to_string(reloads.load()));
    const Response response = HttpClient(admin_port_).get("/metrics");
    ASSERT_EQ(response.status, 200) << response.raw;
    ASSERT_TRUE(response.complete && response.body.ends_with('\n')) << response.raw;
    const Scrape now = read_scrape(response.body);
    ASSERT_EQ(now.families, before.families);
    ASSERT_EQ(now.last, "sallyport_upstream_connections_idle") << response.body;
    for (const auto& [series, value] : before.counters) {
      const auto found = now.counters.find(series);
      ASSERT_TRUE(found != now.counters.end()) << series << " is no more";
      ASSERT_GE(found->second, value) << series;
    }
    before = now;
  }
  reloader.join();
  EXPECT_EQ(reloads, 20);
  const Scrape last = read_scrape(metrics());
  EXPECT_GE(last.counters.at("sallyport_config_reloads_total{outcome=\"success\"}"), 20);
  const auto served = [&](const std::string& route) {
    return last.counters.at("sallyport_requests_total{route=\"" + route + "\",status=\"200\",reason=\"\"}");
  };
  EXPECT_EQ(served("/open/"), scrapes);
  EXPECT_EQ(served("/api/"), scrapes);
}

// A request goes on under what it began with: its route may be gone when the answer comes.
TEST_F(Reload, ARequestUnderWayEndsAsItBegan) {
  Answer held;
  held.body = "late";
  held.before_head = std::make_shared<Gate>();
  origin_.on("/old/x", held);
  Settings old;
  old.routes_more = "  - {path: /old/, upstream: api, auth: none}\n";
  start(old);
  HttpConnection busy(gateway_->port());
  busy.send(request_text("GET", "/old/x"));
  ASSERT_TRUE(held.before_head->wait_for_arrivals());
  Settings next;
  next.api_more = ", max_idle: 1";
  change_to(next);
  EXPECT_EQ(client().get("/old/x").status, 404);
  held.before_head->open();
  const auto response = busy.read_response();
  ASSERT_TRUE(response);
  EXPECT_EQ(response->body, "late");
  EXPECT_EQ(busy.request("GET", "/old/x").status, 404) << "the next one of that connection";
}

// --- what takes effect

TEST_F(Reload, RoutesAndTheirRulesChange) {
  start({});
  const std::string token = login().text("access_token");
  EXPECT_EQ(client().get("/api/x", bearer(token)).status, 200);
  EXPECT_EQ(client().get("/new/x").status, 404);
  Settings next;
  next.allow = "{roles: [admin]}";
  next.routes_more =
      "  - {path: /new/, upstream: api, auth: none, cors: {origins: [\"https://app.example\"]}}\n";
  change_to(next);
  EXPECT_EQ(client().get("/api/x", bearer(token)).status, 403);
  EXPECT_EQ(client().get("/new/x", {{"Origin", "https://app.example"}}).header("Access-Control-Allow-Origin"),
            "https://app.example");
  change_to({});
  EXPECT_EQ(client().get("/api/x", bearer(token)).status, 200);
  EXPECT_EQ(client().get("/new/x").status, 404);
}

TEST_F(Reload, AnUpstreamGetsOtherServers) {
  Origin other;
  Answer answer;
  answer.body = "the other one";
  other.on("/open/x", answer);
  start({});
  EXPECT_NE(client().get("/open/x").body, "the other one");
  Settings next;
  std::string text = yaml(next);
  const std::string url = origin_.url();
  text.replace(text.find(url), url.size(), other.url());
  gateway_->write_config(text);
  ASSERT_EQ(reload().status, 200);
  EXPECT_EQ(client().get("/open/x").body, "the other one");
}

TEST_F(Reload, TokenLifetimesAndTheRulesForUsersChange) {
  start({});
  EXPECT_EQ(login().json().at("expires_in").to_number<int>(), 600);
  Settings next;
  next.tokens_more = ", access_ttl: 2m";
  next.more = "auth: {throttle: {per_user_and_address: 1/15m}}\n";
  std::string text = yaml(next);
  text.replace(text.find("registration: true"), 18, "registration: false");
  gateway_->write_config(text);
  ASSERT_EQ(reload().status, 200);
  EXPECT_EQ(login().json().at("expires_in").to_number<int>(), 120);
  EXPECT_EQ(
      client().post("/auth/register", R"({"username":"eve","password":"correct horse battery"})").status,
      404);
  const char* wrong = R"({"username":"ada","password":"wrong wrong wrong"})";
  EXPECT_EQ(client().post("/auth/login", wrong).status, 401);
  EXPECT_EQ(client().post("/auth/login", wrong).status, 429);
}

TEST_F(Reload, ASessionGoesOnOverAReload) {
  start({});
  const Response pair = login();
  change_to({.api_more = ", queue: 7"});
  const Response next =
      client().post("/auth/refresh", R"({"refresh_token":")" + pair.text("refresh_token") + "\"}");
  EXPECT_EQ(next.status, 200) << next.body;
  EXPECT_EQ(client().get("/api/x", bearer(next.text("access_token"))).status, 200);
}

TEST_F(Reload, AnotherSigningSecretRefusesTheTokensOfTheOldOne) {
  start({});
  const std::string before = login().text("access_token");
  Settings next;
  next.signing = "{algorithm: HS256, key_id: next, secret: another-signing-secret-of-32-bytes-and-more}";
  change_to(next);
  EXPECT_EQ(client().get("/api/x", bearer(before)).status, 401);
  EXPECT_EQ(client().get("/api/x", bearer(login().text("access_token"))).status, 200);
}

TEST_F(Reload, AnIssuerIsAddedAndRemoved) {
  const std::string secret = "the-secret-of-another-issuer-32-bytes";
  const std::string token = hs256(
      R"({"iss":"https://other.example","aud":"api","sub":"u","exp":99999999999,"roles":["user"]})", secret);
  start({});
  EXPECT_EQ(client().get("/api/x", bearer(token)).status, 401);
  Settings next;
  next.tokens_more =
      ", issuers: [{issuer: \"https://other.example\", audience: [api], algorithms: [HS256], secret: " +
      secret + "}]";
  change_to(next);
  EXPECT_EQ(client().get("/api/x", bearer(token)).status, 200);
  change_to({});
  EXPECT_EQ(client().get("/api/x", bearer(token)).status, 401);
}

TEST_F(Reload, TheLogLevelAndTheAdminTokenChange) {
  start({});
  Settings next;
  next.log = "{access: \"off\", level: error}";
  next.admin_token = "another-admin-token-of-the-test";
  change_to(next);
  EXPECT_EQ(admin("GET", "/admin/status").status, 401) << "the old token";
  EXPECT_EQ(admin("GET", "/admin/status", "another-admin-token-of-the-test").status, 200);
  EXPECT_THAT(admin("GET", "/admin/config", "another-admin-token-of-the-test").body,
              HasSubstr("level: error"));
}

TEST_F(Reload, AListenerIsOpenedAndClosedAgain) {
  start({});
  const std::uint16_t port = free_port();
  Settings two;
  two.listeners = "[{address: \"127.0.0.1:0\"}, {address: \"127.0.0.1:" + std::to_string(port) + "\"}]";
  change_to(two);
  HttpConnection kept(gateway_->port()), leaving(port);
  EXPECT_EQ(kept.request("GET", "/open/x").status, 200);
  EXPECT_EQ(leaving.request("GET", "/open/x").status, 200);
  change_to({});
  EXPECT_TRUE(leaving.closed_by_peer()) << "idle, on a listener that is no more";
  EXPECT_THROW(HttpConnection{port}, std::runtime_error);
  EXPECT_EQ(kept.request("GET", "/open/x").status, 200);
}

TEST_F(Reload, AListenerMovesToTheWildcardOfItsPort) {
  const std::string port = std::to_string(free_port());
  start({.listeners = "[{address: \"127.0.0.1:" + port + "\"}]"});
  change_to({.listeners = "[{address: \"0.0.0.0:" + port + "\"}]"});
  EXPECT_EQ(client().get("/open/x").status, 200);
}

TEST_F(Reload, LimitsOfConnectionsChange) {
  start({});
  HttpConnection first(gateway_->port());
  EXPECT_EQ(first.request("GET", "/open/x").status, 200);
  change_to({.more = "limits: {per_address: 1}\n"});
  HttpConnection second(gateway_->port());
  EXPECT_EQ(second.request("GET", "/open/x").status, 200) << "the first that is counted";
  HttpConnection third(gateway_->port());
  third.send(request_text("GET", "/open/x"));
  EXPECT_TRUE(third.closed_by_peer());
  EXPECT_EQ(first.request("GET", "/open/x").status, 200);
  change_to({});
  EXPECT_EQ(client().get("/open/x").status, 200);
}

// --- all or nothing

TEST_F(Reload, ABadFileLeavesTheLastGoodOneInForce) {
  start({});
  Settings bad;
  bad.routes_more =
      "  - {path: /new/, upstream: api, auth: none}\n  - {path: /b/, upstream: nowhere, auth: none}\n";
  bad.more = "limts: {}\n";
  const std::string problems = refusal_of(yaml(bad));
  EXPECT_THAT(problems, HasSubstr("nowhere"));
  EXPECT_THAT(problems, HasSubstr("limts")) << "all of them at once";
  EXPECT_EQ(client().get("/new/x").status, 404);
  EXPECT_EQ(client().get("/open/x").status, 200);
  const std::string figures = metrics();
  EXPECT_THAT(figures, HasSubstr("sallyport_config_last_reload_success 0"));
  EXPECT_THAT(figures, Not(HasSubstr("sallyport_config_reloads_total{outcome=\"failure\"} 0")));
  const auto status = admin("GET", "/admin/status").json().at("configuration").as_object();
  EXPECT_EQ(status.at("last_reload").at("outcome").as_string(), "refused");
  EXPECT_TRUE(gateway_->wait_for_log("refused, the configuration in force stays"));
  EXPECT_TRUE(gateway_->wait_for_log("reload_refused")) << "in the audit log";
  change_to({});
  EXPECT_THAT(metrics(), HasSubstr("sallyport_config_last_reload_success 1"));
}

TEST_F(Reload, WhatCannotChangeIsRefusedByNameAndNothingElseIsTaken) {
  start({});
  Settings next;
  next.routes_more = "  - {path: /new/, upstream: api, auth: none}\n";
  std::string text = yaml(next);
  text.replace(text.find("workers: 2"), 10, "workers: 3");
  const std::string problems = refusal_of(text);
  EXPECT_THAT(problems, HasSubstr("workers cannot change while the gateway runs"));
  EXPECT_THAT(problems, HasSubstr("restart"));
  EXPECT_EQ(client().get("/new/x").status, 404);
}

TEST_F(Reload, APortThatIsTakenIsRefusedAndNothingElseIsTaken) {
  start({});
  const Fd other = listen_tcp();
  const std::string taken = std::to_string(port_of(other.get()));
  const std::uint16_t fine = free_port();
  Settings next;
  next.listeners = "[{address: \"127.0.0.1:0\"}, {address: \"127.0.0.1:" + std::to_string(fine) +
                   "\"}, {address: \"127.0.0.1:" + taken + "\"}]";
  next.routes_more = "  - {path: /new/, upstream: api, auth: none}\n";
  EXPECT_THAT(refusal_of(yaml(next)), HasSubstr(taken));
  EXPECT_EQ(client().get("/new/x").status, 404);
  EXPECT_THROW(HttpConnection{fine}, std::runtime_error)
      << "opened before the other one failed, closed again";
}

TEST_F(Reload, ACertificateIsReplacedAndOneWithoutItsKeyIsRefused) {
  const TestAuthority authority;
  const PemPair a = authority.issue({"a.example"}), b = authority.issue({"b.example"});
  GatewayOptions how;
  how.files = {{"a.pem", a.certificate}, {"a.key", a.key}, {"b.pem", b.certificate}, {"b.key", b.key}};
  const auto with = [](const std::string& certificate, const std::string& key) {
    return Settings{.listeners = "[{address: \"127.0.0.1:0\", tls: {certificate: " + certificate +
                                 ", key: " + key + "}}]"};
  };
  start(with("a.pem", "a.key"), how);
  EXPECT_EQ(TlsConnection(gateway_->port()).peer_names(), "a.example");
  change_to(with("b.pem", "b.key"));
  EXPECT_EQ(TlsConnection(gateway_->port()).peer_names(), "b.example");
  EXPECT_THAT(refusal_of(yaml(with("a.pem", "b.key"))), HasSubstr("b.key"));
  EXPECT_EQ(TlsConnection(gateway_->port()).peer_names(), "b.example");
}

// --- who asks for it

TEST_F(Reload, SighupReadsTheFileAgain) {
  start({});
  gateway_->write_config(yaml({.routes_more = "  - {path: /new/, upstream: api, auth: none}\n"}));
  gateway_->signal(SIGHUP);
  ASSERT_TRUE(gateway_->wait_for_log("reload (SIGHUP): "));
  EXPECT_EQ(client().get("/new/x").status, 200);
}

TEST_F(Reload, AChangeOfTheFileIsSeen) {
  start({});
  gateway_->write_config(yaml({.routes_more = "  - {path: /new/, upstream: api, auth: none}\n"}));
  ASSERT_TRUE(gateway_->wait_for_log("reload (file change): routes[/new/] added"));
  EXPECT_EQ(client().get("/new/x").status, 200);
  EXPECT_TRUE(gateway_->wait_for_log("\"act\":\"reload\"")) << "in the audit log";
  gateway_->write_config("listeners: [");
  ASSERT_TRUE(gateway_->wait_for_log("reload (file change) refused"));
  EXPECT_EQ(client().get("/new/x").status, 200);
}

TEST_F(Reload, TheAdminCallIsForWhoHasTheToken) {
  start({});
  EXPECT_EQ(admin("POST", "/admin/reload", "another-token").status, 401);
  EXPECT_EQ(HttpClient(admin_port_).post("/admin/reload").status, 401);
  EXPECT_EQ(HttpClient(admin_port_)
                .call("POST", "/admin/reload",
                      {{"Host", "evil.example"}, {"Authorization", std::string("Bearer ") + kAdminToken}})
                .status,
            403);
  const Response get = admin("GET", "/admin/reload");
  EXPECT_EQ(get.status, 405);
  EXPECT_EQ(get.header("Allow"), "POST");
  EXPECT_EQ(HttpClient(gateway_->port()).post("/admin/reload").status, 404) << "the public listener";
  EXPECT_THAT(metrics(), HasSubstr("sallyport_config_reloads_total{outcome=\"success\"} 0"));
}

TEST_F(Reload, NoSecretIsToldByWhatChanged) {
  start({});
  Settings next;
  next.admin_token = "another-admin-token-of-the-test";
  next.signing = "{algorithm: HS256, key_id: next, secret: another-signing-secret-of-32-bytes-and-more}";
  gateway_->write_config(yaml(next));
  const Response response = reload();
  ASSERT_EQ(response.status, 200) << response.body;
  EXPECT_TRUE(gateway_->wait_for_log("tokens.signing.secret"));
  for (const std::string& told : {response.body, gateway_->log(), gateway_->access_log()})
    for (const char* secret : {kSecret, kAdminToken, "another-signing-secret", "another-admin-token"})
      EXPECT_THAT(told, Not(HasSubstr(secret)));
}

}  // namespace
}  // namespace sallyport::testing
