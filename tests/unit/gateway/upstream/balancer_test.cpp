// Who gets the next request: shares by weight, the least busy, the same server for the same value.
#include "gateway/upstream/balancer.hpp"

#include <gtest/gtest.h>

#include <map>
#include <string>

namespace sallyport::upstream {
namespace {

config::Upstream upstream(config::Balance how, std::size_t servers) {
  config::Upstream out;
  out.balance.how = how;
  for (std::size_t i = 0; i < servers; ++i) {
    config::Upstream::Server server;
    server.url = "http://10.0.0." + std::to_string(i + 1) + ":8080";
    out.servers.push_back(server);
  }
  return out;
}

std::vector<Candidate> candidates(std::vector<unsigned> weights) {
  std::vector<Candidate> out;
  for (const unsigned weight : weights) out.push_back({true, weight * 1000, 0});
  return out;
}

TEST(RoundRobin, GoesRoundAndInterleavesByWeight) {
  Balancer balancer(upstream(config::Balance::round_robin, 3));
  const auto all = candidates({5, 1, 1});
  std::string order;
  for (int i = 0; i < 14; ++i) order += static_cast<char>('a' + balancer.pick(all, 0));
  EXPECT_EQ(order, "aabacaaaabacaa");
}

TEST(RoundRobin, SkipsWhoMayNotBeAsked) {
  Balancer balancer(upstream(config::Balance::round_robin, 3));
  auto all = candidates({1, 1, 1});
  all[1].usable = false;
  std::map<std::size_t, int> got;
  for (int i = 0; i < 100; ++i) ++got[balancer.pick(all, 0)];
  EXPECT_EQ(got[0], 50);
  EXPECT_EQ(got[1], 0);
  all[0].usable = all[2].usable = false;
  EXPECT_EQ(balancer.pick(all, 0), Balancer::kNone);
}

TEST(LeastRequests, TakesTheLeastBusyAndGoesRoundAmongEquals) {
  Balancer balancer(upstream(config::Balance::least_requests, 3));
  auto all = candidates({1, 1, 1});
  std::map<std::size_t, int> got;
  for (int i = 0; i < 99; ++i) ++got[balancer.pick(all, 0)];
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(got[i], 33);
  all[0].busy = 2, all[1].busy = 1, all[2].busy = 2;
  for (int i = 0; i < 5; ++i) EXPECT_EQ(balancer.pick(all, 0), 1u);
}

TEST(LeastRequests, MeasuresBusyByWeight) {
  Balancer balancer(upstream(config::Balance::least_requests, 2));
  auto all = candidates({3, 1});
  for (int i = 0; i < 40; ++i) ++all[balancer.pick(all, 0)].busy;
  EXPECT_EQ(all[0].busy, 30u);
  EXPECT_EQ(all[1].busy, 10u);
}

// The value that other releases and processes must find again: a change here moves every key of a fleet.
TEST(HashKey, IsTheSameForEver) {
  EXPECT_EQ(hash_key("tenant-1"), hash_key("tenant-1"));
  EXPECT_NE(hash_key("tenant-1"), hash_key("tenant-2"));
  EXPECT_NE(hash_key(""), 0u);
  EXPECT_EQ(hash_key("tenant-1"), 0x27a4a8c6e79b9950ULL);
}

TEST(Hash, SendsAValueToTheSameServerAndSharesByWeight) {
  Balancer balancer(upstream(config::Balance::hash, 4)), other(upstream(config::Balance::hash, 4));
  const auto all = candidates({1, 1, 2, 4});
  std::map<std::size_t, int> got;
  for (int i = 0; i < 8000; ++i) {
    const std::uint64_t key = hash_key("user-" + std::to_string(i));
    const std::size_t server = balancer.pick(all, key);
    EXPECT_EQ(other.pick(all, key), server);
    ++got[server];
  }
  EXPECT_NEAR(got[0], 1000, 150);
  EXPECT_NEAR(got[1], 1000, 150);
  EXPECT_NEAR(got[2], 2000, 200);
  EXPECT_NEAR(got[3], 4000, 250);
}

TEST(Hash, MovesOnlyTheKeysOfAServerThatGoes) {
  Balancer balancer(upstream(config::Balance::hash, 4));
  const auto all = candidates({1, 1, 1, 1});
  auto without = all;
  without[2].usable = false;
  int moved = 0;
  for (int i = 0; i < 4000; ++i) {
    const std::uint64_t key = hash_key("user-" + std::to_string(i));
    const std::size_t before = balancer.pick(all, key), after = balancer.pick(without, key);
    if (before != 2) {
      EXPECT_EQ(after, before);
    } else {
      EXPECT_NE(after, 2u);
      ++moved;
    }
  }
  EXPECT_NEAR(moved, 1000, 150);
}

TEST(Hash, DoesNotDependOnThePlaceInTheList) {
  config::Upstream one = upstream(config::Balance::hash, 4), two = one;
  std::swap(two.servers[0], two.servers[3]);
  Balancer first(one), second(two);
  const auto all = candidates({1, 1, 1, 1});
  for (int i = 0; i < 100; ++i) {
    const std::uint64_t key = hash_key("user-" + std::to_string(i));
    EXPECT_EQ(one.servers[first.pick(all, key)].url, two.servers[second.pick(all, key)].url);
  }
}

TEST(Hash, TakesTheLeastBusyWhereThereIsNoValue) {
  Balancer balancer(upstream(config::Balance::hash, 2));
  auto all = candidates({1, 1});
  all[0].busy = 1;
  EXPECT_EQ(balancer.pick(all, 0), 1u);
}

TEST(Ramp, GrowsFromATenthToTheWholeWeight) {
  using std::chrono::milliseconds;
  const milliseconds ramp(10'000);
  EXPECT_EQ(ramped(3, milliseconds(0), ramp), 300u);
  EXPECT_EQ(ramped(3, milliseconds(500), ramp), 300u);
  EXPECT_EQ(ramped(3, milliseconds(5'000), ramp), 1500u);
  EXPECT_EQ(ramped(3, milliseconds(10'000), ramp), 3000u);
  EXPECT_EQ(ramped(3, milliseconds(0), milliseconds(0)), 3000u);
}

}  // namespace
}  // namespace sallyport::upstream
