// One reading of the clock for all that a look at the sockets made ready.
#include "gateway/net/loop_clock.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <stdexcept>
#include <thread>

namespace sallyport::gateway {
namespace {

void wait_until_the_clock_moves() {
  const SteadyTime before = std::chrono::steady_clock::now();
  while (std::chrono::steady_clock::now() == before) {
  }
}

TEST(LoopClock, ReadsAnewOutsideOfAPass) {
  const SteadyTime before = std::chrono::steady_clock::now();
  EXPECT_GE(loop_now(), before);
  wait_until_the_clock_moves();
  EXPECT_GT(loop_now(), before);
}

TEST(LoopClock, StandsStillInsideOfAPassAndGoesOnBehindIt) {
  SteadyTime held;
  {
    LoopPass pass;
    const SteadyTime before = std::chrono::steady_clock::now();
    pass.step();
    held = loop_now();
    EXPECT_GE(held, before);
    wait_until_the_clock_moves();
    pass.step();
    EXPECT_EQ(loop_now(), held);
  }
  EXPECT_GT(loop_now(), held);
}

TEST(LoopClock, GoesOnBehindAPassThatFailed) {
  SteadyTime held;
  try {
    LoopPass pass;
    pass.step();
    held = loop_now();
    throw std::runtime_error("a coroutine's");
  } catch (const std::runtime_error&) {
  }
  wait_until_the_clock_moves();
  EXPECT_GT(loop_now(), held);
}

TEST(LoopClock, IsRenewedInALongPass) {
  LoopPass pass;
  pass.step();
  const SteadyTime held = loop_now();
  wait_until_the_clock_moves();
  int steps = 0;
  for (; steps < 1000 && loop_now() == held; ++steps) pass.step();
  EXPECT_GT(loop_now(), held);
  EXPECT_LE(steps, 16);
}

TEST(LoopClock, IsOfItsThreadAlone) {
  LoopPass pass;
  pass.step();
  const SteadyTime held = loop_now();
  wait_until_the_clock_moves();
  SteadyTime theirs;
  std::thread([&theirs] { theirs = loop_now(); }).join();
  EXPECT_GT(theirs, held);
}

}  // namespace
}  // namespace sallyport::gateway
