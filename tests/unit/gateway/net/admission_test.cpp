#include "gateway/net/admission.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace sallyport::gateway {
namespace {

IpAddress ip(const char* text) { return parse_ip(text).value(); }

TEST(ConnectionCap, IsTheConfiguredOneWhereDescriptorsSuffice) {
  EXPECT_EQ(connection_cap(10'000, 20'000, 40), 10'000u);
  EXPECT_EQ(connection_cap(100, 1024, 40), 100u);
}

TEST(ConnectionCap, LeavesTwoThirdsOfFewDescriptorsToUpstreamsAtWorkAndIdle) {
  EXPECT_EQ(connection_cap(10'000, 64, 24), 13u);
  EXPECT_EQ(idle_cap(13, 64, 24), 13u);
  EXPECT_EQ(connection_cap(2'000'000, 1'048'576, 576), 1'048'000u - 4096u);
}

TEST(ConnectionCap, IsNeverZero) { EXPECT_EQ(connection_cap(10'000, 16, 40), 1u); }

TEST(AddressCounts, LetsAnAddressInUpToItsLimitAndAgainAfterwards) {
  AddressCounts counts(2);
  EXPECT_TRUE(counts.enter(ip("192.0.2.1")));
  EXPECT_TRUE(counts.enter(ip("192.0.2.1")));
  EXPECT_FALSE(counts.enter(ip("192.0.2.1")));
  EXPECT_TRUE(counts.enter(ip("192.0.2.2")));
  counts.leave(ip("192.0.2.1"));
  EXPECT_TRUE(counts.enter(ip("192.0.2.1")));
  EXPECT_EQ(counts.count(ip("192.0.2.1")), 2u);
}

TEST(AddressCounts, TakesAnIpv6NetworkForOneClient) {
  AddressCounts counts(1);
  EXPECT_TRUE(counts.enter(ip("2001:db8:0:1::1")));
  EXPECT_FALSE(counts.enter(ip("2001:db8:0:1:ffff::2")));
  EXPECT_TRUE(counts.enter(ip("2001:db8:0:2::1")));
}

TEST(AddressCounts, CountsNothingWithoutALimit) {
  AddressCounts counts(0);
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(counts.enter(ip("192.0.2.1")));
  EXPECT_EQ(counts.count(ip("192.0.2.1")), 0u);
}

TEST(AddressCounts, IsExactWhenThreadsRace) {
  AddressCounts counts(10);
  std::atomic<int> entered = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 100; ++i)
        if (counts.enter(ip("192.0.2.1"))) ++entered;
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(entered, 10);
  for (int i = 0; i < 10; ++i) counts.leave(ip("192.0.2.1"));
  EXPECT_EQ(counts.count(ip("192.0.2.1")), 0u);
}

}  // namespace
}  // namespace sallyport::gateway
