// What the loop knows of its sockets: waits without a system call each, ends that stay ends, a loop that can
// end.
#include "gateway/net/readiness.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <string>

#include "gateway/net/loop_clock.hpp"
#include "tests/support/await.hpp"

namespace sallyport::gateway {
namespace {

using Direction = Readiness::Direction;
using testing::await;
using testing::await_all;

// A wait, as a stream makes it.
struct Wait {
  Readiness::Entry& entry;
  Direction what;
  boost::system::error_code ec{};
  bool await_ready() const { return entry.ready(what); }
  template <typename Promise>
  void await_suspend(std::coroutine_handle<Promise> waits) {
    entry.wait(waits, what, ec);
  }
  boost::system::error_code await_resume() const { return ec; }
};

Task<boost::system::error_code> wait_for(Readiness::Entry& entry, net::io_context& context, int descriptor,
                                         Direction what) {
  boost::system::error_code ec;
  if (!entry.entered()) ec = entry.enter(context.get_executor(), descriptor);
  if (!ec) {
    Wait wait{entry, what};
    ec = co_await wait;
  }
  co_return ec;
}

class ReadinessTest : public ::testing::Test {
 protected:
  ReadinessTest() {
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds_) != 0)
      throw std::runtime_error("socketpair");
  }
  ~ReadinessTest() override {
    entry_.leave();
    ::close(fds_[0]);
    if (fds_[1] >= 0) ::close(fds_[1]);
  }
  Task<boost::system::error_code> wait(Direction what) { return wait_for(entry_, context_, fds_[0], what); }
  void say(const std::string& text) {
    EXPECT_EQ(::write(fds_[1], text.data(), text.size()), ssize_t(text.size()));
  }
  std::string take() {
    char bytes[16];
    const ssize_t got = ::read(fds_[0], bytes, sizeof bytes);
    return got > 0 ? std::string(bytes, static_cast<std::size_t>(got)) : got == 0 ? "end" : "nothing";
  }

  net::io_context context_{1};
  Readiness::Entry entry_;
  int fds_[2] = {-1, -1};
};

TEST_F(ReadinessTest, TellsWhatCameBeforeAndAfterTheFirstWait) {
  say("a");
  EXPECT_FALSE(await(context_, wait(Direction::read)));
  EXPECT_EQ(take(), "a");
  entry_.exhausted(Direction::read);
  EXPECT_FALSE(entry_.ready(Direction::read));
  say("b");
  EXPECT_FALSE(await(context_, wait(Direction::read)));
  EXPECT_EQ(take(), "b");
}

TEST_F(ReadinessTest, KnowsWithoutBeingAsked) {
  say("a");
  EXPECT_FALSE(await(context_, wait(Direction::read)));
  EXPECT_TRUE(entry_.ready(Direction::read)) << "nobody said that it was read";
  EXPECT_FALSE(await(context_, wait(Direction::read))) << "at once";
}

TEST_F(ReadinessTest, AnEndStaysReadable) {
  ::close(std::exchange(fds_[1], -1));
  EXPECT_FALSE(await(context_, wait(Direction::read)));
  EXPECT_EQ(take(), "end");
  entry_.exhausted(Direction::read);
  EXPECT_FALSE(await(context_, wait(Direction::read)));
  EXPECT_EQ(take(), "end");
}

// A peer that has sent all and reads slowly: writing must wait for room, not spin because the peer is done.
TEST_F(ReadinessTest, AHalfClosedPeerIsNotAlwaysWritable) {
  ::shutdown(fds_[1], SHUT_WR);
  const std::string much(1 << 20, 'x');
  while (::write(fds_[0], much.data(), much.size()) > 0) {
  }
  EXPECT_FALSE(await(context_, wait(Direction::read)));
  entry_.exhausted(Direction::write);
  EXPECT_FALSE(entry_.ready(Direction::write));
}

Task<boost::system::error_code> cancel_later(net::io_context& context, Readiness::Entry& entry) {
  co_await net::post(context.get_executor(), kAwait);
  entry.cancel();
  co_return boost::system::error_code{};
}

TEST_F(ReadinessTest, ACancelledWaitSaysSoAndTheNextOneIsGood) {
  std::vector<Task<boost::system::error_code>> both;
  both.push_back(wait(Direction::read));
  both.push_back(cancel_later(context_, entry_));
  EXPECT_EQ(await_all(context_, std::move(both))[0], net::error::operation_aborted);
  say("a");
  EXPECT_FALSE(await(context_, wait(Direction::read)));
}

TEST_F(ReadinessTest, BothDirectionsWaitAtOnce) {
  const std::string much(1 << 20, 'x');
  while (::write(fds_[0], much.data(), much.size()) > 0) {
  }
  entry_.exhausted(Direction::write);
  std::vector<Task<boost::system::error_code>> both;
  both.push_back(wait(Direction::read));
  both.push_back(wait(Direction::write));
  say("a");
  std::string read(1 << 20, '\0');
  while (::read(fds_[1], read.data(), read.size()) > 0) {
  }
  for (const auto& ec : await_all(context_, std::move(both))) EXPECT_FALSE(ec);
}

// Who is resumed by one look at the set goes by one time, who runs later by a later one.
TEST_F(ReadinessTest, ResumesByOneTime) {
  const auto waits = [this](Direction what) -> Task<SteadyTime> {
    const auto ec = co_await wait(what);
    EXPECT_FALSE(ec);
    const SteadyTime told = loop_now();
    for (const SteadyTime real = std::chrono::steady_clock::now();
         std::chrono::steady_clock::now() == real;) {
    }
    co_return told;
  };
  entry_.exhausted(Direction::write);
  std::vector<Task<SteadyTime>> both;
  both.push_back(waits(Direction::read));
  both.push_back(waits(Direction::write));
  const SteadyTime before = std::chrono::steady_clock::now();
  say("a");
  const std::vector<SteadyTime> told = await_all(context_, std::move(both));
  EXPECT_EQ(told[0], told[1]);
  EXPECT_GE(told[0], before);
  EXPECT_GT(loop_now(), told[0]);
}

TEST_F(ReadinessTest, NobodyWhoWaitsIsLeftWhenTheLoopIsGone) {
  bool ended = false;
  {
    struct Mark {
      bool& flag;
      ~Mark() { flag = true; }
    };
    net::io_context gone{1};
    const auto waits = [](net::io_context& context, int fd, bool& flag) -> Task<> {
      const Mark mark{flag};
      Readiness::Entry entry;
      const auto ec = co_await wait_for(entry, context, fd, Direction::read);
      (void)ec;
    };
    spawn(gone, waits(gone, fds_[0], ended), [](std::exception_ptr) {});
    gone.poll();
  }
  EXPECT_TRUE(ended) << "what the coroutine held was let go";
}

TEST_F(ReadinessTest, ALoopEndsWhenNobodyWaitsAnyMore) {
  say("a");
  spawn(context_, wait(Direction::read), [](std::exception_ptr, boost::system::error_code) {});
  EXPECT_GT(context_.run_for(std::chrono::seconds(20)), 0u);
  EXPECT_TRUE(context_.stopped());
}

}  // namespace
}  // namespace sallyport::gateway
