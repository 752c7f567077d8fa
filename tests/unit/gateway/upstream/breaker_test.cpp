// The breaker's whole story: it opens after failures in a row, backs off longer each time, lets one probe
// through, and closes for good answers only.
#include "gateway/upstream/breaker.hpp"

#include <gtest/gtest.h>

namespace sallyport::upstream {
namespace {

using State = Breaker::State;
using std::chrono::milliseconds;

const SteadyTime kStart{std::chrono::hours(1)};
SteadyTime at(int ms) { return kStart + milliseconds(ms); }

config::Breaker rules() {
  config::Breaker rules;
  rules.failures = 3;
  rules.back_off = milliseconds(100);
  rules.max_back_off = milliseconds(350);
  return rules;
}

void fail(Breaker& breaker, int times, int when) {
  for (int i = 0; i < times; ++i) breaker.ended(Outcome::failed, false, at(when));
}

TEST(Breaker, StaysClosedForFailuresWithAGoodAnswerBetween) {
  Breaker breaker(rules());
  for (int i = 0; i < 10; ++i) {
    fail(breaker, 2, 0);
    breaker.ended(Outcome::well, false, at(0));
  }
  EXPECT_EQ(breaker.state(at(0)), State::closed);
}

TEST(Breaker, OpensAfterSoManyFailuresInARow) {
  Breaker breaker(rules());
  fail(breaker, 2, 0);
  EXPECT_TRUE(breaker.permits(at(0)));
  fail(breaker, 1, 0);
  EXPECT_EQ(breaker.state(at(0)), State::open);
  EXPECT_FALSE(breaker.permits(at(99)));
  EXPECT_TRUE(breaker.permits(at(100)));
}

TEST(Breaker, NeverOpensWhereItIsOff) {
  config::Breaker off = rules();
  off.failures = 0;
  Breaker breaker(off);
  fail(breaker, 1000, 0);
  EXPECT_TRUE(breaker.permits(at(0)));
}

TEST(Breaker, DoesNotCountWhatSaysNothingAboutTheServer) {
  Breaker breaker(rules());
  fail(breaker, 2, 0);
  for (int i = 0; i < 10; ++i) breaker.ended(Outcome::undecided, false, at(0));
  EXPECT_EQ(breaker.state(at(0)), State::closed);
  fail(breaker, 1, 0);
  EXPECT_EQ(breaker.state(at(0)), State::open);
}

TEST(Breaker, LetsOneProbeThroughWhenHalfOpen) {
  Breaker breaker(rules());
  fail(breaker, 3, 0);
  EXPECT_EQ(breaker.state(at(100)), State::half_open);
  EXPECT_TRUE(breaker.began(at(100)));
  EXPECT_FALSE(breaker.permits(at(100)));
  EXPECT_FALSE(breaker.permits(at(5000)));
}

TEST(Breaker, ClosesWhenTheProbeIsAnsweredWell) {
  Breaker breaker(rules());
  fail(breaker, 3, 0);
  ASSERT_TRUE(breaker.began(at(100)));
  breaker.ended(Outcome::well, true, at(110));
  EXPECT_EQ(breaker.state(at(110)), State::closed);
  fail(breaker, 2, 120);  // counts from the beginning again
  EXPECT_EQ(breaker.state(at(120)), State::closed);
}

TEST(Breaker, AllowsAnotherProbeWhenTheFirstWasAbandoned) {
  Breaker breaker(rules());
  fail(breaker, 3, 0);
  ASSERT_TRUE(breaker.began(at(100)));
  breaker.ended(Outcome::undecided, true, at(110));
  EXPECT_TRUE(breaker.permits(at(110)));
  EXPECT_TRUE(breaker.began(at(110)));
}

TEST(Breaker, BacksOffTwiceAsLongForEachFailedProbeUpToTheLimit) {
  Breaker breaker(rules());
  fail(breaker, 3, 0);
  int now = 0;
  for (const int back_off : {100, 200, 350, 350}) {
    EXPECT_FALSE(breaker.permits(at(now + back_off - 1))) << back_off;
    now += back_off;
    ASSERT_TRUE(breaker.began(at(now))) << back_off;
    breaker.ended(Outcome::failed, true, at(now));
  }
}

TEST(Breaker, IgnoresAnswersToWhatWasSentBeforeItOpened) {
  Breaker breaker(rules());
  fail(breaker, 3, 0);
  breaker.ended(Outcome::well, false, at(10));
  EXPECT_EQ(breaker.state(at(10)), State::open);
  fail(breaker, 5, 90);
  EXPECT_TRUE(breaker.permits(at(100)));  // not prolonged
}

}  // namespace
}  // namespace sallyport::upstream
