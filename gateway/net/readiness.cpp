#include "gateway/net/readiness.hpp"

#include <sys/epoll.h>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/system/system_error.hpp>

#include <cassert>
#include <cerrno>
#include <utility>

#include "gateway/net/loop_clock.hpp"

namespace sallyport::gateway {
namespace {

constexpr std::size_t kAtOnce = 128;

int new_set() {
  const int descriptor = ::epoll_create1(EPOLL_CLOEXEC);
  if (descriptor < 0)
    throw boost::system::system_error(errno, boost::system::system_category(), "epoll_create1");
  return descriptor;
}

}  // namespace

Readiness::Readiness(net::execution_context& context)
    : net::execution_context::service(context), set_(static_cast<net::io_context&>(context), new_set()) {}

Readiness& Readiness::of(const net::any_io_executor& executor) {
  return net::use_service<Readiness>(net::query(executor, net::execution::context));
}

// The loop is going for good: with those who wait go the coroutines that they belong to, and the entries in
// them.
void Readiness::shutdown() {
  std::vector<Entry::Waiter> lost;
  while (!waiting_.empty()) {
    Entry& entry = waiting_.front();
    waiting_.pop_front();
    for (Entry::Waiter& waiter : entry.waiters_)
      if (waiter) lost.push_back(std::move(waiter));
  }
  lost.clear();
  due_.clear();
  error_code ignored;
  set_.close(ignored);
}

Readiness::error_code Readiness::Entry::enter(const net::any_io_executor& executor, int descriptor) {
  Readiness& readiness = Readiness::of(executor);
  epoll_event wanted{};
  wanted.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  wanted.data.ptr = this;
  if (::epoll_ctl(readiness.set_.native_handle(), EPOLL_CTL_ADD, descriptor, &wanted) != 0)
    return {errno, boost::system::system_category()};
  readiness_ = &readiness;
  descriptor_ = descriptor;
  return {};
}

void Readiness::Entry::keep(coroutine::Suspended waits, Direction what, error_code& result) {
  assert(entered() && !waiters_[index(what)]);
  waiters_[index(what)] = {std::move(waits), &result};
  if (!is_linked()) readiness_->waiting_.push_back(*this);
  readiness_->arm();
}

// Only while somebody waits: otherwise it would keep the loop from ending.
void Readiness::arm() {
  if (armed_ || waiting_.empty()) return;
  armed_ = true;
  set_.async_wait(net::posix::stream_descriptor::wait_read, [this](const error_code& ec) {
    armed_ = false;
    if (!ec) collect();
    if (ec != net::error::bad_descriptor) arm();
  });
}

void Readiness::note(Entry& entry, unsigned events) {
  if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) entry.over_ = true;
  if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) entry.ready_[0] = true;
  if ((events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0) entry.ready_[1] = true;
  for (std::size_t i = 0; i < entry.waiters_.size(); ++i)
    if (entry.ready_[i] && entry.waiters_[i]) due_.push_back(std::exchange(entry.waiters_[i], {}));
  if (!entry.waits() && entry.is_linked()) entry.unlink();
}

// Every event is noted before anybody is resumed: whoever is may close other sockets.
void Readiness::collect() {
  std::array<epoll_event, kAtOnce> events;
  for (int got = static_cast<int>(kAtOnce); got == static_cast<int>(kAtOnce);) {
    got = ::epoll_wait(set_.native_handle(), events.data(), static_cast<int>(events.size()), 0);
    for (int i = 0; i < got; ++i) note(*static_cast<Entry*>(events[i].data.ptr), events[i].events);
  }
  std::vector<Entry::Waiter> due = std::exchange(due_, {});
  LoopPass pass;
  for (Entry::Waiter& waiter : due) {
    pass.step();
    waiter.waits.resume();
  }
  due.clear();
  if (due_.empty()) due_ = std::move(due);  // keeps its room
}

void Readiness::Entry::cancel() {
  if (!is_linked()) return;
  unlink();
  for (Waiter& waiter : waiters_) {
    if (!waiter) continue;
    *waiter.result = net::error::operation_aborted;
    net::post(readiness_->set_.get_executor(),
              [waits = std::exchange(waiter, {}).waits]() mutable { waits.resume(); });
  }
  if (readiness_->waiting_.empty() && readiness_->armed_) {
    error_code ignored;
    readiness_->set_.cancel(ignored);
  }
}

// Closing the descriptor would do, were it the only one of its socket: a process that is being started holds
// copies until it executes, and events for them would come to an entry that is gone (epoll(7), question 6).
void Readiness::Entry::leave() {
  if (!entered()) return;
  cancel();
  ::epoll_ctl(readiness_->set_.native_handle(), EPOLL_CTL_DEL, descriptor_, nullptr);
  readiness_ = nullptr;
}

}  // namespace sallyport::gateway
