// Who guesses is slowed down; who is guessed at isn't locked out (SECURITY S12).
#include "auth/users/login_throttle.hpp"

#include <gtest/gtest.h>

#include "memory_user_store.hpp"
#include "run_task.hpp"

namespace sallyport::users {
namespace {

using namespace std::chrono_literals;

const config::LoginLimits kRules{{.attempts = 3, .window = 60s}};

TEST(ThrottleKeys, AreTheSameForEachSpellingOfANameAndAnAddress) {
  const auto keys = throttle_keys("Ada", "192.0.2.1");
  EXPECT_EQ(keys.pair, throttle_keys("aDA", "192.0.2.1").pair);
  EXPECT_EQ(keys.pair, throttle_keys("ada", "::ffff:192.0.2.1").pair);
  EXPECT_EQ(keys.user, throttle_keys("ADA", "198.51.100.7").user);
  EXPECT_NE(keys.pair, throttle_keys("ada", "192.0.2.2").pair);
  EXPECT_NE(keys.user, throttle_keys("bob", "192.0.2.1").user);
}

TEST(ThrottleKeys, CountAnIpv6NetworkAsOneClient) {
  EXPECT_EQ(throttle_keys("ada", "2001:db8:1:2::1").pair, throttle_keys("ada", "2001:db8:1:2:ffff::9").pair);
  EXPECT_NE(throttle_keys("ada", "2001:db8:1:2::1").pair, throttle_keys("ada", "2001:db8:1:3::1").pair);
}

TEST(ThrottleKeys, AreShortAndShowNoName) {
  const auto keys = throttle_keys(std::string(100'000, 'x') + "\r\n", "junk");
  EXPECT_LT(keys.pair.size(), 64u);
  EXPECT_EQ(throttle_keys("ada", "192.0.2.1").user.find("ada"), std::string::npos);
  EXPECT_NE(throttle_keys(std::string("ada\0", 4), "1").pair, throttle_keys("ada", "").pair);
}

TEST(Admit, RefusesThePairAtItsLimitAndSaysWhenToComeBack) {
  EXPECT_FALSE(admit(2, 2, kRules).refused);
  const Admission at_limit = admit(3, 3, kRules);
  EXPECT_TRUE(at_limit.refused);
  EXPECT_EQ(at_limit.retry_after, 60s);
}

TEST(Admit, NeverRefusesForFailuresFromElsewhereButDelaysMoreAndMore) {
  std::chrono::milliseconds last{0};
  for (unsigned failures = 0; failures < 1000; ++failures) {
    const Admission admission = admit(0, failures, kRules);
    EXPECT_FALSE(admission.refused);
    EXPECT_GE(admission.delay, last);
    EXPECT_LE(admission.delay, 4s);
    last = admission.delay;
  }
  EXPECT_EQ(admit(0, 5, kRules).delay, 0ms);
  EXPECT_EQ(admit(0, 6, kRules).delay, 250ms);
  EXPECT_EQ(admit(0, 9, kRules).delay, 500ms);
  EXPECT_EQ(last, 4s);
}

TEST(Admit, IsOffWithoutAttempts) { EXPECT_FALSE(admit(1000, 1000, {.attempts = 0}).refused); }

Admission before(LoginThrottle& throttle, const char* name, const char* address) {
  auto keys = throttle_keys(name, address);
  return *run_task(throttle.before(keys));
}
void guess(LoginThrottle& throttle, const char* name, const std::string& address) {
  auto keys = throttle_keys(name, address);
  ASSERT_TRUE(run_task(throttle.before(keys)));
  ASSERT_TRUE(run_task(throttle.failed(keys)));
}
void log_in(LoginThrottle& throttle, const char* name, const char* address) {
  auto keys = throttle_keys(name, address);
  ASSERT_TRUE(run_task(throttle.before(keys)));
  ASSERT_TRUE(run_task(throttle.succeeded(keys)));
}

TEST(LoginThrottle, RefusesAfterTheLastFailureThatTheRulesAllow) {
  MemoryAttemptStore store;
  LoginThrottle throttle(store, kRules);
  auto keys = throttle_keys("ada", "192.0.2.1");
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(run_task(throttle.before(keys))->refused) << i;
    EXPECT_FALSE(run_task(throttle.failed(keys))->refused) << i;
  }
  EXPECT_TRUE(run_task(throttle.before(keys))->refused);
  EXPECT_FALSE(before(throttle, "ada", "192.0.2.2").refused);
  EXPECT_FALSE(before(throttle, "bob", "192.0.2.1").refused);
}

TEST(LoginThrottle, GivesABurstOfGuessesNoMoreThanTheLimit) {
  MemoryAttemptStore store;
  LoginThrottle throttle(store, kRules);
  auto keys = throttle_keys("ada", "192.0.2.1");
  for (int i = 0; i < 8; ++i)
    EXPECT_FALSE(run_task(throttle.before(keys))->refused);  // all in flight at once
  for (int i = 0; i < 8; ++i) EXPECT_EQ(run_task(throttle.failed(keys))->refused, i >= 3) << i;
  EXPECT_TRUE(run_task(throttle.succeeded(keys))->refused);  // a lucky ninth
}

TEST(LoginThrottle, StartsThePairAnewAfterARightPasswordButNotTheUser) {
  MemoryAttemptStore store;
  LoginThrottle throttle(store, kRules);
  const auto keys = throttle_keys("ada", "192.0.2.1");
  ASSERT_TRUE(run_task(throttle.failed(keys)));
  ASSERT_TRUE(run_task(throttle.succeeded(keys)));
  EXPECT_EQ(store.counts.count(keys.pair), 0u);
  EXPECT_EQ(store.counts[keys.user], 1u);
}

// CONTRACT section 6: a slower delay per user that never refuses a right password from a known device.
TEST(LoginThrottle, NeverDelaysWhereTheUserLoggedInBefore) {
  MemoryAttemptStore store;
  LoginThrottle throttle(store, kRules);
  log_in(throttle, "ada", "192.0.2.1");
  for (int i = 0; i < 200; ++i) guess(throttle, "ada", "198.51.100." + std::to_string(i));
  EXPECT_EQ(before(throttle, "ada", "192.0.2.1").delay, 0ms);
  EXPECT_FALSE(before(throttle, "ada", "192.0.2.1").refused);
  EXPECT_EQ(before(throttle, "ada", "192.0.2.2").delay, 4s);  // where it never logged in
  EXPECT_EQ(before(throttle, "bob", "192.0.2.1").delay, 0ms);
}

TEST(LoginThrottle, RemembersDevicesForTheTimeThatTheRulesSayOnceEach) {
  MemoryAttemptStore store;
  config::LoginLimits rules = kRules;
  rules.known_devices = 1h;
  LoginThrottle throttle(store, rules);
  const auto device = throttle_keys("ada", "192.0.2.1").device;
  log_in(throttle, "ada", "192.0.2.1");
  log_in(throttle, "ada", "192.0.2.1");
  EXPECT_EQ(store.counts[device], 1u);
  EXPECT_EQ(store.windows[device], 1h);
  rules.known_devices = 0s;
  LoginThrottle forgetful(store, rules);
  for (int i = 0; i < 200; ++i) guess(forgetful, "ada", "198.51.100." + std::to_string(i));
  EXPECT_EQ(before(forgetful, "ada", "192.0.2.1").delay, 4s);
}

// A pair that was refused is no known device: its password was never looked at.
TEST(LoginThrottle, KnowsNoDeviceByARefusal) {
  MemoryAttemptStore store;
  LoginThrottle throttle(store, kRules);
  for (int i = 0; i < 3; ++i) guess(throttle, "ada", "192.0.2.1");
  auto keys = throttle_keys("ada", "192.0.2.1");
  EXPECT_TRUE(run_task(throttle.succeeded(keys))->refused);
  EXPECT_EQ(store.counts.count(keys.device), 0u);
}

TEST(LoginThrottle, UnlocksAUserFromEveryAddressAndCountsAnew) {
  MemoryAttemptStore store;
  LoginThrottle throttle(store, kRules);
  for (int i = 0; i < 200; ++i) guess(throttle, "ada", "198.51.100." + std::to_string(i % 60));
  EXPECT_TRUE(before(throttle, "ada", "198.51.100.7").refused);
  EXPECT_EQ(before(throttle, "ada", "192.0.2.1").delay, 4s);
  for (int unlocked = 0; unlocked < 2; ++unlocked) {
    ASSERT_TRUE(run_task(throttle.unlock("ADA")));
    EXPECT_FALSE(before(throttle, "ada", "198.51.100.7").refused);
    EXPECT_EQ(before(throttle, "ada", "192.0.2.1").delay, 0ms);
    for (int i = 0; i < 3; ++i) guess(throttle, "ada", "198.51.100.7");
    EXPECT_TRUE(before(throttle, "ada", "198.51.100.7").refused);
  }
  EXPECT_EQ(store.windows[throttle_keys("ada", "").unlocks], kRules.window);
}

TEST(LoginThrottle, UnlocksOneAddressAndLeavesTheOthers) {
  MemoryAttemptStore store;
  LoginThrottle throttle(store, kRules);
  ASSERT_TRUE(run_task(throttle.unlock("ada")));  // the counters of now are found after that, too
  for (const char* address : {"192.0.2.1", "192.0.2.2"})
    for (int i = 0; i < 3; ++i) guess(throttle, "ada", address);
  ASSERT_TRUE(run_task(throttle.unlock("ada", "192.0.2.1")));
  EXPECT_FALSE(before(throttle, "ada", "192.0.2.1").refused);
  EXPECT_TRUE(before(throttle, "ada", "192.0.2.2").refused);
}

TEST(LoginThrottle, PassesAStoreErrorOn) {
  MemoryAttemptStore store;
  store.down = true;
  LoginThrottle throttle(store, kRules);
  auto keys = throttle_keys("ada", "192.0.2.1");
  EXPECT_FALSE(run_task(throttle.before(keys)));
  EXPECT_FALSE(run_task(throttle.failed(keys)));
  EXPECT_FALSE(run_task(throttle.succeeded(keys)));
}

}  // namespace
}  // namespace sallyport::users
