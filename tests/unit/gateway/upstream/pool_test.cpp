// The pool over real sockets of the loopback: queues, closed idle connections, Unix sockets, several
// addresses.
#include "gateway/upstream/pool.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/write.hpp>

#include <filesystem>

#include "tests/support/await.hpp"

namespace sallyport::upstream {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using tcp = net::ip::tcp;

SteadyTime in(milliseconds time) { return std::chrono::steady_clock::now() + time; }

// Ticks the deadlines as a worker does.
struct Ticker {
  Ticker(net::io_context& context_, gateway::Deadlines& deadlines_) : deadlines(deadlines_), timer(context_) {
    next();
  }
  void next() {
    timer.expires_after(milliseconds(20));
    timer.async_wait([this](const gateway::error_code& ec) {
      if (ec) return;
      deadlines.tick(std::chrono::steady_clock::now());
      next();
    });
  }
  gateway::Deadlines& deadlines;
  net::steady_timer timer;
};

struct Got {
  std::shared_ptr<Lease> lease;
  AcquireError error{};
  std::string reason;
};

Task<Got> acquire(Pool& pool, Pool::Wish wish) {
  Got got;
  auto result = co_await pool.acquire(wish, got.reason);
  if (result)
    got.lease = std::make_shared<Lease>(std::move(*result));
  else
    got.error = result.error();
  co_return got;
}

class PoolOverSockets : public ::testing::Test {
 protected:
  PoolOverSockets() {
    config.max_connections = 2;
    config.connect_timeout = milliseconds(300);
    config.balance.how = config::Balance::round_robin;
    add(server.local_endpoint().port());
  }
  void add(std::uint16_t port) {
    config::Upstream::Server one;
    one.host = "127.0.0.1";
    one.port = port;
    one.url = "http://127.0.0.1:" + std::to_string(port);
    config.servers.push_back(one);
  }
  Pool& pool() {
    if (!pool_)
      pool_ =
          std::make_unique<Pool>(context.get_executor(), deadlines, resolver, config, http1::HeadLimits{});
    return *pool_;
  }
  Got get(Pool::Wish wish) { return sallyport::testing::await(context, acquire(pool(), wish)); }
  Got get() { return get({false, in(seconds(10))}); }
  // A port of the loopback that nobody listens on, while `holder` lives.
  std::uint16_t closed_port() {
    holder.emplace(context, tcp::endpoint(net::ip::address_v4::loopback(), 0), false);
    const std::uint16_t port = holder->local_endpoint().port();
    holder->close();
    return port;
  }

  net::io_context context{1};
  gateway::Deadlines deadlines{std::chrono::steady_clock::now()};
  Ticker ticker{context, deadlines};
  Resolver resolver{context.get_executor()};
  tcp::acceptor server{context, tcp::endpoint(net::ip::address_v4::loopback(), 0)};
  std::optional<tcp::acceptor> holder;
  config::Upstream config;
  std::unique_ptr<Pool> pool_;
};

TEST_F(PoolOverSockets, LendsTheSameConnectionAgain) {
  Got first = get();
  ASSERT_TRUE(first.lease) << first.reason;
  EXPECT_FALSE((*first.lease)->reused);
  Connection* const connection = first.lease->operator->();
  first.lease->give_back();
  Got second = get();
  ASSERT_TRUE(second.lease);
  EXPECT_EQ(second.lease->operator->(), connection);
  EXPECT_TRUE((*second.lease)->reused);
}

TEST_F(PoolOverSockets, NeverLendsAConnectionOnWhichTheUpstreamSpokeOrThatItClosed) {
  for (const bool speaks : {true, false}) {
    Got first = get();
    ASSERT_TRUE(first.lease);
    tcp::socket peer = server.accept();
    const Connection* const connection = first.lease->operator->();
    first.lease->give_back();
    if (speaks) {
      net::write(peer, net::buffer("HTTP/1.1 200 OK\r\n\r\n", 19));
    } else {
      peer.close();
    }
    Got second = get();
    ASSERT_TRUE(second.lease);
    EXPECT_FALSE((*second.lease)->reused) << connection;
    server.accept();
    second.lease->discard();
    EXPECT_EQ(pool().state().server(0).idle + pool().state().server(0).busy, 0u);
  }
}

TEST_F(PoolOverSockets, LetsTheNextInTheQueueGoWhenAConnectionComesBack) {
  Got first = get(), second = get();
  std::vector<Task<Got>> tasks;
  tasks.push_back(acquire(pool(), {false, in(seconds(10))}));
  tasks.push_back(acquire(pool(), {false, in(seconds(10))}));
  net::post(context, [&] { first.lease->give_back(); });
  net::post(context, [&] { second.lease->discard(); });
  const std::vector<Got> got = sallyport::testing::await_all(context, std::move(tasks));
  ASSERT_TRUE(got[0].lease && got[1].lease);
  EXPECT_EQ(pool().state().waiting(), 0u);
  EXPECT_EQ(pool().state().server(0).busy, 2u);
}

TEST_F(PoolOverSockets, GivesUpWaitingAtTheDeadline) {
  Got first = get(), second = get();
  const Got late = get({false, in(milliseconds(20))});
  EXPECT_FALSE(late.lease);
  EXPECT_EQ(late.error, AcquireError::timeout);
  EXPECT_EQ(pool().state().waiting(), 0u);
}

// A place that comes free at the very moment of the deadline: whoever is woken takes it, and nobody is taken
// off the queue twice.
TEST_F(PoolOverSockets, SurvivesAPlaceThatComesFreeAtTheDeadline) {
  Got first = get(), second = get();
  std::vector<Task<Got>> tasks;
  const SteadyTime now = std::chrono::steady_clock::now();
  for (int i = 0; i < 5; ++i) tasks.push_back(acquire(pool(), {false, now}));  // has passed already
  net::post(context, [&] { first.lease->give_back(); });
  net::post(context, [&] { second.lease->give_back(); });
  int served = 0;
  for (const Got& got : sallyport::testing::await_all(context, std::move(tasks))) served += bool(got.lease);
  EXPECT_LE(served, 2);
  EXPECT_EQ(pool().state().waiting(), 0u);
}

TEST_F(PoolOverSockets, RefusesWhenTheQueueIsFull) {
  config.queue = 0;
  Got first = get(), second = get();
  const Got third = get();
  EXPECT_FALSE(third.lease);
  EXPECT_EQ(third.error, AcquireError::overloaded);
}

TEST_F(PoolOverSockets, EndsTheWaitOfAllWhenClosed) {
  Got first = get(), second = get();
  std::vector<Task<Got>> tasks;
  for (int i = 0; i < 3; ++i) tasks.push_back(acquire(pool(), {false, in(seconds(10))}));
  net::post(context, [&] { pool().close(); });
  for (const Got& got : sallyport::testing::await_all(context, std::move(tasks)))
    EXPECT_EQ(got.error, AcquireError::overloaded);
}

TEST_F(PoolOverSockets, GoesToAnotherServerWhereOneRefuses) {
  config.servers.insert(config.servers.begin(), config::Upstream::Server{});
  config.servers[0].host = "127.0.0.1";
  config.servers[0].port = closed_port();
  for (int i = 0; i < 2; ++i) {
    const Got got = get();
    ASSERT_TRUE(got.lease) << got.reason;
    EXPECT_EQ((*got.lease)->server, 1u);
  }
}

TEST_F(PoolOverSockets, SaysWhichServerRefused) {
  config.servers[0].port = closed_port();
  config.servers[0].url = "http://orders:1";
  const Got got = get();
  EXPECT_FALSE(got.lease);
  EXPECT_EQ(got.error, AcquireError::unreachable);
  EXPECT_EQ(got.reason, "http://orders:1: Connection refused");
  EXPECT_EQ(pool().state().server(0).busy, 0u);
}

// The kernel answers connects for a listener until its queue is full; from then on it is silent.
TEST_F(PoolOverSockets, GivesUpASilentServerAtTheConnectTimeout) {
  tcp::acceptor silent(context);
  silent.open(tcp::v4());
  silent.bind(tcp::endpoint(net::ip::address_v4::loopback(), 0));
  silent.listen(0);
  std::vector<tcp::socket> fillers;
  for (int i = 0; i < 3; ++i) {
    fillers.emplace_back(context);
    fillers.back().async_connect(silent.local_endpoint(), [](const gateway::error_code&) {});
  }
  config.servers[0].port = silent.local_endpoint().port();
  const SteadyTime began = std::chrono::steady_clock::now();
  const Got got = get();
  EXPECT_FALSE(got.lease);
  EXPECT_EQ(got.error, AcquireError::timeout) << got.reason;
  EXPECT_LT(std::chrono::steady_clock::now() - began, seconds(5));
}

TEST_F(PoolOverSockets, TriesTheAddressesOfANameInTurnAndRemembersWhichAnswered) {
  const std::uint16_t port = server.local_endpoint().port();
  int looked_up = 0;
  Resolver names(context.get_executor(), [&](auto&, auto, gateway::error_code&) {
    ++looked_up;
    return Resolver::Endpoints{tcp::endpoint(net::ip::make_address("127.0.0.9"), port),
                               tcp::endpoint(net::ip::make_address("127.0.0.1"), port)};
  });
  config.servers[0].host = "orders";
  Pool named(context.get_executor(), deadlines, names, config, http1::HeadLimits{});
  for (int i = 0; i < 2; ++i) {
    const Got got = sallyport::testing::await(context, acquire(named, {true, in(seconds(10))}));
    ASSERT_TRUE(got.lease) << got.reason;
  }
  EXPECT_EQ(looked_up, 1);
}

TEST_F(PoolOverSockets, ReachesAServerOverAUnixSocket) {
  const std::string path =
      (std::filesystem::temp_directory_path() / ("sallyport-pool-" + std::to_string(::getpid()))).string();
  std::filesystem::remove(path);
  net::local::stream_protocol::acceptor local(context, net::local::stream_protocol::endpoint(path));
  config.servers[0] = {};
  config.servers[0].unix_path = path;
  const Got got = get();
  EXPECT_TRUE(got.lease) << got.reason;
  std::filesystem::remove(path);
}

TEST_F(PoolOverSockets, ClosesWhatWasIdleForTooLong) {
  config.idle_timeout = milliseconds(50);
  Got got = get();
  got.lease->give_back();
  pool().close_idle(in(milliseconds(10)));
  EXPECT_EQ(pool().state().server(0).idle, 1u);
  pool().close_idle(in(milliseconds(200)));
  EXPECT_EQ(pool().state().server(0).idle, 0u);
}

TEST_F(PoolOverSockets, AsksNobodyWhenTheBreakerOpenedAndTriesOnceAfterTheBackOff) {
  config.breaker.failures = 2;
  config.breaker.back_off = milliseconds(30);
  for (int i = 0; i < 2; ++i) {
    Got got = get();
    ASSERT_TRUE(got.lease);
    got.lease->judge(Outcome::failed);
    got.lease->discard();
  }
  EXPECT_EQ(get().error, AcquireError::unavailable);
  const SteadyTime patience = in(seconds(10));
  Got probe;
  while (!probe.lease && std::chrono::steady_clock::now() < patience) probe = get();
  ASSERT_TRUE(probe.lease);
  EXPECT_EQ(get().error, AcquireError::unavailable);
  probe.lease->judge(Outcome::well);
  probe.lease->give_back();
  EXPECT_TRUE(get().lease);
}

}  // namespace
}  // namespace sallyport::upstream
