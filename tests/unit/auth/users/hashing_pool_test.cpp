// The pool refuses at once what it can't queue, and dies in peace with work in flight.
#include "auth/users/hashing_pool.hpp"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <thread>

#include "auth/users/password_hash.hpp"
#include "run_task.hpp"

namespace sallyport::users {
namespace {

using config::Secret;

struct Tally {
  int right = 0, wrong = 0, refused = 0;
  int total() const { return right + wrong + refused; }
};

Task<> verify_into(HashingPool& pool, Tally& tally, std::thread::id& thread) {
  Secret password("password");
  std::string hash = dummy_hash();
  auto verified = co_await pool.verify(std::move(password), std::move(hash));
  thread = std::this_thread::get_id();
  if (!verified) {
    ++tally.refused;
  } else {
    ++(*verified ? tally.right : tally.wrong);
  }
}

TEST(HashingPool, HashesAndVerifies) {
  HashingPool pool(1, 4);
  const auto hash = run_task(pool.hash(Secret("correct horse")));
  ASSERT_TRUE(hash);
  EXPECT_FALSE(needs_upgrade(*hash));
  EXPECT_TRUE(*run_task(pool.verify(Secret("correct horse"), *hash)));
  EXPECT_FALSE(*run_task(pool.verify(Secret("wrong horse"), *hash)));
}

TEST(HashingPool, AnswersOnTheCallersThread) {
  HashingPool pool(2, 8);
  net::io_context context;
  Tally tally;
  std::thread::id thread;
  spawn(context, verify_into(pool, tally, thread), [](std::exception_ptr e) { EXPECT_FALSE(e); });
  context.run();
  EXPECT_EQ(thread, std::this_thread::get_id());
  EXPECT_EQ(tally.wrong, 1);
}

// SECURITY S10: full means 503 at once, not a longer wait.
TEST(HashingPool, RefusesWhatTheQueueCannotHold) {
  HashingPool pool(1, 2);
  net::io_context context;
  Tally tally;
  std::thread::id thread;
  for (int i = 0; i < 20; ++i) {
    spawn(context, verify_into(pool, tally, thread), [](std::exception_ptr e) { EXPECT_FALSE(e); });
  }
  context.run();
  EXPECT_EQ(tally.total(), 20);
  EXPECT_GE(tally.refused, 1);
  EXPECT_GE(tally.wrong, 2);
  EXPECT_EQ(pool.waiting(), 0u);
}

TEST(HashingPool, ShutsDownWithWorkInFlight) {
  net::io_context context;
  Tally tally;
  std::thread::id thread;
  {
    HashingPool pool(1, 16);
    for (int i = 0; i < 8; ++i) {
      spawn(context, verify_into(pool, tally, thread), [](std::exception_ptr e) { EXPECT_FALSE(e); });
    }
    context.poll();  // all are queued, the first may run
  }
  context.run();  // each one is answered
  EXPECT_EQ(tally.total(), 8);
  EXPECT_GE(tally.refused, 6);
}

TEST(HashingPool, LeavesCoroutinesToTheirContextWhenBothEnd) {
  Tally tally;
  std::thread::id thread;
  net::io_context context;
  {
    HashingPool pool(2, 16);
    for (int i = 0; i < 4; ++i) {
      spawn(context, verify_into(pool, tally, thread), [](std::exception_ptr) {});
    }
    context.poll();
  }
  EXPECT_EQ(tally.total(), 0);  // never run again: destroyed by the context, which ASan watches
}

}  // namespace
}  // namespace sallyport::users
