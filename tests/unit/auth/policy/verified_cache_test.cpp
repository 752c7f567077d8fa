// What the worker remembers of verified tokens, and when it forgets.
#include "auth/policy/verified_cache.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sallyport::policy {
namespace {

using namespace std::chrono_literals;

constexpr UnixSeconds kNow{std::chrono::seconds(1'800'000'000)};

VerifiedToken token(std::string subject) {
  auto claims = std::make_shared<jose::Claims>();
  claims->subject = std::move(subject);
  return {.claims = claims, .digests = {}};
}

TEST(VerifiedCache, KeysByTheSha256OfTheWholeToken) {
  VerifiedCache cache(1 << 20);
  const auto key = cache.key_of("abc");  // FIPS 180-4 example
  EXPECT_EQ(key[0], 0xba);
  EXPECT_EQ(key[31], 0xad);
  EXPECT_EQ(cache.key_of("abc"), key);
  EXPECT_NE(cache.key_of("abd"), key);
}

// J9 of SECURITY.
TEST(VerifiedCache, FindsATokenUntilItDies) {
  VerifiedCache cache(1 << 20);
  const auto key = cache.key_of("t");
  EXPECT_EQ(cache.find(key, kNow, 1), nullptr);
  cache.insert(key, token("ada"), kNow + 10s, 1, 500);
  ASSERT_NE(cache.find(key, kNow + 9s, 1), nullptr);
  EXPECT_EQ(cache.find(key, kNow + 9s, 1)->claims->subject, "ada");
  EXPECT_EQ(cache.find(key, kNow + 10s, 1), nullptr);
  EXPECT_EQ(cache.size(), 0u);
  EXPECT_EQ(cache.bytes(), 0u);
  EXPECT_EQ(cache.counters().hits, 2u);
  EXPECT_EQ(cache.counters().misses, 2u);
}

TEST(VerifiedCache, DoesNotGatherTheDead) {
  VerifiedCache cache(1 << 20);
  for (int i = 0; i < 200; ++i) {
    const UnixSeconds now = kNow + std::chrono::seconds(i);
    const auto key = cache.key_of("token " + std::to_string(i));
    EXPECT_EQ(cache.find(key, now, 1), nullptr);
    ASSERT_NE(cache.insert(key, token("ada"), now + 10s, 1, 500), nullptr);
    EXPECT_NE(cache.find(key, now, 1), nullptr);
  }
  EXPECT_LE(cache.size(), 11u) << "those that live, and the one that died this second";
}

TEST(VerifiedCache, ForgetsWhatOtherKeysVerified) {
  VerifiedCache cache(1 << 20);
  const auto key = cache.key_of("t");
  cache.insert(key, token("ada"), kNow + 10s, 1, 500);
  EXPECT_EQ(cache.find(key, kNow, 2), nullptr);
  EXPECT_EQ(cache.find(key, kNow, 1), nullptr) << "for good";
}

TEST(VerifiedCache, StaysWithinItsBytesAndDropsTheOldestThatWasNotUsed) {
  VerifiedCache cache(12 * 1024);  // three entries of 3.75 KiB
  const auto a = cache.key_of("a"), b = cache.key_of("b"), c = cache.key_of("c"), d = cache.key_of("d");
  for (const auto& key : {a, b, c}) cache.insert(key, token("x"), kNow + 10s, 1, 512);
  EXPECT_EQ(cache.size(), 3u);
  cache.find(a, kNow, 1);
  EXPECT_EQ(cache.insert(d, token("x"), kNow + 10s, 1, 512), nullptr) << "it may never come again";
  EXPECT_NE(cache.insert(d, token("x"), kNow + 10s, 1, 512), nullptr);
  EXPECT_LE(cache.bytes(), 12u * 1024);
  EXPECT_NE(cache.find(a, kNow, 1), nullptr);
  EXPECT_EQ(cache.find(b, kNow, 1), nullptr);
  EXPECT_NE(cache.find(d, kNow, 1), nullptr);
  EXPECT_EQ(cache.counters().evictions, 1u);
}

TEST(VerifiedCache, WhatIsInUseStaysWhileOthersComeAndGo) {
  VerifiedCache cache(40 * 1024);  // ten entries
  const auto busy = cache.key_of("busy");
  cache.insert(busy, token("x"), kNow + 10s, 1, 512);
  for (int i = 0; i < 500; ++i) {
    const auto key = cache.key_of("other " + std::to_string(i));
    cache.insert(key, token("x"), kNow + 10s, 1, 512);
    cache.insert(key, token("x"), kNow + 10s, 1, 512);
    ASSERT_NE(cache.find(busy, kNow, 1), nullptr) << "after " << i;
    ASSERT_LE(cache.bytes(), 40u * 1024);
  }
}

// Each eviction looks at a few only: when all are in use one of them goes all the same.
TEST(VerifiedCache, MakesRoomEvenWhereAllAreInUse) {
  VerifiedCache cache(120 * 1024);  // 32 entries
  std::vector<VerifiedCache::Key> keys;
  for (int i = 0; i < 32; ++i) keys.push_back(cache.key_of(std::to_string(i)));
  for (const auto& key : keys) cache.insert(key, token("x"), kNow + 10s, 1, 512);
  for (const auto& key : keys) ASSERT_NE(cache.find(key, kNow, 1), nullptr);
  const auto late = cache.key_of("late");
  EXPECT_EQ(cache.insert(late, token("x"), kNow + 10s, 1, 512), nullptr);
  EXPECT_NE(cache.insert(late, token("x"), kNow + 10s, 1, 512), nullptr);
  EXPECT_NE(cache.find(late, kNow, 1), nullptr);
  EXPECT_EQ(cache.size(), 32u);
  EXPECT_EQ(cache.counters().evictions, 1u);
}

// One of a long life that is used all the time keeps its place and hides nobody who died.
TEST(VerifiedCache, FindsTheDeadBehindOneThatLives) {
  VerifiedCache cache(1 << 20);
  const auto busy = cache.key_of("busy");
  cache.insert(busy, token("x"), kNow + 24h, 1, 500);
  for (int i = 0; i < 200; ++i) {
    const UnixSeconds now = kNow + std::chrono::seconds(i);
    const auto key = cache.key_of("short " + std::to_string(i));
    EXPECT_EQ(cache.find(key, now, 1), nullptr);
    cache.insert(key, token("x"), now + 10s, 1, 500);
    ASSERT_NE(cache.find(busy, now, 1), nullptr);
  }
  EXPECT_LE(cache.size(), 12u);
}

TEST(VerifiedCache, ACrowdThatComesOnceDrivesNothingOut) {
  VerifiedCache cache(120 * 1024);
  std::vector<VerifiedCache::Key> regulars;
  for (int i = 0; i < 30; ++i) regulars.push_back(cache.key_of("regular " + std::to_string(i)));
  for (const auto& key : regulars) ASSERT_NE(cache.insert(key, token("x"), kNow + 10s, 1, 512), nullptr);
  for (int i = 0; i < 5000; ++i)
    cache.insert(cache.key_of("passer-by " + std::to_string(i)), token("x"), kNow + 10s, 1, 512);
  EXPECT_LE(cache.bytes(), 120u * 1024);
  int left = 0;
  for (const auto& key : regulars) left += cache.find(key, kNow, 1) != nullptr ? 1 : 0;
  EXPECT_EQ(left, 30);

  // And one of the crowd that stays becomes a regular.
  const auto late = cache.key_of("late");
  cache.insert(late, token("x"), kNow + 10s, 1, 512);
  cache.insert(late, token("x"), kNow + 10s, 1, 512);
  EXPECT_NE(cache.find(late, kNow, 1), nullptr);
}

TEST(VerifiedCache, OfNoBytesRemembersNothing) {
  VerifiedCache cache(0);
  EXPECT_EQ(cache.insert(cache.key_of("a"), token("x"), kNow + 10s, 1, 10), nullptr);
  EXPECT_EQ(cache.find(cache.key_of("a"), kNow, 1), nullptr);
}

TEST(VerifiedCache, ReplacesAnEntryOfTheSameToken) {
  VerifiedCache cache(1 << 20);
  const auto key = cache.key_of("a");
  cache.insert(key, token("one"), kNow + 10s, 1, 100);
  const auto bytes = cache.bytes();
  cache.insert(key, token("two"), kNow + 10s, 1, 100);
  EXPECT_EQ(cache.bytes(), bytes);
  EXPECT_EQ(cache.find(key, kNow, 1)->claims->subject, "two");
}

}  // namespace
}  // namespace sallyport::policy
