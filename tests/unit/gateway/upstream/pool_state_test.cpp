// Which connection serves a request: idle before new, limits, the bounded queue, and which servers may be
// asked at all.
#include "gateway/upstream/pool_state.hpp"

#include <gtest/gtest.h>

#include <map>

namespace sallyport::upstream {
namespace {

using std::chrono::milliseconds;

const SteadyTime kStart{std::chrono::hours(1)};
SteadyTime at(int ms) { return kStart + milliseconds(ms); }

config::Upstream upstream(std::size_t servers) {
  config::Upstream out;
  out.balance.how = config::Balance::round_robin;
  out.max_connections = 2;
  out.max_idle = 1;
  out.queue = 1;
  out.breaker.failures = 2;
  for (std::size_t i = 0; i < servers; ++i) {
    config::Upstream::Server server;
    server.url = "http://10.0.0." + std::to_string(i + 1);
    out.servers.push_back(server);
  }
  return out;
}

void open(PoolState& pool, const Choice& choice, int when = 0) {
  ASSERT_EQ(choice.act, Act::connect);
  pool.connected(choice.server, at(when));
}

TEST(PoolState, TakesAnIdleConnectionBeforeItOpensOne) {
  PoolState pool(upstream(1));
  open(pool, pool.acquire(at(0), {}));
  pool.returned(0);
  EXPECT_EQ(pool.server(0).idle, 1u);
  const Choice again = pool.acquire(at(0), {});
  EXPECT_EQ(again.act, Act::use_idle);
  EXPECT_EQ(pool.server(0).idle, 0u);
  EXPECT_EQ(pool.server(0).busy, 1u);
}

TEST(PoolState, OpensAFreshOneWhereAskedAlthoughOneIsIdle) {
  PoolState pool(upstream(1));
  open(pool, pool.acquire(at(0), {}));
  pool.returned(0);
  const Choice fresh = pool.acquire(at(0), {.fresh_only = true});
  EXPECT_EQ(fresh.act, Act::connect);
  EXPECT_FALSE(fresh.instead_of_idle);
}

TEST(PoolState, ClosesAnIdleOneForAFreshOneWhenThePlacesAreTaken) {
  PoolState pool(upstream(1));
  open(pool, pool.acquire(at(0), {}));
  open(pool, pool.acquire(at(0), {}));
  pool.returned(0);
  const Choice fresh = pool.acquire(at(0), {.fresh_only = true});
  EXPECT_EQ(fresh.act, Act::connect);
  EXPECT_TRUE(fresh.instead_of_idle);
  EXPECT_EQ(pool.server(0).busy, 2u);
  EXPECT_EQ(pool.server(0).idle, 0u);
}

TEST(PoolState, QueuesWhenEveryPlaceIsTakenAndRefusesWhenTheQueueIsFull) {
  PoolState pool(upstream(1));
  open(pool, pool.acquire(at(0), {}));
  open(pool, pool.acquire(at(0), {}));
  EXPECT_EQ(pool.acquire(at(0), {}).act, Act::wait);
  pool.waiting(+1);
  EXPECT_EQ(pool.acquire(at(0), {}).act, Act::refuse);
  pool.waiting(-1);
  pool.closed_busy(0);
  EXPECT_EQ(pool.acquire(at(0), {}).act, Act::connect);
}

TEST(PoolState, UsesAServerWithRoomBeforeItWaitsForAnother) {
  PoolState pool(upstream(2));
  std::map<std::size_t, int> got;
  for (int i = 0; i < 4; ++i) {
    const Choice choice = pool.acquire(at(0), {.tried = i < 2 ? 2u : 0u});  // fills the first one first
    open(pool, choice);
    ++got[choice.server];
  }
  EXPECT_EQ(got[0], 2);
  EXPECT_EQ(got[1], 2);
}

TEST(PoolState, KeepsOnlySoManyIdle) {
  PoolState pool(upstream(1));
  open(pool, pool.acquire(at(0), {}));
  open(pool, pool.acquire(at(0), {}));
  EXPECT_TRUE(pool.keeps_idle(0));
  pool.returned(0);
  EXPECT_FALSE(pool.keeps_idle(0));
  pool.closed_busy(0);
  pool.closed_idle(0);
  EXPECT_EQ(pool.server(0).busy + pool.server(0).idle, 0u);
}

TEST(PoolState, LeavesAServerAloneThatRefusedAConnectForAWhile) {
  PoolState pool(upstream(2));
  const Choice first = pool.acquire(at(0), {});
  pool.connect_failed(first.server, false, first.probe, at(0));
  for (int i = 0; i < 2; ++i) {
    const Choice other = pool.acquire(at(99), {});
    EXPECT_NE(other.server, first.server);
    open(pool, other);
  }
  EXPECT_EQ(pool.acquire(at(100), {}).server, first.server);
}

TEST(PoolState, TriesARefusingServerWhenThereIsNoBetterOne) {
  PoolState pool(upstream(1));
  for (int i = 0; i < 10; ++i) {
    const Choice choice = pool.acquire(at(i), {});
    ASSERT_EQ(choice.act, Act::connect);
    pool.connect_failed(0, false, choice.probe, at(i));
  }
}

TEST(PoolState, RefusesWhenEveryServerFailedThisRequest) {
  PoolState pool(upstream(2));
  EXPECT_EQ(pool.acquire(at(0), {.tried = 1}).server, 1u);
  EXPECT_EQ(pool.acquire(at(0), {.tried = 3}).act, Act::refuse);
}

TEST(PoolState, EjectsForTwiceAsLongEachTimeUpToFiveSeconds) {
  EXPECT_EQ(ejection(1), milliseconds(100));
  EXPECT_EQ(ejection(2), milliseconds(200));
  EXPECT_EQ(ejection(6), milliseconds(3200));
  EXPECT_EQ(ejection(7), milliseconds(5000));
  EXPECT_EQ(ejection(1000), milliseconds(5000));
}

TEST(PoolState, AsksNoServerWhoseBreakerIsOpenAndOneProbeWhenHalfOpen) {
  PoolState pool(upstream(1));
  for (int i = 0; i < 2; ++i) {
    const Choice choice = pool.acquire(at(0), {});
    open(pool, choice);
    pool.ended(0, Outcome::failed, choice.probe, at(0));
    pool.closed_busy(0);
  }
  EXPECT_EQ(pool.acquire(at(999), {}).act, Act::unavailable);
  const Choice probe = pool.acquire(at(1000), {});
  EXPECT_EQ(probe.act, Act::connect);
  EXPECT_TRUE(probe.probe);
  EXPECT_EQ(pool.acquire(at(1000), {}).act, Act::unavailable);
  pool.connected(0, at(1001));
  pool.ended(0, Outcome::well, true, at(1001));
  EXPECT_EQ(pool.acquire(at(1001), {}).act, Act::connect);
}

TEST(PoolState, CountsASilentConnectForTheBreakerAndARefusedOneNot) {
  PoolState refused(upstream(1)), silent(upstream(1));
  for (int i = 0; i < 2; ++i) {
    refused.connect_failed(refused.acquire(at(0), {}).server, false, false, at(0));
    silent.connect_failed(silent.acquire(at(0), {}).server, true, false, at(0));
  }
  EXPECT_EQ(refused.acquire(at(0), {}).act, Act::connect);
  EXPECT_EQ(silent.acquire(at(0), {}).act, Act::unavailable);
}

TEST(PoolState, AsksNoServerThatFailedItsChecks) {
  PoolState pool(upstream(2));
  pool.checked(0, false, at(0));
  for (int i = 0; i < 2; ++i) {
    const Choice choice = pool.acquire(at(i), {});
    EXPECT_EQ(choice.server, 1u);
    open(pool, choice);
  }
  EXPECT_EQ(pool.acquire(at(2), {}).act, Act::wait);  // for the other, never on this one
  pool.checked(1, false, at(3));
  EXPECT_EQ(pool.acquire(at(3), {}).act, Act::unavailable);
  pool.checked(0, true, at(4));
  EXPECT_EQ(pool.acquire(at(4), {}).act, Act::connect);
}

TEST(PoolState, GivesAServerThatCameBackItsShareSlowly) {
  config::Upstream config = upstream(2);
  config.slow_start = milliseconds(10'000);
  config.max_connections = 1000;
  PoolState pool(config);
  pool.checked(0, false, at(0));
  pool.checked(0, true, at(1000));
  const auto share = [&](int when) {
    int first = 0;
    for (int i = 0; i < 110; ++i) {
      const Choice choice = pool.acquire(at(when), {});
      first += choice.server == 0;
      pool.closed_busy(choice.server);
    }
    return first;
  };
  EXPECT_EQ(share(1000), 10);  // a tenth of its weight: 1 of 11
  EXPECT_NEAR(share(6000), 37, 1);
  EXPECT_NEAR(share(11'000), 55, 1);
}

}  // namespace
}  // namespace sallyport::upstream
