// The life of the process: a port that somebody holds, an orderly end under load, a second signal.
#include <signal.h>

#include <atomic>

#include "tests/integration/proxy_world.hpp"

namespace sallyport::testing {
namespace {

std::string config_for_port(std::uint16_t port) {
  return R"(
listeners: [{address: "127.0.0.1:)" +
         std::to_string(port) + R"("}]
upstreams: {api: {servers: ["http://127.0.0.1:9"]}}
routes: [{path: /, upstream: api, auth: none}]
)";
}

TEST(Serve, APortThatSomebodyHoldsIsExit3WithAMessage) {
  Fd other = listen_tcp();
  TempDir dir;
  const std::string config = dir.write("gateway.yaml", config_for_port(port_of(other.get())));
  const Outcome outcome = run({SALLYPORT_BINARY, "serve", "--config", config});
  EXPECT_EQ(outcome.code, 3);
  EXPECT_NE(outcome.err.find(std::to_string(port_of(other.get()))), std::string::npos) << outcome.err;
}

// SO_REUSEPORT would let both listen and share the clients.
TEST(Serve, APortThatAnotherGatewayHoldsIsExit3Too) {
  const std::uint16_t port = free_port();
  GatewayProcess first(SALLYPORT_BINARY, config_for_port(port));
  TempDir dir;
  const std::string config = dir.write("gateway.yaml", config_for_port(port));
  const Outcome outcome = run({SALLYPORT_BINARY, "serve", "--config", config});
  EXPECT_EQ(outcome.code, 3);
  EXPECT_NE(outcome.err.find(std::to_string(port)), std::string::npos) << outcome.err;
  EXPECT_EQ(HttpClient(first.port()).get("/").status, 502) << "the first one still serves";
}

TEST(Serve, APortIsFreeAgainAfterTheEnd) {
  const std::uint16_t port = free_port();
  GatewayProcess gateway(SALLYPORT_BINARY, config_for_port(port));
  HttpConnection client(gateway.port());
  EXPECT_EQ(client.request("GET", "/").status, 502);
  EXPECT_EQ(gateway.stop(), 0);
  gateway.start();  // at once, with connections of the last one in TIME_WAIT
  EXPECT_EQ(HttpClient(gateway.port()).get("/").status, 502);
}

TEST_F(ProxyTest, DrainsUnderLoadWithoutCuttingAnAnswer) {
  Answer answer;
  answer.body = std::string(50'000, 'x');
  answer.chunk = 1'000;
  proxy.origin.on("/load", answer);
  std::atomic<int> whole = 0, cut = 0;
  std::vector<std::thread> clients;
  for (int i = 0; i < 8; ++i)
    clients.emplace_back([&] {
      try {
        for (;;) {
          HttpConnection connection = proxy.connect();  // throws once nobody listens
          for (;;) {
            if (connection.send(request_text("GET", "/load")) != Io::ok) break;
            const auto response = connection.read_response();
            if (!response) break;  // closed between two requests: nothing was answered, nothing is lost
            ++(response->complete && response->body == answer.body ? whole : cut);
            if (response->header("Connection") == "close") break;
          }
        }
      } catch (const std::exception& error) {
        if (std::string_view(error.what()).find("inside a head") != std::string_view::npos) ++cut;
      }
    });
  const Deadline deadline = within();
  while (whole < 200 && Clock::now() < deadline) std::this_thread::yield();
  const int code = proxy.gateway.stop();
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(code, 0);
  EXPECT_GE(whole, 200);
  EXPECT_EQ(cut, 0);
}

TEST_F(ProxyTest, FinishesTheRequestUnderWayAndClosesTheIdleOnes) {
  Answer held;
  held.body = "finished";
  held.before_head = std::make_shared<Gate>();
  proxy.origin.on("/held", held);
  HttpConnection idle = proxy.connect(), busy = proxy.connect();
  ASSERT_EQ(idle.request("GET", "/").status, 200);
  busy.send(request_text("GET", "/held"));
  ASSERT_TRUE(held.before_head->wait_for_arrivals());
  proxy.gateway.signal(SIGTERM);
  EXPECT_TRUE(idle.closed_by_peer());
  EXPECT_TRUE(busy.quiet_and_open());
  EXPECT_THROW(proxy.connect(), std::runtime_error) << "new clients go elsewhere";
  held.before_head->open();
  const auto response = busy.read_response();
  ASSERT_TRUE(response);
  EXPECT_EQ(response->body, "finished");
  EXPECT_EQ(response->header("Connection"), "close");
  EXPECT_EQ(proxy.gateway.wait(), 0);
}

// They are connected, for all that they know, and have asked: closing the listening socket would reset them.
TEST_F(ProxyTest, AnswersWhoStandsInTheQueueWhenItIsToldToEnd) {
  proxy.gateway.signal(SIGSTOP);
  std::vector<HttpConnection> waiting;
  for (int i = 0; i < 50; ++i) {
    waiting.push_back(proxy.connect());
    ASSERT_EQ(waiting.back().send(request_text("GET", "/")), Io::ok);
  }
  proxy.gateway.signal(SIGTERM);
  proxy.gateway.signal(SIGCONT);
  for (HttpConnection& client : waiting) {
    const auto response = client.read_response();
    ASSERT_TRUE(response);
    EXPECT_EQ(response->status, 200);
  }
  EXPECT_EQ(proxy.gateway.wait(), 0);
}

TEST_F(ProxyTest, ASecondSignalStopsAtOnce) {
  Answer held;
  held.before_head = std::make_shared<Gate>();
  proxy.origin.on("/held", held);
  HttpConnection busy = proxy.connect();
  busy.send(request_text("GET", "/held?x"));
  ASSERT_TRUE(held.before_head->wait_for_arrivals());
  proxy.gateway.signal(SIGTERM);
  ASSERT_TRUE(proxy.gateway.wait_for_log("draining"));
  proxy.gateway.signal(SIGINT);
  EXPECT_EQ(proxy.gateway.wait(std::chrono::milliseconds(1'900)), 0) << "before the route's own timeout";
  EXPECT_TRUE(busy.closed_by_peer());
}

TEST(Serve, TheDrainTimeIsALimit) {
  Proxy proxy("limits: {drain: 300ms}\n");
  Answer held;
  held.before_head = std::make_shared<Gate>();
  proxy.origin.on("/held", held);
  HttpConnection busy = proxy.connect();
  busy.send(request_text("GET", "/held"));
  ASSERT_TRUE(held.before_head->wait_for_arrivals());
  EXPECT_EQ(proxy.gateway.stop(std::chrono::milliseconds(1'900)), 0);
}

}  // namespace
}  // namespace sallyport::testing
