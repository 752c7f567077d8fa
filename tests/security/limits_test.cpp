// Limits on what one client may take (SECURITY B10, B11, J13, section 8): sizes, counts and times, each
// answered with its own status, and the connection ends.
#include <poll.h>
#include <sys/socket.h>

#include "tests/security/world.hpp"

namespace sallyport::testing {
namespace {

constexpr std::string_view kTight =
    "limits: {head: 1s, head_size: 8KiB, fields: 20, body_idle: 1s, body_rate: off, keep_alive: 1s, "
    "write_stall: 2s}\n";
constexpr std::chrono::milliseconds kSoon{6'000};  // a limit of one second, on a busy machine

class Limits : public ::testing::Test {
 public:
  static void SetUpTestSuite() { world_ = std::make_unique<World>(std::string(kTight)); }
  static void TearDownTestSuite() { world_.reset(); }

 protected:
  static World& world() { return *world_; }

  // Feeds one byte whenever nothing came for 50 ms; true: the other side answered or ended it.
  static bool trickle_until_answered(HttpConnection& connection, std::string_view byte) {
    const Deadline deadline = within(kSoon);
    while (Clock::now() < deadline) {
      if (connection.send(byte) != Io::ok) return true;
      if (wait_for(connection.fd(), POLLIN | POLLRDHUP, within(std::chrono::milliseconds(50)))) return true;
    }
    return false;
  }

 private:
  static inline std::unique_ptr<World> world_;
};

std::string fields(int count, int size = 1) {
  std::string lines;
  for (int i = 0; i < count; ++i)
    lines += "X-" + std::to_string(i) + ": " + std::string(static_cast<std::size_t>(size), 'a') + "\r\n";
  return lines;
}

TEST_F(Limits, TooManyFieldsAre431) {
  EXPECT_EQ(world().talk("GET /public/a HTTP/1.1\r\nHost: t\r\n" + fields(19) + "\r\n", 1, false).status(),
            200);
  const Talk talk = world().talk("GET /public/a HTTP/1.1\r\nHost: t\r\n" + fields(20) + "\r\n");
  EXPECT_EQ(talk.status(), 431);
  EXPECT_EQ(talk.responses[0].text("error"), "head_too_large");
  EXPECT_TRUE(talk.closed);
}

TEST_F(Limits, ATooLargeHeadIs431WhetherItEndsOrNot) {
  for (const std::string& end : {std::string("\r\n\r\n"), std::string()}) {
    const Talk talk =
        world().talk("GET /public/a HTTP/1.1\r\nHost: t\r\nX: " + std::string(9'000, 'a') + end);
    EXPECT_EQ(talk.status(), 431);
    EXPECT_TRUE(talk.closed);
  }
}

TEST_F(Limits, ATooLongTargetIs414) {
  const Talk talk = world().talk("GET /public/" + std::string(9'000, 'a') + " HTTP/1.1\r\nHost: t\r\n\r\n");
  EXPECT_EQ(talk.status(), 414);
  EXPECT_TRUE(talk.closed);
}

TEST_F(Limits, AHeadOfExactlyTheLimitPassesWithItsBody) {
  const std::string start = "POST /public/a HTTP/1.1\r\nHost: t\r\nContent-Length: 100000\r\nX: ";
  const std::string head = start + std::string(8192 - start.size() - 4, 'a') + "\r\n\r\n";
  ASSERT_EQ(head.size(), 8192u);
  EXPECT_EQ(world().talk(head + std::string(100'000, 'b'), 1, false).status(), 200);
  EXPECT_EQ(world().open.last().body, std::string(100'000, 'b'));
}

TEST_F(Limits, AnAnnouncedBodyOverTheLimitIs413BeforeAnyOfItIsRead) {
  const std::size_t before = world().open.requests().size();
  const Talk talk = world().talk("POST /public/a HTTP/1.1\r\nHost: t\r\nContent-Length: 1048577\r\n\r\n");
  EXPECT_EQ(talk.status(), 413);
  EXPECT_EQ(talk.responses[0].text("error"), "body_too_large");
  EXPECT_TRUE(talk.closed);
  EXPECT_EQ(world().open.requests().size(), before);
}

TEST_F(Limits, AChunkedBodyOverTheLimitIs413AndNeverWholeUpstream) {
  std::string bytes = "POST /public/big HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (int i = 0; i < 17; ++i) bytes += "10000\r\n" + std::string(65'536, 'a') + "\r\n";
  bytes += "0\r\n\r\n";
  const Talk talk = world().talk(bytes);
  EXPECT_EQ(talk.status(), 413) << talk.leftover;
  EXPECT_TRUE(talk.closed);
  world().expect_canary("a chunked 413");
  for (const RecordedRequest& request : world().open.requests("/public/big")) EXPECT_FALSE(request.complete);
}

TEST_F(Limits, ABodyOfExactlyTheLimitPasses) {
  const std::string body(1'048'576, 'a');
  EXPECT_EQ(world().client().call("POST", "/public/a", {}, body).status, 200);
  EXPECT_EQ(world().open.last().body.size(), body.size());
}

TEST_F(Limits, ASilentConnectionIsClosed) {
  HttpConnection connection(world().port());
  EXPECT_TRUE(connection.closed_by_peer(kSoon));
}

TEST_F(Limits, AnUnfinishedHeadIsA408) {
  const Talk talk = world().talk("GET /public/a HTTP/1.1\r\nHost:");
  EXPECT_EQ(talk.status(), 408);
  EXPECT_TRUE(talk.closed);
}

// A byte now and then doesn't move the deadline.
TEST_F(Limits, ATricklingHeadIsA408) {
  HttpConnection connection(world().port());
  connection.send("GET /public/a HTTP/1.1\r\nHost: t\r\nX: ");
  ASSERT_TRUE(trickle_until_answered(connection, "a"));
  auto response = connection.read_response();
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 408);
  EXPECT_TRUE(connection.closed_by_peer(kSoon));
}

TEST_F(Limits, ATricklingSecondHeadIsA408Too) {
  HttpConnection connection(world().port());
  ASSERT_EQ(connection.request("GET", "/public/a").status, 200);
  connection.send("GET /public/b HTTP/1.1\r\nHost: t\r\nX: ");
  ASSERT_TRUE(trickle_until_answered(connection, "a"));
  auto response = connection.read_response();
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 408);
}

TEST_F(Limits, AStalledBodyIsA408AndNeverWholeUpstream) {
  const Talk talk =
      world().talk("POST /public/stalled HTTP/1.1\r\nHost: t\r\nContent-Length: 10\r\n\r\nhalf");
  EXPECT_EQ(talk.status(), 408);
  EXPECT_TRUE(talk.closed);
  world().expect_canary("a stalled body");
  for (const RecordedRequest& request : world().open.requests("/public/stalled"))
    EXPECT_FALSE(request.complete);
}

TEST_F(Limits, AnIdleConnectionIsClosedWithoutAnAnswer) {
  HttpConnection connection(world().port());
  ASSERT_EQ(connection.request("GET", "/public/a").status, 200);
  EXPECT_TRUE(connection.closed_by_peer(kSoon));
  EXPECT_FALSE(connection.read_response());
}

// A client that takes nothing is cut; others aren't held up meanwhile.
TEST_F(Limits, AClientThatReadsNothingIsCut) {
  Answer big;
  big.body = std::string(64 << 20, 'x');
  world().open.on("/public/huge", big);
  HttpConnection connection(world().port());
  const int small = 4096;
  ::setsockopt(connection.fd(), SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
  connection.send(request_text("GET", "/public/huge"));
  ASSERT_TRUE(wait_for(connection.fd(), POLLIN, within()));
  for (int i = 0; i < 20; ++i) world().expect_canary("a stalled reader");
  const Deadline deadline = within(std::chrono::milliseconds(15'000));
  bool cut = false;
  while (!cut && Clock::now() < deadline) cut = wait_for(connection.fd(), POLLRDHUP, deadline);
  EXPECT_TRUE(cut);
}

TEST(ConnectionLimits, OneTooManyWaitsUntilThereIsRoom) {
  Origin origin;
  Answer held;
  held.body = "held";
  held.before_head = std::make_shared<Gate>();
  origin.on("/held", held);
  GatewayProcess gateway(SALLYPORT_BINARY, R"(
workers: 1
listeners: [{address: "127.0.0.1:0"}]
limits: {connections: 3}
upstreams: {o: {servers: [")" + origin.url() +
                                               R"("]}}
routes: [{path: /, upstream: o, auth: none, timeout: 1h}]
)");
  std::vector<std::unique_ptr<HttpConnection>> busy;
  for (int i = 0; i < 3; ++i) {
    busy.push_back(std::make_unique<HttpConnection>(gateway.port()));
    busy.back()->send(request_text("GET", "/held"));
  }
  ASSERT_TRUE(held.before_head->wait_for_arrivals(3));
  HttpConnection one_more(gateway.port());
  one_more.send(request_text("GET", "/waits"));
  EXPECT_FALSE(wait_for(one_more.fd(), POLLIN, within(std::chrono::milliseconds(300))));
  EXPECT_TRUE(origin.requests("/waits").empty());
  held.before_head->open();
  for (auto& connection : busy) EXPECT_EQ(connection->read_response()->body, "held");
  busy.pop_back();
  EXPECT_EQ(one_more.read_response()->text("target"), "/waits");
}

}  // namespace
}  // namespace sallyport::testing
