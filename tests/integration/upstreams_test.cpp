// Several servers behind one gateway: who gets the requests, who is left alone, what is tried again, and how
// long anybody waits.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <map>
#include <thread>

#include "tests/support/gateway_process.hpp"
#include "tests/support/http_client.hpp"
#include "tests/support/origin.hpp"

namespace sallyport::testing {
namespace {

using ::testing::HasSubstr;

// One worker, so that there is one pool; `upstream` is the YAML of the only one.
std::string config_of(const std::string& upstream, const std::string& route = "timeout: 5s") {
  return "workers: 1\nlisteners: [{address: \"127.0.0.1:0\"}]\nlog: {audit: \"off\"}\nupstreams: {api: {" +
         upstream + "}}\nroutes: [{path: /, upstream: api, auth: none, " + route + "}]\n";
}

std::string servers(std::initializer_list<const Origin*> origins) {
  std::string list;
  for (const Origin* origin : origins) list += (list.empty() ? "\"" : ", \"") + origin->url() + "\"";
  return "servers: [" + list + "]";
}

Answer answer(int status, std::string body) {
  Answer out;
  out.status = status;
  out.body = std::move(body);
  return out;
}

class Upstreams : public ::testing::Test {
 protected:
  Upstreams() {
    a.on("/", answer(200, "a"));
    b.on("/", answer(200, "b"));
  }
  void start(const std::string& upstream, const std::string& route = "timeout: 5s") {
    gateway = std::make_unique<GatewayProcess>(SALLYPORT_BINARY, config_of(upstream, route));
  }
  HttpClient client() const { return HttpClient(gateway->port()); }
  // Until the gateway answers so, or patience ends.
  bool comes_to(const std::function<bool(const Response&)>& condition) {
    const Deadline deadline = within();
    while (Clock::now() < deadline)
      if (condition(client().get("/"))) return true;
    return false;
  }

  Origin a, b;
  std::unique_ptr<GatewayProcess> gateway;
};

TEST_F(Upstreams, ShareRequestsByWeight) {
  start("servers: [{url: \"" + a.url() + "\", weight: 3}, \"" + b.url() + "\"], balance: round_robin");
  HttpConnection connection(gateway->port());
  std::string order;
  for (int i = 0; i < 8; ++i) order += connection.request("GET", "/").body;
  EXPECT_EQ(order, "aabaaaba");
}

TEST_F(Upstreams, SendAValueOfAHeaderToTheSameServer) {
  start(servers({&a, &b}) + ", balance: hash header X-Tenant");
  std::map<std::string, int> used;
  for (int tenant = 0; tenant < 20; ++tenant) {
    const Headers headers{{"x-tenant", std::to_string(tenant)}};
    const std::string first = client().get("/", headers).body;
    for (int i = 0; i < 3; ++i) EXPECT_EQ(client().get("/", headers).body, first);
    ++used[first];
  }
  EXPECT_EQ(used.size(), 2u);
}

TEST_F(Upstreams, ThatFailTheirChecksGetNoRequestsUntilTheyAreWellAgain) {
  a.on("/healthz", answer(503, "no"));
  b.on("/healthz", answer(200, "yes"));
  start(
      servers({&a, &b}) +
      ", balance: round_robin, health: {path: /healthz, interval: 100ms, timeout: 100ms, fall: 2, rise: 2}");
  ASSERT_TRUE(gateway->wait_for_log(a.url() + " gets no requests: status 503"));
  ASSERT_TRUE(comes_to([this](const Response&) { return client().get("/").body == "b"; }));
  const std::size_t before = a.requests("/").size();
  for (int i = 0; i < 20; ++i) EXPECT_EQ(client().get("/").body, "b");
  EXPECT_EQ(a.requests("/").size(), before);
  a.on("/healthz", answer(204, ""));
  ASSERT_TRUE(gateway->wait_for_log(a.url() + " is well again"));
  EXPECT_TRUE(comes_to([](const Response& response) { return response.body == "a"; }));
}

TEST_F(Upstreams, ThatAllFailTheirChecksAreAnswered503) {
  a.on("/healthz", answer(500, "no"));
  start(servers({&a}) + ", health: {path: /healthz, interval: 100ms, timeout: 100ms, fall: 1, rise: 1}");
  ASSERT_TRUE(comes_to([](const Response& response) { return response.status == 503; }));
  const Response refused = client().get("/");
  EXPECT_EQ(refused.text("error"), "upstream_unavailable");
  EXPECT_TRUE(refused.headers.has("Retry-After"));
  a.on("/healthz", answer(200, "yes"));
  EXPECT_TRUE(comes_to([](const Response& response) { return response.status == 200; }));
}

TEST_F(Upstreams, ThatCutASafeRequestAreFollowedByAnother) {
  a.on("/", [](Exchange& exchange) { exchange.finish(Ending::reset); });
  start(servers({&a, &b}) + ", balance: round_robin, breaker: {failures: 0}, retry: {budget: 100}");
  for (int i = 0; i < 10; ++i) {
    const Response response = client().get("/");
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.body, "b");
  }
  EXPECT_GT(a.requests("/").size(), 2u);
}

TEST_F(Upstreams, GetAnUnsafeRequestOnlyOnce) {
  const auto reset = [](Exchange& exchange) { exchange.finish(Ending::reset); };
  a.on("/", reset);
  b.on("/", reset);
  start(servers({&a, &b}));
  EXPECT_EQ(client().post("/", "{}").status, 502);
  EXPECT_EQ(client().call("PUT", "/", {}, "body bytes are gone").status, 502);
  EXPECT_EQ(a.requests("/").size() + b.requests("/").size(), 2u);
}

TEST_F(Upstreams, AreAskedAgainAfterAStatusThatIsNamed) {
  a.on("/", answer(503, "not now"));
  start(servers({&a, &b}) + ", balance: round_robin, retry: {on: [connect, 503], budget: 100}");
  for (int i = 0; i < 6; ++i) EXPECT_EQ(client().get("/").body, "b");
  // A second try that ends likewise is passed on as it is.
  b.on("/", answer(503, "nor me"));
  const Response response = client().get("/");
  EXPECT_EQ(response.status, 503);
  EXPECT_THAT(response.body, ::testing::AnyOf("not now", "nor me"));
  EXPECT_FALSE(response.headers.has("Sallyport-Response"));
}

TEST_F(Upstreams, ArePassedByTheirStatusWhereNothingIsSaid) {
  a.on("/", answer(503, "not now"));
  start(servers({&a, &b}) + ", balance: round_robin");
  std::map<int, int> statuses;
  for (int i = 0; i < 10; ++i) ++statuses[client().get("/").status];
  EXPECT_EQ(statuses[503], 5);
}

TEST_F(Upstreams, ThatAreFullMakeOthersWaitAndThen503) {
  Answer held = answer(200, "held");
  held.before_head = std::make_shared<Gate>();
  a.on("/held", held);
  start(servers({&a}) + ", max_connections: 1, queue: 1");
  HttpConnection first(gateway->port()), second(gateway->port());
  first.send(request_text("GET", "/held"));
  ASSERT_TRUE(held.before_head->wait_for_arrivals());
  second.send(request_text("GET", "/"));
  Response third;
  ASSERT_TRUE(comes_to([&](const Response& response) {
    third = response;
    return response.status == 503;
  }));
  EXPECT_EQ(third.text("error"), "overloaded");
  EXPECT_TRUE(third.headers.has("Retry-After"));
  held.before_head->open();
  EXPECT_EQ(first.read_response()->body, "held");
  EXPECT_EQ(second.read_response()->body, "a");
}

TEST_F(Upstreams, ThatAreSilentAreLeftAloneAfterAFewTimeoutsAndTriedAgainLater) {
  Answer held = answer(200, "late");
  held.before_head = std::make_shared<Gate>();
  a.on("/", held);
  start(servers({&a}) + ", breaker: {failures: 2, back_off: 300ms}", "timeout: 300ms");
  for (int i = 0; i < 2; ++i) EXPECT_EQ(client().get("/").text("error"), "upstream_timeout");
  const auto began = Clock::now();
  EXPECT_EQ(client().get("/").text("error"), "upstream_unavailable");
  EXPECT_LT(Clock::now() - began, std::chrono::milliseconds(290));
  EXPECT_EQ(a.requests("/").size(), 2u);
  held.before_head->open();
  EXPECT_TRUE(comes_to([](const Response& response) { return response.status == 200; }));
}

TEST_F(Upstreams, MayNotTakeLongerInAllThanSaid) {
  a.on("/drip", [](Exchange& exchange) {
    exchange.send("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n");
    while (!exchange.closed_by_peer(std::chrono::milliseconds(50))) exchange.send("x");
  });
  start(servers({&a}) + ", total_timeout: 500ms");
  const auto began = Clock::now();
  const Response response = client().get("/drip");
  EXPECT_FALSE(response.complete);
  EXPECT_LT(Clock::now() - began, std::chrono::seconds(10));
  EXPECT_TRUE(gateway->wait_for_log("total_timeout"));
}

TEST_F(Upstreams, MayNotBeSilentInsideAResponseForLongerThanSaid) {
  Answer cut = answer(200, std::string(1000, 'x'));
  cut.inside_body = std::make_shared<Gate>();
  a.on("/", cut);
  start(servers({&a}) + ", stream_idle: 300ms");
  EXPECT_FALSE(client().get("/").complete);
  EXPECT_TRUE(gateway->wait_for_log("stream_idle"));
}

TEST_F(Upstreams, MayBeReachedByNameAndOverAUnixSocket) {
  TempDir dir;
  const std::string path = dir / "app.sock";
  Fd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(::bind(listener.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(::listen(listener.get(), 16), 0);
  std::thread app([&] {
    for (int i = 0; i < 2; ++i) {  // the second request on a connection of its own
      Fd fd(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
      MessageStream stream(fd.get());
      stream.read_head(within());
      send_all(fd.get(), "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nunix");
    }
  });
  start("servers: [\"http+unix:" + path + "\"]");
  EXPECT_EQ(client().get("/").body, "unix");
  EXPECT_EQ(client().get("/").body, "unix");
  app.join();
  gateway.reset();

  start("servers: [\"http://localhost:" + std::to_string(a.port()) + "\"]");
  EXPECT_EQ(client().get("/").body, "a");
}

}  // namespace
}  // namespace sallyport::testing
