// The contract of jose::KeyRingStore against every implementation.
#include <atomic>

#include "tests/integration/stores/contract.hpp"

namespace sallyport::testing {
namespace {

class KeyRings : public StoreContract {};
INSTANTIATE_TEST_SUITE_P(Stores, KeyRings, kEveryStore, param_name);

TEST_P(KeyRings, AreNoneAtFirst) {
  const auto stored = ask(keys().load(0));
  EXPECT_EQ(stored.version, 0u);
  EXPECT_EQ(stored.sealed, "");
}

TEST_P(KeyRings, ChangeOnlyOverTheVersionThatWasRead) {
  EXPECT_FALSE(ask(keys().compare_and_swap(3, "never")));
  EXPECT_TRUE(ask(keys().compare_and_swap(0, "first")));
  EXPECT_FALSE(ask(keys().compare_and_swap(0, "late"))) << "two first starts make one ring";
  EXPECT_EQ(ask(keys().load(0)).sealed, "first");
  EXPECT_TRUE(ask(keys().compare_and_swap(1, "second")));
  const auto stored = ask(keys().load(1));
  EXPECT_EQ(stored.version, 2u);
  EXPECT_EQ(stored.sealed, "second");
}

TEST_P(KeyRings, TravelOnlyWhenTheyChanged) {
  ASSERT_TRUE(ask(keys().compare_and_swap(0, "first")));
  const auto known = ask(keys().load(1));
  EXPECT_EQ(known.version, 1u);
  EXPECT_EQ(known.sealed, "");
}

TEST_P(KeyRings, OfManyThatSwapAtOnceOneWins) {
  std::atomic<int> winners{0};
  on_gateways(4, [&](Gateway& gateway) {
    const auto swapped = gateway(gateway.stores.keys->compare_and_swap(0, "mine"));
    if (swapped && *swapped) ++winners;
  });
  EXPECT_EQ(winners, 1);
}

TEST_P(KeyRings, AreAgreedOnUntilSomebodyHasOthers) {
  EXPECT_EQ(ask(keys().agree("refresh", "a", {"a"}, false)), "a");
  EXPECT_EQ(ask(keys().agree("refresh", "b", {"b", "a"}, false)), "b") << "a rotation: a is known still";
  EXPECT_EQ(ask(keys().agree("refresh", "z", {"z"}, false)), "b") << "somebody else's keys";
  EXPECT_EQ(ask(keys().agree("refresh", "b", {"b", "a"}, false)), "b") << "nothing was changed by that";
  EXPECT_EQ(ask(keys().agree("signing", "z", {"z"}, false)), "z") << "another purpose";
  EXPECT_EQ(ask(keys().agree("refresh", "z", {"z"}, true)), "z") << "told to take over";
}

}  // namespace
}  // namespace sallyport::testing
