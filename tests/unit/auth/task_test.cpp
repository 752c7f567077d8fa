// Coroutines: results and exceptions reach who awaits, ends reach who spawned, nothing is left behind.
#include "auth/task.hpp"

#include <gtest/gtest.h>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/await.hpp"

namespace sallyport {
namespace {

using testing::await;

Task<int> number(int value) { co_return value; }

Task<int> sum(int up_to) {
  int all = 0;
  for (int i = 1; i <= up_to; ++i) all += co_await number(i);
  co_return all;
}

TEST(Tasks, GiveTheirResultToWhoAwaitsThem) {
  net::io_context context{1};
  EXPECT_EQ(await(context, sum(4)), 10);
}

TEST(Tasks, LongLoopsDoNotGrowTheStack) {
  net::io_context context{1};
  EXPECT_EQ(await(context, sum(60'000)), 1'800'030'000);
}

Task<std::string> from_results_at_hand() {
  co_await Task<>::done();
  Task<std::unique_ptr<int>> kept = Task<std::unique_ptr<int>>::done(std::make_unique<int>(7));
  Task<std::unique_ptr<int>> moved = std::move(kept);
  const std::unique_ptr<int> number = co_await std::move(moved);
  co_return std::to_string(*number);
}

TEST(Tasks, MayHaveTheirResultAtOnce) {
  net::io_context context{1};
  EXPECT_EQ(await(context, from_results_at_hand()), "7");
  Task<int> spawned = Task<int>::done(8);
  int seen = 0;
  spawn(context, std::move(spawned), [&seen](std::exception_ptr, int value) { seen = value; });
  context.restart();
  context.run();
  EXPECT_EQ(seen, 8);
  Task<std::unique_ptr<int>> unheard = Task<std::unique_ptr<int>>::done(std::make_unique<int>(9));
}

Task<int> deep(int levels) {
  if (levels == 0) co_return 0;
  const int below = co_await deep(levels - 1);
  co_return below + 1;
}

TEST(Tasks, MayBeDeep) {
  net::io_context context{1};
  EXPECT_EQ(await(context, deep(10'000)), 10'000);
}

Task<int> failing() {
  co_await net::post(co_await net::this_coro::executor, kAwait);
  throw std::runtime_error("no");
}

Task<std::string> hearing() {
  try {
    const int never = co_await failing();
    co_return std::to_string(never);
  } catch (const std::runtime_error& error) {
    co_return error.what();
  }
}

TEST(Tasks, PassExceptionsOn) {
  net::io_context context{1};
  EXPECT_EQ(await(context, hearing()), "no");
  EXPECT_THROW(await(context, failing()), std::runtime_error);
}

TEST(Tasks, WhatTheEndOfASpawnedOneThrowsLeavesTheLoop) {
  net::io_context context{1};
  spawn(context, number(1), [](std::exception_ptr, int) { throw std::runtime_error("from the end"); });
  EXPECT_THROW(context.run(), std::runtime_error);
  context.restart();
  EXPECT_EQ(await(context, number(2)), 2) << "the loop is good still";
}

TEST(Tasks, KeepTheLoopRunningWhileTheyWait) {
  net::io_context context{1};
  coroutine::Suspended held;
  struct Hold {
    coroutine::Suspended& into;
    bool await_ready() const { return false; }
    void await_suspend(std::coroutine_handle<Task<>::promise_type> waits) {
      into = coroutine::Suspended(waits);
    }
    void await_resume() const {}
  };
  const auto waits = [](coroutine::Suspended& into) -> Task<> {
    Hold hold{into};
    co_await hold;
  };
  bool ended = false;
  spawn(context, waits(held), [&](std::exception_ptr) { ended = true; });
  while (context.poll() > 0) {
  }
  EXPECT_FALSE(context.stopped());
  std::thread another([&] { net::post(context, [&] { held.resume(); }); });
  context.run();
  another.join();
  EXPECT_TRUE(ended);
  EXPECT_TRUE(context.stopped());
}

// An operation that calls its handler before it returns goes on after that, not inside.
TEST(Tasks, AnOperationMayEndWhileItBegins) {
  net::io_context context{1};
  const auto asks = []() -> Task<std::string> {
    std::string order;
    const auto at_once = [&order](auto handler) {
      handler(7);
      order += "begun ";
    };
    auto [number] = co_await net::async_initiate<const Await, void(int)>(std::ref(at_once), kAwait);
    co_return order + std::to_string(number);
  };
  EXPECT_EQ(await(context, asks()), "begun 7");
}

// What an operation was given is destroyed once: g++ 12 destroys some temporaries of a co_await twice.
TEST(Tasks, WhatAnOperationWasGivenGoesOnce) {
  net::io_context context{1};
  const auto given = std::make_shared<int>(1);
  const auto asks = [](std::shared_ptr<int> mine) -> Task<long> {
    const auto keep = [](auto handler, std::shared_ptr<int> shared) { handler(shared.use_count()); };
    auto [count] = co_await net::async_initiate<const Await, void(long)>(std::ref(keep), kAwait, mine);
    co_return count;
  };
  EXPECT_EQ(await(context, asks(given)), 3) << "here, in the coroutine, and in the operation";
  EXPECT_EQ(given.use_count(), 1);
}

struct Mark {
  std::shared_ptr<int> left;
  ~Mark() {
    if (left) ++*left;
  }
};

Task<> waits_for_ever(net::io_context& context, std::shared_ptr<int> left) {
  const Mark mark{left};
  net::steady_timer timer(context, std::chrono::hours(1));
  auto [ec] = co_await timer.async_wait(kAwait);
  (void)ec;
}

Task<> above(net::io_context& context, std::shared_ptr<int> left) {
  const Mark mark{left};
  co_await waits_for_ever(context, left);
}

TEST(Tasks, GoWithTheLoopWhereNobodyCanResumeThem) {
  const auto left = std::make_shared<int>(0);
  bool ended = false;
  {
    net::io_context context{1};
    spawn(context, above(context, left), [&](std::exception_ptr) { ended = true; });
    context.poll();
    EXPECT_EQ(*left, 0);
  }
  EXPECT_EQ(*left, 2);
  EXPECT_FALSE(ended);
  EXPECT_EQ(left.use_count(), 1);
}

TEST(Tasks, OnesThatNeverRanAreLetGo) {
  const auto left = std::make_shared<int>(0);
  net::io_context context{1};
  {
    const Task<> never = above(context, left);
  }
  EXPECT_EQ(left.use_count(), 1);
}

TEST(Tasks, BeginAtOnceOnTheirLoopAndLaterFromElsewhere) {
  net::io_context context{1};
  std::string order;
  const auto writes = [](std::string& into, char what) -> Task<> {
    into += what;
    co_return;
  };
  spawn(context, writes(order, 'b'), [](std::exception_ptr) {});
  EXPECT_EQ(order, "") << "this thread runs no loop";
  net::post(context, [&] {
    spawn(context, writes(order, 'c'), [&](std::exception_ptr) { order += 'd'; });
    order += 'e';
  });
  context.run();
  EXPECT_EQ(order, "bcde");
}

}  // namespace
}  // namespace sallyport
