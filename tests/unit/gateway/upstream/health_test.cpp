// The rule of the active checks: what it takes to fall and to rise.
#include "gateway/upstream/health.hpp"

#include <gtest/gtest.h>

namespace sallyport::upstream {
namespace {

// '+' a good check, '-' a bad one; after each the verdict: 'w'ell or 's'ick.
std::string verdicts(const std::string& checks, unsigned fall, unsigned rise) {
  HealthState state(fall, rise);
  std::string out;
  for (const char check : checks) {
    const bool before = state.healthy();
    const bool changed = state.checked(check == '+');
    EXPECT_EQ(changed, before != state.healthy());
    out += state.healthy() ? 'w' : 's';
  }
  return out;
}

TEST(HealthState, FallsAfterSoManyBadChecksInARow) {
  EXPECT_EQ(verdicts("+--+---", 3, 2), "wwwwwws");
  EXPECT_EQ(verdicts("---", 3, 2), "wws");
  EXPECT_EQ(verdicts("-", 1, 1), "s");
}

TEST(HealthState, RisesAfterSoManyGoodChecksInARow) {
  EXPECT_EQ(verdicts("-+-++", 1, 2), "ssssw");
  EXPECT_EQ(verdicts("-+", 1, 1), "sw");
}

}  // namespace
}  // namespace sallyport::upstream
