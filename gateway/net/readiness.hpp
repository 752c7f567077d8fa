// Which sockets of a loop can be read and written: one edge-triggered epoll set of our own, in which a socket
// is entered once. Asio's reactor re-arms a descriptor with a system call for every wait, and tells nothing
// about one that nobody waits for; here a wait costs none, and a socket from which all was read is known to
// be empty. A service of the io_context, on its thread alone.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/intrusive/list.hpp>
#include <boost/system/error_code.hpp>

#include <array>
#include <cstddef>
#include <vector>

#include "auth/task.hpp"

namespace sallyport::gateway {

class Readiness final : public net::execution_context::service {
 public:
  using key_type = Readiness;
  static inline net::execution_context::id id;
  using error_code = boost::system::error_code;

  explicit Readiness(net::execution_context& context);  // throws where the system has no epoll set for us
  static Readiness& of(const net::any_io_executor& executor);

  enum class Direction : std::uint8_t { read, write };
  using Hook = boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;

  // What is known of one socket. Its owner clears a flag when the system says EAGAIN, or when it gave less
  // than was asked for; an event sets it. Lives inside its owner.
  class Entry : public Hook {
   public:
    Entry() = default;
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;
    ~Entry() { leave(); }

    bool entered() const { return readiness_ != nullptr; }
    bool ready(Direction what) const { return ready_[index(what)]; }
    // Nothing more of it until an event says so. After the peer's end there may never be another one: then it
    // stays readable, and reading tells the end.
    void exhausted(Direction what) { ready_[index(what)] = what == Direction::read && over_; }
    void unproven() { ready_ = {false, false}; }  // a connect is under way

    // At most one wait for each direction. Each ends once the socket may be ready, or with operation_aborted.
    error_code enter(const net::any_io_executor& executor, int descriptor);  // before the first one
    template <typename Promise>
    void wait(std::coroutine_handle<Promise> waits, Direction what, error_code& result) {
      keep(coroutine::Suspended(waits), what, result);
    }
    void cancel();  // who waits is resumed later, from the loop
    void leave();   // before the descriptor is closed; cancels

   private:
    friend class Readiness;
    struct Waiter {
      coroutine::Suspended waits;
      error_code* result = nullptr;
      explicit operator bool() const { return bool(waits); }
    };
    static std::size_t index(Direction what) { return static_cast<std::size_t>(what); }
    bool waits() const { return waiters_[0] || waiters_[1]; }
    void keep(coroutine::Suspended waits, Direction what, error_code& result);

    Readiness* readiness_ = nullptr;
    int descriptor_ = -1;
    std::array<bool, 2> ready_{false, true};
    bool over_ = false;  // the peer sends no more, or the connection is broken
    std::array<Waiter, 2> waiters_;
  };

 private:
  void shutdown() override;
  void arm();
  void collect();
  void note(Entry& entry, unsigned events);

  net::posix::stream_descriptor set_;
  boost::intrusive::list<Entry, boost::intrusive::constant_time_size<false>> waiting_;
  bool armed_ = false;
  std::vector<Entry::Waiter> due_;
};

}  // namespace sallyport::gateway
