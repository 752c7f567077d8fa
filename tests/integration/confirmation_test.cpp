// The gateway is the proxy, so it sees that a client holds a new generation: the first verified request with
// it says so to the store, once for each worker and token, and again where the store didn't take it (CONTRACT
// section 4).
#include <gtest/gtest.h>

#include "tests/integration/fleet.hpp"
#include "tests/integration/proxied_store.hpp"
#include "tests/support/redis_server.hpp"

namespace sallyport::testing {
namespace {

class Confirmation : public ::testing::Test {
 protected:
  Confirmation() { fleet_.add(way_.url()); }

  // One generation further, which nobody has shown yet.
  Pair rotated() {
    const Pair first = fleet_.login(0, "ada");
    return pair_of(fleet_.refresh(0, first.refresh));
  }
  std::string key(const Pair& pair) const {
    const RedisReply keys = redis_.command({"KEYS", "*:s:" + pair.session});
    return keys.items.size() == 1 ? keys.items[0].text : std::string();
  }
  std::string confirmed(const Pair& pair) const {
    return redis_.command({"HGET", key(pair), "confirmed"}).text;
  }
  bool becomes_confirmed(const Pair& pair) const {
    return poll_until([&] { return confirmed(pair) == "1"; });
  }

  RedisServer redis_;
  ProxiedStore way_{redis_};
  Fleet fleet_{redis_.url(), {.workers = 1}};
};

TEST_F(Confirmation, IsWrittenAtTheFirstRequestOfAGenerationAndNotAgain) {
  const Pair pair = rotated(), other = rotated();
  EXPECT_EQ(confirmed(pair), "0");
  EXPECT_EQ(fleet_.call(0, pair.access).status, 200);
  ASSERT_TRUE(becomes_confirmed(pair));
  // Taken back behind its back: it would be seen if it were written once more.
  redis_.command({"HSET", key(pair), "confirmed", "0"});
  EXPECT_EQ(fleet_.call(0, pair.access).status, 200);
  EXPECT_EQ(fleet_.call(0, other.access).status, 200);
  ASSERT_TRUE(becomes_confirmed(other)) << "what comes after it on the same connection is there";
  EXPECT_EQ(confirmed(pair), "0");
}

TEST_F(Confirmation, ThatTheStoreDidNotTakeIsOfferedAgainAndHoldsUpNobody) {
  const Pair pair = rotated();
  way_.mute(true);
  const auto asked = Clock::now();
  EXPECT_EQ(fleet_.call(0, pair.access).status, 200);
  EXPECT_LT(Clock::now() - asked, std::chrono::milliseconds(900)) << "nobody waits for it";
  ASSERT_TRUE(fleet_[0].wait_for_log("cannot read the revocation log")) << "by now that write is lost too";
  EXPECT_EQ(confirmed(pair), "0");
  way_.mute(false);
  EXPECT_TRUE(becomes_confirmed(pair));
}

}  // namespace
}  // namespace sallyport::testing
