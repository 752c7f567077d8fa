#include "gateway/net/deadlines.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <vector>

namespace sallyport::gateway {
namespace {

using std::chrono::milliseconds;
const SteadyTime kStart{std::chrono::hours(100)};

struct Bell final : Deadline {
  void expire() override {
    ++rung;
    if (then) then();
  }
  int rung = 0;
  std::function<void()> then;
};

TEST(Deadlines, RingOnceAtTheFirstTickAfterTheTimeAndNeverBefore) {
  Deadlines wheel(kStart);
  Bell bell;
  bell.arm(wheel, kStart + milliseconds(250));
  wheel.tick(kStart + milliseconds(249));
  EXPECT_EQ(bell.rung, 0);
  EXPECT_TRUE(bell.armed());
  wheel.tick(kStart + milliseconds(350));
  EXPECT_EQ(bell.rung, 1);
  EXPECT_FALSE(bell.armed());
  wheel.tick(kStart + milliseconds(1000));
  EXPECT_EQ(bell.rung, 1);
}

TEST(Deadlines, AreLateByOneTickAtMost) {
  for (int due = 0; due < 1000; due += 7) {
    Deadlines wheel(kStart);
    Bell bell;
    bell.arm(wheel, kStart + milliseconds(due));
    int at = 0;
    while (bell.rung == 0) wheel.tick(kStart + milliseconds(at += 10));
    EXPECT_GE(at, due);
    EXPECT_LE(at, due + 110);
  }
}

TEST(Deadlines, MoveToLaterAndToEarlier) {
  Deadlines wheel(kStart);
  Bell later, earlier;
  later.arm(wheel, kStart + milliseconds(200));
  later.arm(wheel, kStart + milliseconds(900));
  earlier.arm(wheel, kStart + milliseconds(900));
  earlier.arm(wheel, kStart + milliseconds(200));
  wheel.tick(kStart + milliseconds(400));
  EXPECT_EQ(later.rung, 0);
  EXPECT_EQ(earlier.rung, 1);
  wheel.tick(kStart + milliseconds(1000));
  EXPECT_EQ(later.rung, 1);
}

TEST(Deadlines, ReachFurtherThanATurnOfTheWheel) {
  Deadlines wheel(kStart);
  Bell hour;
  hour.arm(wheel, kStart + std::chrono::hours(1));
  for (auto at = kStart; at < kStart + std::chrono::hours(1); at += milliseconds(100)) wheel.tick(at);
  EXPECT_EQ(hour.rung, 0);
  wheel.tick(kStart + std::chrono::hours(1) + milliseconds(100));
  EXPECT_EQ(hour.rung, 1);
}

TEST(Deadlines, OfThePastRingAtTheNextTick) {
  Deadlines wheel(kStart);
  wheel.tick(kStart + std::chrono::minutes(5));
  Bell bell;
  bell.arm(wheel, kStart);
  wheel.tick(kStart + std::chrono::minutes(5) + milliseconds(100));
  EXPECT_EQ(bell.rung, 1);
}

TEST(Deadlines, RingAllThatAreDueAfterALongPause) {
  Deadlines wheel(kStart);
  std::vector<std::unique_ptr<Bell>> bells;
  for (int i = 0; i < 3000; ++i) {
    bells.push_back(std::make_unique<Bell>());
    bells.back()->arm(wheel, kStart + milliseconds(i * 100));
  }
  wheel.tick(kStart + std::chrono::minutes(10));
  for (const auto& bell : bells) EXPECT_EQ(bell->rung, 1);
}

TEST(Deadlines, MayArmAgainOrDisarmOrDestroyOthersWhileTheyRing) {
  Deadlines wheel(kStart);
  Bell again, first, second;
  auto victim = std::make_unique<Bell>();
  again.then = [&] {
    if (again.rung == 1) again.arm(wheel, kStart + milliseconds(500));
  };
  first.then = [&] { second.disarm(); };
  second.then = [&] { first.disarm(); };
  Bell killer;
  killer.then = [&] { victim.reset(); };
  for (Bell* bell : {&again, &first, &second, &killer}) bell->arm(wheel, kStart + milliseconds(150));
  victim->arm(wheel, kStart + milliseconds(400));
  wheel.tick(kStart + milliseconds(300));
  EXPECT_EQ(again.rung, 1);
  EXPECT_EQ(first.rung + second.rung, 1);
  EXPECT_EQ(victim, nullptr);
  wheel.tick(kStart + milliseconds(700));
  EXPECT_EQ(again.rung, 2);
}

TEST(Deadlines, ForgetOneThatDies) {
  Deadlines wheel(kStart);
  Bell stays;
  stays.arm(wheel, kStart + milliseconds(100));
  {
    Bell gone;
    gone.arm(wheel, kStart + milliseconds(100));
  }
  wheel.tick(kStart + milliseconds(500));
  EXPECT_EQ(stays.rung, 1);
}

}  // namespace
}  // namespace sallyport::gateway
