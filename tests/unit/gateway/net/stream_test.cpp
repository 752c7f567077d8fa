// Plain and under TLS: the same promises. Two streams of one socket pair on one loop.
#include "gateway/net/stream.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>
#include <boost/asio/steady_timer.hpp>

#include <string>

#include "gateway/net/beginning.hpp"
#include "tests/support/await.hpp"
#include "tests/support/certificates.hpp"
#include "tests/support/temp_dir.hpp"

namespace sallyport::gateway {
namespace {

using testing::await;
using testing::await_all;

SteadyTime now() { return std::chrono::steady_clock::now(); }

struct Pair {
  Pair() : deadlines(now()) {
    int fds[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0)
      throw std::runtime_error("socketpair");
    for (int i = 0; i < 2; ++i) {
      Socket socket(context.get_executor(), fds[i]);
      (i == 0 ? ours : theirs) = std::make_unique<Stream>(std::move(socket), deadlines);
    }
  }
  // Lets deadlines pass while something waits.
  Task<bool> tick_until(const bool& done) {
    net::steady_timer timer(context);
    while (!done) {
      timer.expires_after(std::chrono::milliseconds(5));
      auto [ec] = co_await timer.async_wait(kAwait);
      (void)ec;
      deadlines.tick(now());
    }
    co_return true;
  }

  net::io_context context{1};
  Deadlines deadlines;
  std::unique_ptr<Stream> ours, theirs;
};

Task<std::string> read_all(Stream& stream) {
  std::string out;
  std::array<char, 4096> piece;
  for (;;) {
    const IoResult got = co_await stream.read_some(piece);
    if (got.ec) co_return got.ec == net::error::eof ? out : out + "!" + got.ec.message();
    out.append(piece.data(), got.bytes);
  }
}

Task<std::string> write_and_end(Stream& stream, std::string text) {
  std::array<iovec, 3> pieces{piece_of(std::string_view(text).substr(0, 1)),
                              piece_of(std::string_view(text).substr(1, 2)),
                              piece_of(std::string_view(text).substr(3))};
  const error_code ec = co_await stream.write_all(pieces);
  stream.shutdown_send();
  co_return ec.message();
}

Task<error_code> read_once(Stream& stream, bool& done) {
  std::array<char, 16> piece;
  const IoResult got = co_await stream.read_some(piece);
  done = true;
  co_return got.ec;
}

Task<error_code> cancel(Stream& stream) {
  stream.cancel();
  co_return error_code{};
}

Task<bool> handshake_as_client(Stream& stream, SSL_CTX* context) {
  Ssl ssl(SSL_new(context));
  SSL_set_connect_state(ssl.get());
  const error_code ec = co_await stream.handshake(std::move(ssl));
  co_return !ec;
}

Task<bool> handshake_as_server(Stream& stream, std::shared_ptr<const TlsServer> server) {
  const error_code ec = co_await accept_tls(stream, std::move(server), now() + std::chrono::seconds(20));
  co_return !ec;
}

class StreamTest : public ::testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    if (!GetParam()) return;
    const auto files = testing::TestAuthority().issue({"a.example"});
    config::Listener listener;
    listener.tls.push_back({dir.write("a.pem", files.certificate), dir.write("a.key", files.key)});
    auto loaded = TlsServer::load(listener, tickets);
    ASSERT_TRUE(loaded) << loaded.error();
    std::vector<Task<bool>> both;
    both.push_back(handshake_as_server(*pair.ours, *loaded));
    both.push_back(handshake_as_client(*pair.theirs, client.get()));
    for (const bool good : await_all(pair.context, std::move(both))) ASSERT_TRUE(good);
    pair.ours->read_until(SteadyTime::max());
  }

  testing::TempDir dir;
  TicketKeys tickets{now()};
  SslContext client{SSL_CTX_new(TLS_client_method())};
  Pair pair;
};

TEST_P(StreamTest, CarriesAllBytesThroughSmallBuffersInBothDirections) {
  std::string large(3'000'000, '\0');
  for (std::size_t i = 0; i < large.size(); ++i) large[i] = static_cast<char>(i * 31 >> 3);
  std::vector<Task<std::string>> all;
  all.push_back(write_and_end(*pair.ours, large));
  all.push_back(read_all(*pair.theirs));
  all.push_back(write_and_end(*pair.theirs, "short"));
  all.push_back(read_all(*pair.ours));
  const auto results = await_all(pair.context, std::move(all));
  EXPECT_TRUE(results[1] == large);
  EXPECT_EQ(results[3], "short");
}

TEST_P(StreamTest, EndsAWaitAtItsDeadline) {
  pair.ours->read_until(now() + std::chrono::milliseconds(50));
  bool done = false;
  Task<bool> ticking = pair.tick_until(done);
  spawn(pair.context, std::move(ticking), [](std::exception_ptr, bool) {});
  EXPECT_EQ(await(pair.context, read_once(*pair.ours, done)), net::error::timed_out);
  // A new deadline makes it usable again.
  pair.ours->read_until(now() + std::chrono::seconds(20));
  std::vector<Task<std::string>> all;
  all.push_back(write_and_end(*pair.theirs, "later"));
  all.push_back(read_all(*pair.ours));
  EXPECT_EQ(await_all(pair.context, std::move(all))[1], "later");
}

TEST_P(StreamTest, EndsAWaitWhenItIsCancelled) {
  bool done = false;
  std::vector<Task<error_code>> both;
  both.push_back(read_once(*pair.ours, done));
  both.push_back(cancel(*pair.ours));
  EXPECT_EQ(await_all(pair.context, std::move(both))[0], net::error::operation_aborted);
}

TEST_P(StreamTest, TellsACutFromAnEnd) {
  pair.theirs->close();  // under TLS: without close_notify
  bool done = false;
  const error_code ec = await(pair.context, read_once(*pair.ours, done));
  if (GetParam())
    EXPECT_EQ(ec, net::error::connection_reset);
  else
    EXPECT_EQ(ec, net::error::eof);
}

INSTANTIATE_TEST_SUITE_P(Over, StreamTest, ::testing::Bool(),
                         [](const auto& tested) { return tested.param ? "Tls" : "Plain"; });

Task<std::string> read_one(Stream& stream) {
  std::array<char, 16> piece;
  const IoResult got = co_await stream.read_some(piece);
  co_return got.ec ? got.ec.message() : std::string(piece.data(), got.bytes);
}

class TlsStreamTest : public StreamTest {};

// Both of them are in the socket, so the first read takes both into OpenSSL's buffer.
TEST_P(TlsStreamTest, ReadsASecondRecordWithoutTheSocket) {
  for (const std::string_view text : {"one", "two"}) {
    const iovec piece = piece_of(text);
    ASSERT_EQ(pair.theirs->try_write({&piece, 1}).bytes, 3u);
  }
  std::string all = await(pair.context, read_one(*pair.ours));
  while (all.size() < 6) all += await(pair.context, read_one(*pair.ours));
  EXPECT_EQ(all, "onetwo");
  EXPECT_TRUE(pair.ours->known_quiet()) << "nothing is left, and no call was needed to know";
}

std::size_t count_records(std::string_view bytes) {  // RFC 8446 5.1
  std::size_t count = 0;
  for (; bytes.size() >= 5; ++count) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
    bytes.remove_prefix(std::min<std::size_t>(bytes.size(), 5 + byte(3) * 256 + byte(4)));
  }
  return count;
}

// A head and a body of an answer each in a record of its own would be two calls of the system and two to
// decrypt.
TEST_P(TlsStreamTest, MakesOneRecordOfSmallPieces) {
  std::array<char, 64 * 1024> seen;
  const auto records = [&] { return count_records({seen.data(), pair.theirs->try_peek(seen).bytes}); };
  const std::size_t before = records();  // tickets
  const std::string body(20'000, 'b');
  const std::array<iovec, 4> pieces{piece_of("head"), piece_of(""), piece_of(body), piece_of("end")};
  EXPECT_EQ(pair.ours->try_write(pieces).bytes, 4 + body.size() + 3);
  EXPECT_EQ(records() - before, 2u) << "4 + 16,380 bytes, then 3,620 + 3";
}

TEST_P(TlsStreamTest, SeesWhetherAnIdlePeerIsQuietTalksOrLeft) {
  EXPECT_EQ(pair.ours->peek(), Stream::Idle::quiet);
  const iovec piece = piece_of("x");
  ASSERT_EQ(pair.theirs->try_write({&piece, 1}).bytes, 1u);
  EXPECT_EQ(pair.ours->peek(), Stream::Idle::has_bytes);
  EXPECT_EQ(await(pair.context, read_one(*pair.ours)), "x") << "what was seen is not lost";
  EXPECT_EQ(pair.ours->peek(), Stream::Idle::quiet);
  pair.theirs->close();
  EXPECT_EQ(pair.ours->peek(), Stream::Idle::closed) << "without close_notify too";
}

TEST_P(TlsStreamTest, TellsThatNothingWasSentToAPeerThatIsGone) {
  pair.theirs->close();
  const iovec piece = piece_of("x");
  for (int i = 0; i < 2; ++i) {
    const IoResult sent = pair.ours->try_write({&piece, 1});
    EXPECT_TRUE(sent.ec);
    EXPECT_EQ(sent.bytes, 0u);
  }
}

INSTANTIATE_TEST_SUITE_P(Over, TlsStreamTest, ::testing::Values(true));

TEST(Stream, SeesWhetherAnIdlePeerIsQuietTalksOrLeft) {
  Pair pair;
  EXPECT_EQ(pair.ours->peek(), Stream::Idle::quiet);
  const iovec piece = piece_of("x");
  ASSERT_EQ(pair.theirs->try_write({&piece, 1}).bytes, 1u);
  EXPECT_EQ(pair.ours->peek(), Stream::Idle::has_bytes);
  std::array<char, 4> room;
  EXPECT_EQ(pair.ours->try_read(room).bytes, 1u);
  pair.theirs->close();
  EXPECT_EQ(pair.ours->peek(), Stream::Idle::closed);
}

TEST(Stream, AdvancesOverWholeAndPartialPieces) {
  std::array<iovec, 3> pieces{piece_of("abc"), piece_of("de"), piece_of("fgh")};
  const std::span<iovec> left = gateway::advance(pieces, 6);
  ASSERT_EQ(left.size(), 1u);
  EXPECT_EQ(std::string(static_cast<char*>(left[0].iov_base), left[0].iov_len), "gh");
  EXPECT_TRUE(gateway::advance(left, 2).empty());
}

}  // namespace
}  // namespace sallyport::gateway
