// Another program in place of the running one (SIGUSR2): nobody notices, whoever streams goes on with the old
// one, and one that can't serve changes nothing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <set>
#include <thread>

#include "tests/integration/websocket_echo.hpp"
#include "tests/support/gateway_process.hpp"
#include "tests/support/heirs.hpp"
#include "tests/support/http_client.hpp"
#include "tests/support/origin.hpp"

namespace sallyport::testing {
namespace {

using ::testing::HasSubstr;
namespace fs = std::filesystem;

class Upgrade : public ::testing::Test {
 protected:
  std::string yaml(const std::string& store, const std::string& limits) const {
    return "workers: 2\nlisteners: [{address: \"127.0.0.1:0\"}]\nstore: \"" + store +
           "\"\nadmin: {address: \"127.0.0.1:" + std::to_string(admin_port_) +
           "\"}\nlog: {access: \"off\"}\nlimits: " + limits +
           "\ntokens: {issuer: \"https://gw.example\", audience: [api], signing: {keys: keys/}}\n"
           "users: {registration: true, new: {roles: [user]}}\nupstreams: {api: {servers: [\"" +
           origin_.url() +
           "\"]}}\nroutes:\n  - {path: /open/, upstream: api, auth: none}\n"
           "  - {path: /api/, upstream: api, auth: required}\n";
  }
  void start(const std::string& program = SALLYPORT_BINARY, const std::string& store = "sqlite:state.db",
             const std::string& limits = "{drain: 10s, drain_streams: 60s}") {
    GatewayOptions how;
    how.wait_for = "ready:";
    gateway_ = std::make_unique<GatewayProcess>(program, yaml(store, limits), how);
  }
  pid_t serving() const { return heirs_.serving(*gateway_); }
  pid_t upgrade() { return heirs_.upgrade(*gateway_); }
  HttpClient client() const { return HttpClient(gateway_->port()); }

  Origin origin_;
  std::uint16_t admin_port_ = free_port();
  std::unique_ptr<GatewayProcess> gateway_;
  Heirs heirs_;
};

// One request after the other on a kept connection, on a new one where the answer said that it was the last.
void ask_until(const std::atomic<bool>& stop, std::uint16_t port, std::atomic<unsigned>& good,
               std::atomic<unsigned>& failed, std::atomic<unsigned>& connections) {
  while (!stop) {
    try {
      HttpConnection connection(port);
      ++connections;
      for (bool kept = true; kept && !stop;) {
        const Response response = connection.request("GET", "/open/load");
        ++(response.status == 200 && response.body == "as ever" ? good : failed);
        kept = response.header("Connection") != "close";
      }
    } catch (const std::exception&) {  // refused, or closed under a request
      ++failed;
    }
  }
}

TEST_F(Upgrade, ThreeTimesUnderLoadLosesNoRequestAndNoStream) {
  Answer answer;
  answer.body = "as ever";
  origin_.on("/open/load", answer);
  origin_.on("/open/ws", echo_frames);
  start();
  std::vector<HttpConnection> sockets;
  for (int i = 0; i < 4; ++i) sockets.push_back(open_websocket(gateway_->port()));
  std::atomic<bool> stop = false;
  std::atomic<unsigned> good = 0, failed = 0, connections = 0;
  std::vector<std::jthread> clients;
  struct Stop {
    std::atomic<bool>& flag;
    ~Stop() { flag = true; }
  } at_the_end{stop};  // before the threads are joined, however the test ends
  for (int i = 0; i < 4; ++i)
    clients.emplace_back([&] { ask_until(stop, gateway_->port(), good, failed, connections); });

  for (int i = 0; i < 3; ++i) {
    const pid_t before = serving();
    const pid_t heir = upgrade();
    ASSERT_NE(heir, 0) << gateway_->log();
    EXPECT_NE(heir, before);
    const unsigned so_far = good;
    while (good < so_far + 100 && failed == 0) std::this_thread::yield();
    for (HttpConnection& socket : sockets) EXPECT_TRUE(echoes(socket, "still " + std::to_string(i)));
    sockets.push_back(open_websocket(gateway_->port()));
    EXPECT_EQ(HttpClient(admin_port_).get("/readyz").status, 200);
  }
  stop = true;
  for (std::jthread& one : clients) one.join();
  EXPECT_EQ(failed, 0u);
  EXPECT_GT(connections, 8u) << "they moved on to the new ones";
  EXPECT_TRUE(gateway_->wait_for_log(" serves now", 3));
  // Each old one goes when its last stream has.
  EXPECT_TRUE(::kill(gateway_->pid(), 0) == 0);
  sockets.clear();
  EXPECT_EQ(gateway_->wait(), 0);
  RecordProperty("requests", static_cast<int>(good));
}

TEST_F(Upgrade, SessionsKeysAndRevocationsGoOn) {
  start();
  const std::string who = R"({"username":"ada","password":"correct horse battery"})";
  client().post("/auth/register", who);
  const Response first = client().post("/auth/login", who), second = client().post("/auth/login", who);
  EXPECT_EQ(client().post("/auth/logout", "", bearer(first.text("access_token"))).status, 204);
  ASSERT_NE(upgrade(), 0) << gateway_->log();
  EXPECT_EQ(gateway_->wait(), 0) << "nobody was there any more";
  EXPECT_EQ(client().get("/api/x", bearer(second.text("access_token"))).status, 200);
  const Response revoked = client().get("/api/x", bearer(first.text("access_token")));
  EXPECT_EQ(revoked.text("error"), "token_revoked");
  EXPECT_EQ(
      client().post("/auth/refresh", R"({"refresh_token":")" + second.text("refresh_token") + "\"}").status,
      200);
}

TEST_F(Upgrade, ARequestUnderWayIsAnsweredByTheOldOne) {
  Answer held;
  held.body = "late";
  held.before_head = std::make_shared<Gate>();
  origin_.on("/open/late", held);
  start();
  HttpConnection busy(gateway_->port());
  busy.send(request_text("GET", "/open/late"));
  ASSERT_TRUE(held.before_head->wait_for_arrivals());
  ASSERT_NE(upgrade(), 0);
  held.before_head->open();
  const auto response = busy.read_response();
  ASSERT_TRUE(response);
  EXPECT_EQ(response->body, "late");
  EXPECT_EQ(response->header("Connection"), "close");
  EXPECT_EQ(gateway_->wait(), 0);
}

TEST_F(Upgrade, WhoSaysNothingMoreIsClosedAfterTheDrainTimeAndStreamsAfterTheirs) {
  origin_.on("/open/ws", echo_frames);
  start(SALLYPORT_BINARY, "sqlite:state.db", "{drain: 300ms, drain_streams: 1500ms}");
  HttpConnection idle(gateway_->port());
  EXPECT_EQ(idle.request("GET", "/open/x").status, 200);
  HttpConnection socket = open_websocket(gateway_->port());
  ASSERT_NE(upgrade(), 0);
  EXPECT_TRUE(idle.closed_by_peer());
  EXPECT_TRUE(echoes(socket, "still here"));
  EXPECT_TRUE(socket.closed_by_peer());
  EXPECT_EQ(gateway_->wait(), 0);
  EXPECT_THAT(gateway_->log(), HasSubstr("drain time is over: cutting 1 connections"));
  EXPECT_EQ(client().get("/open/x").status, 200);
}

TEST_F(Upgrade, AProgramOrConfigurationThatIsBadChangesNothing) {
  const TempDir folder;
  const std::string program = folder / "sallyport";
  fs::copy_file(SALLYPORT_BINARY, program);
  start(program);
  // As a package does it: another file of that name.
  fs::remove(program);
  std::ofstream(program) << "#!/bin/sh\nexit 7\n";
  fs::permissions(program, fs::perms::owner_all);
  gateway_->signal(SIGUSR2);
  EXPECT_TRUE(gateway_->wait_for_log("the upgrade failed, this program goes on: it ended with code 7"));
  EXPECT_EQ(client().get("/open/x").status, 200);

  fs::remove(program);
  gateway_->signal(SIGUSR2);
  EXPECT_TRUE(gateway_->wait_for_log(program + " can't be started"));
  EXPECT_EQ(client().get("/open/x").status, 200);

  fs::copy_file(SALLYPORT_BINARY, program);
  gateway_->write_config("nonsense: 1\n");
  gateway_->signal(SIGUSR2);
  EXPECT_TRUE(gateway_->wait_for_log("this program goes on: it ended with code 1"));
  EXPECT_EQ(client().get("/open/x").status, 200);
  EXPECT_EQ(HttpClient(admin_port_).get("/readyz").status, 200);

  gateway_->write_config(yaml("sqlite:state.db", "{drain: 10s}"));
  EXPECT_NE(upgrade(), 0) << gateway_->log();
  EXPECT_EQ(client().get("/open/x").status, 200);
}

// The sockets of a process, by what the kernel calls them.
std::set<std::string> sockets_of(pid_t pid) {
  std::set<std::string> names;
  std::error_code ec;
  for (const auto& entry : fs::directory_iterator("/proc/" + std::to_string(pid) + "/fd", ec)) {
    const std::string name = fs::read_symlink(entry.path(), ec).string();
    if (name.starts_with("socket:")) names.insert(name);
  }
  return names;
}

// A connection that both held would stay open after the old program had closed it.
TEST_F(Upgrade, TheNewProgramGetsTheListeningSocketsAndNoOther) {
  start();
  HttpConnection kept(gateway_->port());
  EXPECT_EQ(kept.request("GET", "/open/x").status, 200);  // and its upstream's connection is kept, too
  const std::set<std::string> before = sockets_of(gateway_->pid());
  const pid_t heir = upgrade();
  ASSERT_NE(heir, 0) << gateway_->log();
  std::size_t shared = 0;
  for (const std::string& name : sockets_of(heir)) shared += before.count(name);
  EXPECT_EQ(shared, 3u) << "two workers' and the admin listener's";
  EXPECT_GE(before.size(), 5u);
}

TEST_F(Upgrade, AStoreInMemoryStaysWhereItIs) {
  start(SALLYPORT_BINARY, "memory:");
  gateway_->signal(SIGUSR2);
  EXPECT_TRUE(gateway_->wait_for_log("no upgrade: the store is memory:"));
  EXPECT_EQ(client().get("/open/x").status, 200);
}

// A listener that the new configuration adds is opened, one that it lacks goes with the old program.
TEST_F(Upgrade, TakesANewConfigurationAlong) {
  start();
  const std::uint16_t more = free_port();
  std::string text = yaml("sqlite:state.db", "{drain: 10s}");
  const std::string one = "[{address: \"127.0.0.1:0\"}]";
  text.replace(text.find(one), one.size(),
               "[{address: \"127.0.0.1:0\"}, {address: \"127.0.0.1:" + std::to_string(more) + "\"}]");
  text.replace(text.find("workers: 2"), 10, "workers: 3");
  gateway_->write_config(text);
  ASSERT_NE(upgrade(), 0) << gateway_->log();
  EXPECT_EQ(client().get("/open/x").status, 200);
  EXPECT_EQ(HttpClient(more).get("/open/x").status, 200);
  EXPECT_THAT(gateway_->log(), HasSubstr("an upgrade keeps the number of workers, 2; for 3 restart"));
}

}  // namespace
}  // namespace sallyport::testing
