// What the gateway says and does when the upstream fails, and that a request which may not run twice never
// does.
#include <poll.h>

#include <atomic>
#include <map>
#include <mutex>

#include "tests/integration/proxy_world.hpp"

namespace sallyport::testing {
namespace {

void expect_gateway_error(const Response& response, int status, std::string_view error) {
  EXPECT_EQ(response.status, status);
  EXPECT_EQ(response.text("error"), error);
  EXPECT_FALSE(response.text("error_description").empty());
  EXPECT_EQ(response.text("request_id"), response.header("X-Request-Id"));
  EXPECT_EQ(response.header("Sallyport-Response"), "1");
}

TEST(ProxyFailures, ARefusedConnectionIsA502) {
  GatewayProcess gateway(SALLYPORT_BINARY, proxy_config("http://127.0.0.1:" + std::to_string(free_port())));
  HttpConnection connection(gateway.port());
  for (int i = 0; i < 3; ++i)
    expect_gateway_error(connection.request("GET", "/"), 502, "upstream_unreachable");
  expect_gateway_error(connection.request("POST", "/", {}, "body"), 502, "upstream_unreachable");
}

TEST(ProxyFailures, AnUpstreamThatComesBackIsFoundAgain) {
  const std::uint16_t port = free_port();
  GatewayProcess gateway(SALLYPORT_BINARY, proxy_config("http://127.0.0.1:" + std::to_string(port)));
  HttpClient client(gateway.port());
  EXPECT_EQ(client.get("/").status, 502);
  Origin origin(port);
  const Deadline deadline = within();
  int status = 0;
  while (status != 200 && Clock::now() < deadline) status = client.get("/").status;
  EXPECT_EQ(status, 200);
}

TEST_F(ProxyTest, AnUpstreamThatHangsIsA504AndItsConnectionEnds) {
  Gate done;
  std::atomic<bool> ended = false;
  proxy.origin.on("/hang", [&](Exchange& exchange) {
    ended = exchange.closed_by_peer();
    done.open();
  });
  HttpConnection connection = proxy.connect();
  expect_gateway_error(connection.request("GET", "/hang"), 504, "upstream_timeout");
  ASSERT_TRUE(done.wait());
  EXPECT_TRUE(ended);
  EXPECT_EQ(connection.request("GET", "/next").text("target"), "/next");
  EXPECT_EQ(proxy.origin.requests("/hang").size(), 1u) << "a timeout isn't tried again";
}

TEST_F(ProxyTest, ACutBodyIsVisiblyCut) {
  for (const std::size_t chunk : {0u, 100u})
    for (const Ending ending : {Ending::close, Ending::reset}) {
      Answer answer;
      answer.body = std::string(200'000, 'x');
      answer.chunk = chunk;
      answer.cut_after = 150'000;
      answer.ending = ending;
      proxy.origin.on("/cut", answer);
      HttpConnection connection = proxy.connect();
      connection.send(request_text("GET", "/cut"));
      const auto response = connection.read_response();
      ASSERT_TRUE(response);
      EXPECT_EQ(response->status, 200);
      EXPECT_FALSE(response->complete);
      EXPECT_TRUE(connection.closed_by_peer());
    }
  // To HTTP/1.0 the end of the connection is the end of the body: it must be a reset, or the cut is
  // invisible.
  Answer answer;
  answer.body = std::string(1'000, 'x');
  answer.chunk = 100;
  answer.cut_after = 600;
  proxy.origin.on("/cut", answer);
  HttpConnection old = proxy.connect();
  old.send("GET /cut HTTP/1.0\r\n\r\n");
  EXPECT_FALSE(old.read_response()->complete);
}

// An upstream closes a kept connection just as the gateway uses it again: a GET is tried once more and
// answered, a POST is never sent twice.
TEST_F(ProxyTest, AStaleConnectionIsRetriedForSafeMethodsOnly) {
  std::mutex mutex;
  std::map<std::size_t, int> uses;  // by connection
  const auto answer_once = [&](Exchange& exchange) {
    const RecordedRequest& request = exchange.request();
    {
      std::lock_guard lock(mutex);
      if (++uses[request.connection] > 1) return exchange.finish(Ending::reset);
    }
    exchange.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    exchange.finish(Ending::keep);
  };
  proxy.origin.on("/race", answer_once);
  HttpConnection connection = proxy.connect();
  int refused = 0;
  for (int i = 0; i < 200; ++i) {
    ASSERT_EQ(connection.request("GET", "/race?get-" + std::to_string(i)).status, 200) << i;
    const Response response = connection.request("POST", "/race?post-" + std::to_string(i), {}, "body");
    if (response.status != 200) {
      expect_gateway_error(response, 502, "upstream_invalid");
      ++refused;
    }
  }
  EXPECT_GT(refused, 100) << "the race has to happen for the test to say anything";
  std::map<std::string, int> times;
  for (const RecordedRequest& request : proxy.origin.requests("/race"))
    if (request.method == "POST") ++times[request.target];
  EXPECT_EQ(times.size(), 200u);
  for (const auto& [target, count] : times) EXPECT_EQ(count, 1) << target << " ran twice";
}

// The same where the upstream says goodbye in time: nobody sees a failure.
TEST_F(ProxyTest, AConnectionClosedWhileIdleIsNotUsed) {
  Answer answer;
  answer.raw = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
  answer.ending = Ending::close;  // without saying so
  proxy.origin.on("/quiet-close", answer);
  int refused = 0;
  for (int i = 0; i < 200; ++i) refused += proxy.client().get("/quiet-close").status == 200 ? 0 : 1;
  EXPECT_EQ(refused, 0);
}

TEST_F(ProxyTest, AnUpstreamThatClosesAfterAcceptIsA502) {
  proxy.origin.close_after_accept(Ending::close);  // a reset could be seen before the connection is
  expect_gateway_error(proxy.client().get("/"), 502, "upstream_invalid");
  expect_gateway_error(proxy.client().call("POST", "/", {}, "body"), 502, "upstream_invalid");
}

TEST(ProxyFailures, AFullPoolIsA503AndTheQueueIsServed) {
  Origin origin;
  GatewayProcess gateway(SALLYPORT_BINARY, R"(
workers: 1
listeners: [{address: "127.0.0.1:0"}]
upstreams: {api: {servers: [")" + origin.url() +
                                               R"("], max_connections: 1, queue: 1}}
routes: [{path: /, upstream: api, auth: none}]
)");
  Answer held;
  held.body = "held";
  held.before_head = std::make_shared<Gate>();
  origin.on("/held", held);
  HttpConnection first(gateway.port()), second(gateway.port()), third(gateway.port());
  first.send(request_text("GET", "/held"));
  ASSERT_TRUE(held.before_head->wait_for_arrivals());
  // One waits, the other is told so: which of the two came first isn't ours to know.
  second.send(request_text("GET", "/b"));
  third.send(request_text("GET", "/c"));
  const bool third_refused = wait_for(third.fd(), POLLIN, within(std::chrono::milliseconds(2'000)));
  HttpConnection& refused = third_refused ? third : second;
  HttpConnection& queued = third_refused ? second : third;
  const auto response = refused.read_response();
  ASSERT_TRUE(response);
  expect_gateway_error(*response, 503, "overloaded");
  EXPECT_TRUE(response->headers.has("Retry-After"));
  EXPECT_TRUE(queued.quiet_and_open());
  held.before_head->open();
  EXPECT_EQ(first.read_response()->body, "held");
  EXPECT_EQ(queued.read_response()->status, 200);
}

}  // namespace
}  // namespace sallyport::testing
