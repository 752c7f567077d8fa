#include "gateway/net/ticket_keys.hpp"

#include <gtest/gtest.h>

namespace sallyport::gateway {
namespace {

const SteadyTime kStart{std::chrono::hours(100)};

TEST(TicketKeys, OpenWhatTheySealed) {
  TicketKeys keys(kStart);
  const TicketKey key = keys.sealing(kStart);
  const auto found = keys.opening(key.name.data(), kStart);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->key.cipher, key.cipher);
  EXPECT_EQ(found->key.mac, key.mac);
  EXPECT_FALSE(found->renew);
}

TEST(TicketKeys, SealWithAnotherKeyAfterAPeriodAndStillOpenTheOldOne) {
  TicketKeys keys(kStart);
  const TicketKey old = keys.sealing(kStart);
  const SteadyTime later = kStart + TicketKeys::kPeriod;
  EXPECT_NE(keys.sealing(later).name, old.name);
  const auto found = keys.opening(old.name.data(), later);
  ASSERT_TRUE(found);
  EXPECT_TRUE(found->renew);
}

TEST(TicketKeys, OpenATicketOfTheirLastMomentForItsWholeLife) {
  TicketKeys keys(kStart);
  const SteadyTime last = kStart + TicketKeys::kPeriod - std::chrono::seconds(1);
  const TicketKey key = keys.sealing(last);
  EXPECT_TRUE(keys.opening(key.name.data(), last + TicketKeys::kLifetime));
}

TEST(TicketKeys, ForgetAKeyThatNoLivingTicketNeeds) {
  TicketKeys keys(kStart);
  const TicketKey old = keys.sealing(kStart);
  EXPECT_FALSE(keys.opening(old.name.data(), kStart + 4 * TicketKeys::kPeriod));
  TicketKeys quiet(kStart);  // the same after a night without a handshake
  const TicketKey evening = quiet.sealing(kStart);
  EXPECT_FALSE(quiet.opening(evening.name.data(), kStart + 9 * TicketKeys::kPeriod));
}

TEST(TicketKeys, KnowNothingOfAnotherProcess) {
  TicketKeys ours(kStart), theirs(kStart);
  EXPECT_FALSE(ours.opening(theirs.sealing(kStart).name.data(), kStart));
}

}  // namespace
}  // namespace sallyport::gateway
