// Rotation under load (issue 4, "Shows" 3): ten rotations of the signing key, and two of the refresh keys,
// while clients refresh and call on two gateways over one Redis; the keys in a folder, and in the store.
// Nobody is refused. Takes as long as it must; SALLYPORT_ROTATION_SECONDS=60 spreads the rotations over that
// time.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <iostream>
#include <map>
#include <mutex>
#include <thread>

#include "tests/integration/fleet.hpp"
#include "tests/support/redis_server.hpp"

namespace sallyport::testing {
namespace {

constexpr int kRotations = 10;
constexpr int kClients = 3;

class Traffic {
 public:
  void note(std::string_view act, const Response& response, Clock::time_point began) {
    const std::lock_guard lock(mutex_);
    ++seen_[std::string(act) + " " + std::to_string(response.status)];
    took_.push_back(std::chrono::duration<double, std::milli>(Clock::now() - began).count());
    if (response.status != 200 && last_refused_.empty()) last_refused_ = response.body;
  }
  int refused() const {
    int all = 0;
    for (const auto& [what, count] : seen_) all += what.ends_with(" 200") ? 0 : count;
    return all;
  }
  int passed(const std::string& act) const {
    const auto found = seen_.find(act + " 200");
    return found == seen_.end() ? 0 : found->second;
  }
  std::string text() {
    std::string out;
    for (const auto& [what, count] : seen_) out += what + ": " + std::to_string(count) + ", ";
    std::sort(took_.begin(), took_.end());
    if (took_.empty()) return out;
    const auto at = [&](double share) {
      return std::to_string(took_[static_cast<std::size_t>(share * (took_.size() - 1))]);
    };
    return out + "ms p50 " + at(0.5) + " p99 " + at(0.99) + " max " + at(1);
  }
  const std::string& last_refused() const { return last_refused_; }

 private:
  std::mutex mutex_;
  std::map<std::string, int> seen_;
  std::vector<double> took_;
  std::string last_refused_;
};

// One user: refreshes on one gateway, and uses the pair on both.
void act_as(Fleet& fleet, Pair pair, const std::atomic<bool>& stop, Traffic& traffic) {
  for (std::size_t turn = 0; !stop; ++turn) {
    auto began = Clock::now();
    const Response refreshed = fleet.refresh(turn % 2, pair.refresh);
    traffic.note("refresh", refreshed, began);
    if (refreshed.status != 200) continue;
    pair = pair_of(refreshed);
    for (const std::size_t gateway : {1 - turn % 2, turn % 2}) {
      began = Clock::now();
      traffic.note("call", fleet.call(gateway, pair.access), began);
    }
  }
}

class RotationUnderLoad : public ::testing::TestWithParam<const char*> {};

TEST_P(RotationUnderLoad, OfTwoGatewaysRefusesNobody) {
  const bool in_store = GetParam() == std::string("store");
  const char* spread = std::getenv("SALLYPORT_ROTATION_SECONDS");
  const std::chrono::milliseconds pause(spread == nullptr ? 0 : std::atol(spread) * 1000 / kRotations);
  RedisServer redis;
  FleetOptions options;
  if (in_store) options.keys = "store, wrap_key: \"a wrap key of at least thirty-two bytes\"";
  Fleet fleet(redis.url(), options);
  GatewayProcess &one = fleet.add(), &two = fleet.add();
  for (GatewayProcess* gateway : {&one, &two}) {
    const bool keys = !in_store || gateway->wait_for_log("our tokens are signed with");
    ASSERT_TRUE(keys) << gateway->log();
  }

  // Everybody logs in before the first one acts: passwords are hashed with what the load leaves of the cores.
  std::vector<Pair> pairs;
  for (int i = 0; i < kClients; ++i) pairs.push_back(fleet.login(0, "user" + std::to_string(i)));
  std::atomic<bool> stop = false;
  Traffic traffic;
  std::vector<std::jthread> clients;
  struct Stop {
    std::atomic<bool>& flag;
    ~Stop() { flag = true; }
  } at_the_end{stop};  // before the threads are joined, however the test ends
  for (const Pair& pair : pairs) clients.emplace_back([&, pair] { act_as(fleet, pair, stop, traffic); });
  auto due = Clock::now();
  for (int rotation = 0; rotation < kRotations; ++rotation) {
    std::this_thread::sleep_until(due += pause);
    const Outcome rotated = one.command({"keys", "rotate"});
    EXPECT_EQ(rotated.code, 0) << rotated.err;
    const std::string id = rotated.out.substr(9, rotated.out.find('\n') - 9);
    for (GatewayProcess* gateway : {&one, &two})
      EXPECT_TRUE(gateway->wait_for_log("our tokens are signed with " + id)) << gateway->log();
    if (rotation % 5 == 0) {
      EXPECT_EQ(one.command({"keys", "rotate", "--refresh"}).code, 0);
    }
  }
  std::this_thread::sleep_until(due += pause);
  stop = true;
  for (std::jthread& client : clients) client.join();
  EXPECT_EQ(traffic.refused(), 0) << traffic.last_refused();
  EXPECT_GT(traffic.passed("refresh"), kRotations);
  EXPECT_GT(traffic.passed("call"), kRotations);
  std::cout << "keys in a " << GetParam() << ", " << kRotations << " rotations: " << traffic.text() << '\n';
}

INSTANTIATE_TEST_SUITE_P(Keys, RotationUnderLoad, ::testing::Values("folder", "store"),
                         [](const auto& where) { return std::string(where.param); });

}  // namespace
}  // namespace sallyport::testing
