// Bodies stream both ways with back-pressure and bounded memory, events arrive one by one, and who goes away
// in the middle ends the other side's work too.
#include <poll.h>
#include <sys/socket.h>

#include <atomic>

#include "tests/integration/proxy_world.hpp"

namespace sallyport::testing {
namespace {

constexpr std::size_t kBig = 100u << 20;
constexpr long kMemoryKib = 64 * 1024;
constexpr std::size_t kInFlight = 32u << 20;  // what the sockets on the way may hold, generously

const std::string& mebibyte() {
  static const std::string text(1 << 20, 'm');
  return text;
}

// An upstream by hand: the recording origin keeps whole bodies in memory.
class RawUpstream {
 public:
  RawUpstream()
      : listener_(listen_tcp()),
        gateway_(SALLYPORT_BINARY,
                 proxy_config("http://127.0.0.1:" + std::to_string(port_of(listener_.get())))) {}

  GatewayProcess& gateway() { return gateway_; }
  Fd accept() {
    if (!wait_for(listener_.get(), POLLIN, within())) throw std::runtime_error("the gateway didn't connect");
    return Fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  }

 private:
  Fd listener_;
  GatewayProcess gateway_;
};

TEST(ProxyStream, AHundredMebibytesUpNeedLittleMemory) {
  RawUpstream world;
  HttpConnection client(world.gateway().port());
  std::thread sender([&] {
    client.send("POST /up HTTP/1.1\r\nHost: t\r\nContent-Length: " + std::to_string(kBig) + "\r\n\r\n");
    for (std::size_t sent = 0; sent < kBig; sent += mebibyte().size()) client.send(mebibyte());
  });
  Fd upstream = world.accept();
  MessageStream stream(upstream.get());
  EXPECT_FALSE(stream.read_head(within()).empty());
  std::size_t got = stream.take_pending().size();
  while (got < kBig) {
    const Received piece = receive_some(upstream.get(), 1 << 20);
    if (piece.status != Io::ok) break;
    got += piece.bytes.size();
  }
  EXPECT_EQ(got, kBig);
  send_all(upstream.get(), "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  sender.join();
  EXPECT_EQ(client.read_response()->body, "ok");
  EXPECT_LT(peak_memory_kib(world.gateway().pid()), kMemoryKib);
}

TEST(ProxyStream, AHundredMebibytesDownNeedLittleMemory) {
  for (const bool chunked : {false, true}) {
    RawUpstream world;
    HttpConnection client(world.gateway().port());
    client.send(request_text("GET", "/down"));
    Fd upstream = world.accept();
    std::thread sender([&] {
      MessageStream stream(upstream.get());
      stream.read_head(within());
      send_all(upstream.get(),
               chunked ? std::string("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
                       : "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(kBig) + "\r\n\r\n");
      for (std::size_t sent = 0; sent < kBig; sent += mebibyte().size())
        send_all(upstream.get(), chunked ? "100000\r\n" + mebibyte() + "\r\n" : mebibyte());
      if (chunked) send_all(upstream.get(), "0\r\n\r\n");
    });
    EXPECT_FALSE(client.stream().read_head(within()).empty());
    std::size_t got = client.stream().take_pending().size();
    std::string last;
    while (chunked ? !last.ends_with("0\r\n\r\n") : got < kBig) {
      const Received piece = receive_some(client.fd(), 1 << 20);
      if (piece.status != Io::ok) break;
      got += piece.bytes.size();
      last = (last + piece.bytes)
                 .substr(last.size() + piece.bytes.size() > 5 ? last.size() + piece.bytes.size() - 5 : 0);
    }
    sender.join();
    EXPECT_GE(got, kBig);
    EXPECT_LT(peak_memory_kib(world.gateway().pid()), kMemoryKib);
  }
}

// Sends until the other side takes nothing for a while; how much it took.
std::size_t send_until_held(int fd, std::size_t at_most) {
  std::size_t sent = 0;
  while (sent < at_most) {
    const ssize_t n = ::send(fd, mebibyte().data(), std::min(mebibyte().size(), at_most - sent),
                             MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n > 0)
      sent += static_cast<std::size_t>(n);
    else if (!wait_for(fd, POLLOUT, within(std::chrono::milliseconds(500))))
      break;
  }
  return sent;
}

TEST(ProxyStream, AClientThatReadsSlowlyHoldsBackTheUpstream) {
  RawUpstream world;
  HttpConnection client(world.gateway().port());
  client.send(request_text("GET", "/slow"));
  Fd upstream = world.accept();
  MessageStream stream(upstream.get());
  ASSERT_FALSE(stream.read_head(within()).empty());
  send_all(upstream.get(), "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(kBig) + "\r\n\r\n");
  std::size_t sent = send_until_held(upstream.get(), kBig);
  EXPECT_LT(sent, kInFlight);
  EXPECT_LT(peak_memory_kib(world.gateway().pid()), kMemoryKib);
  // It goes on as soon as the client reads, and nothing is lost.
  std::thread rest([&] {
    for (; sent < kBig; sent += std::min(mebibyte().size(), kBig - sent))
      send_all(upstream.get(),
               std::string_view(mebibyte()).substr(0, std::min(mebibyte().size(), kBig - sent)));
  });
  client.stream().read_head(within());
  std::size_t got = client.stream().take_pending().size();
  while (got < kBig) {
    const Received piece = receive_some(client.fd(), 1 << 20);
    if (piece.status != Io::ok) break;
    got += piece.bytes.size();
  }
  rest.join();
  EXPECT_EQ(got, kBig);
}

TEST(ProxyStream, AnUpstreamThatReadsSlowlyHoldsBackTheClient) {
  RawUpstream world;
  HttpConnection client(world.gateway().port());
  client.send("POST /slow HTTP/1.1\r\nHost: t\r\nContent-Length: " + std::to_string(kBig) + "\r\n\r\n");
  Fd upstream = world.accept();
  const std::size_t sent = send_until_held(client.fd(), kBig);
  EXPECT_LT(sent, kInFlight);
  EXPECT_LT(peak_memory_kib(world.gateway().pid()), kMemoryKib);
  MessageStream stream(upstream.get());
  ASSERT_FALSE(stream.read_head(within()).empty());
  std::size_t got = stream.take_pending().size();
  while (got < sent) {
    const Received piece = receive_some(upstream.get(), 1 << 20);
    ASSERT_EQ(piece.status, Io::ok);
    got += piece.bytes.size();
  }
  EXPECT_EQ(got, sent);
}

TEST_F(ProxyTest, EventsArriveOneByOne) {
  std::vector<std::unique_ptr<Gate>> gates;
  for (int i = 0; i < 10; ++i) gates.push_back(std::make_unique<Gate>());
  proxy.origin.on("/events", [&](Exchange& exchange) {
    exchange.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\n\r\n");
    for (int i = 0; i < 10; ++i) {
      if (!exchange.wait(*gates[static_cast<std::size_t>(i)])) return;
      exchange.send("id: " + std::to_string(i) + "\ndata: tick\n\n");
    }
  });
  HttpConnection client = proxy.connect();
  client.send(request_text("GET", "/events", {{"Accept", "text/event-stream"}}));
  // The head is here before any event is.
  const Head head = parse_head(client.stream().read_head(within()));
  EXPECT_EQ(head.headers.get("Content-Type"), "text/event-stream");
  for (int i = 0; i < 10; ++i) {
    EXPECT_TRUE(client.quiet_and_open()) << "an event came before it was sent";
    gates[static_cast<std::size_t>(i)]->open();
    EXPECT_NE(client.stream().read_through("tick\n\n\r\n", within()).find("id: " + std::to_string(i) + "\n"),
              std::string::npos);
  }
  EXPECT_EQ(client.stream().read_through("0\r\n\r\n", within()), "0\r\n\r\n");
}

TEST(ProxyStream, RequestPiecesReachTheUpstreamAsTheyCome) {
  RawUpstream world;
  HttpConnection client(world.gateway().port());
  client.send("POST /pieces HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n");
  Fd upstream = world.accept();
  MessageStream stream(upstream.get());
  ASSERT_FALSE(stream.read_head(within()).empty()) << "the head doesn't wait for a body";
  for (int i = 0; i < 5; ++i) {
    const std::string piece = "piece " + std::to_string(i);
    client.send("7\r\n" + piece + "\r\n");
    EXPECT_EQ(stream.read_through(piece + "\r\n", within()), "7\r\n" + piece + "\r\n");
  }
}

TEST_F(ProxyTest, AClientThatLeavesInTheMiddleOfAnAnswerEndsTheUpstreamsWork) {
  std::atomic<bool> noticed = false;
  Gate done;
  proxy.origin.on("/endless", [&](Exchange& exchange) {
    exchange.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    const std::string piece = "10000\r\n" + std::string(65'536, 'x') + "\r\n";
    for (const Deadline deadline = within(); Clock::now() < deadline && !noticed;)
      noticed = exchange.send(piece) != Io::ok;
    done.open();
  });
  HttpConnection client = proxy.connect();
  client.send(request_text("GET", "/endless"));
  ASSERT_FALSE(client.stream().read_head(within()).empty());
  client.abort();
  ASSERT_TRUE(done.wait());
  EXPECT_TRUE(noticed);
}

TEST(ProxyStream, AClientThatLeavesWhileItWaitsEndsTheUpstreamsWork) {
  Origin origin;
  GatewayProcess gateway(SALLYPORT_BINARY, proxy_config(origin.url(), "", "1h"));
  struct Poll {
    Gate arrived, done;
    std::atomic<bool> noticed = false;
  };
  for (const bool reset : {true, false}) {
    // Shared: an answer that never came is asked for once more, and that may outlive this turn.
    auto poll = std::make_shared<Poll>();
    origin.on("/poll", [poll](Exchange& exchange) {
      poll->arrived.open();
      poll->noticed = exchange.closed_by_peer(std::chrono::milliseconds(5'000));
      poll->done.open();
    });
    HttpConnection client(gateway.port());
    client.send(request_text("GET", "/poll"));
    ASSERT_TRUE(poll->arrived.wait());
    if (reset)
      client.abort();
    else
      client.close();
    ASSERT_TRUE(poll->done.wait());
    // A FIN alone may be a half-close; a reset is certain.
    if (reset) {
      EXPECT_TRUE(poll->noticed);
    }
  }
}

TEST_F(ProxyTest, AClientThatLeavesInTheMiddleOfItsBodyEndsTheRequest) {
  HttpConnection client = proxy.connect();
  client.send("POST /half HTTP/1.1\r\nHost: t\r\nContent-Length: 1000000\r\n\r\n" +
              std::string(500'000, 'x'));
  client.abort();
  ASSERT_TRUE(proxy.origin.wait_for_requests(1));
  EXPECT_FALSE(proxy.origin.last().complete);
  EXPECT_EQ(proxy.client().get("/next").text("target"), "/next");
}

}  // namespace
}  // namespace sallyport::testing
