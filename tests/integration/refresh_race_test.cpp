// Many tabs, two gateways, one refresh token: one new generation, the same successor for all, nobody logged
// out; and an old token that comes back after its successor was used ends the session (CONTRACT section 4;
// SECURITY S2, S3).
#include <gtest/gtest.h>

#include <future>
#include <map>
#include <set>

#include "tests/integration/fleet.hpp"
#include "tests/support/redis_server.hpp"

namespace sallyport::testing {
namespace {

struct Race {
  std::map<int, int> statuses;
  std::set<std::string> successors;
  std::set<std::string> accesses;
};

Race refresh_at_once(Fleet& fleet, const std::string& token, unsigned tabs, unsigned gateways) {
  std::vector<std::future<Response>> answers;
  for (unsigned i = 0; i < tabs; ++i)
    answers.push_back(std::async(
        std::launch::async, [&fleet, &token, i, gateways] { return fleet.refresh(i % gateways, token); }));
  Race race;
  for (auto& answer : answers) {
    const Response response = answer.get();
    ++race.statuses[response.status];
    if (response.status != 200) continue;
    const Pair pair = pair_of(response);
    race.successors.insert(pair.refresh);
    race.accesses.insert(pair.access);
  }
  return race;
}

TEST(RefreshRace,
     TwoHundredTabsOverTwoGatewaysGetOneSuccessorAndTheOldTokenThenKillsTheSession) {  // S1.12, S1.27
  RedisServer redis;
  Fleet fleet(redis.url(), {.refresh = "{concurrency_window: 2s}"});
  fleet.add();
  fleet.add();
  const Pair first = fleet.login(0, "ada");

  const Race race = refresh_at_once(fleet, first.refresh, 200, 2);
  EXPECT_EQ(race.statuses, (std::map<int, int>{{200, 200}}));
  ASSERT_EQ(race.successors.size(), 1u);
  EXPECT_NE(*race.successors.begin(), first.refresh);
  for (const std::string& access : race.accesses) ASSERT_EQ(fleet.call(1, access).status, 200);

  // The next generation, used: now the first one is two behind, and outside the window it is theft.
  const Response second = fleet.refresh(1, *race.successors.begin());
  ASSERT_EQ(second.status, 200) << second.body;
  const Pair successor = pair_of(second);
  EXPECT_EQ(fleet.call(0, successor.access).status, 200);
  const Response early = fleet.refresh(0, first.refresh);
  EXPECT_EQ(early.status, 409) << early.body;
  EXPECT_EQ(error_of(early), "refresh_superseded");
  // The store's clock decides when the window is over; polling for it is the only way to see it from outside.
  Response late = early;
  for (const Deadline end = within(std::chrono::seconds(10)); late.status == 409 && Clock::now() < end;)
    late = fleet.refresh(0, first.refresh);
  EXPECT_EQ(late.status, 401) << late.body;
  EXPECT_EQ(error_of(late), "refresh_reused");
  EXPECT_EQ(error_of(fleet.refresh(1, successor.refresh)), "session_revoked");
  EXPECT_EQ(error_of(fleet.call(0, successor.access)), "token_revoked");
}

TEST(RefreshRace, AStolenPredecessorIsWorthNothingOnceTheClientHasGoneOn) {  // S1.17
  TempDir state;
  Fleet fleet("sqlite:" + (state / "state.db"), {.refresh = "{concurrency_window: 0s}"});
  fleet.add();
  const Pair first = fleet.login(0, "ada");
  const Pair second = pair_of(fleet.refresh(0, first.refresh));
  // The reply could have been lost: until somebody shows the new generation, the predecessor gets the same
  // successor.
  const Response again = fleet.refresh(0, first.refresh);
  ASSERT_EQ(again.status, 200) << again.body;
  EXPECT_EQ(pair_of(again).refresh, second.refresh);
  EXPECT_EQ(fleet.call(0, second.access).status, 200);  // this confirms it, in the background
  Response stolen = again;
  for (const Deadline end = within(std::chrono::seconds(10)); stolen.status == 200 && Clock::now() < end;)
    stolen = fleet.refresh(0, first.refresh);
  EXPECT_EQ(stolen.status, 401) << stolen.body;
  EXPECT_EQ(error_of(stolen), "refresh_reused");
  EXPECT_EQ(error_of(fleet.refresh(0, second.refresh)), "session_revoked");
}

}  // namespace
}  // namespace sallyport::testing
