// One worker's connections to the servers of one upstream: opens, lends, keeps and closes them as
// pool_state.hpp decides.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <boost/system/result.hpp>

#include <deque>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "gateway/upstream/connection.hpp"
#include "gateway/upstream/pool_state.hpp"
#include "gateway/upstream/retry.hpp"

namespace sallyport::upstream {

class Pool;

// A connection on loan. Closed when the lease dies, unless give_back() said that it is clean: the whole
// response was read, nothing follows it and the upstream keeps it open.
class Lease {
 public:
  Lease() = default;
  Lease(Pool* pool, std::unique_ptr<Connection> connection)
      : pool_(pool), connection_(std::move(connection)) {}
  Lease(Lease&& other) noexcept
      : pool_(std::exchange(other.pool_, nullptr)), connection_(std::move(other.connection_)) {}
  Lease& operator=(Lease&& other) noexcept;
  ~Lease() { discard(); }

  Connection* operator->() const { return connection_.get(); }
  explicit operator bool() const { return connection_ != nullptr; }
  // What the request says about the server; counted when the lease ends. Without it: nothing.
  void judge(Outcome outcome) { connection_->outcome = outcome; }
  void give_back();
  void discard();

 private:
  Pool* pool_ = nullptr;
  std::unique_ptr<Connection> connection_;
};

enum class AcquireError : std::uint8_t {
  unreachable,  // no server took a connection
  timeout,      // none in time
  overloaded,   // every connection is busy and the queue is full
  unavailable,  // every server failed its checks or has its breaker open
};

class Pool {
 public:
  // `tls`: null where no server is https.
  Pool(net::any_io_executor executor, gateway::Deadlines& deadlines, Resolver& resolver,
       const config::Upstream& config, const http1::HeadLimits& limits,
       std::shared_ptr<const TlsClient> tls = nullptr);

  struct Wish {
    bool fresh_only = false;  // a connection that was never used (retry after a stale one)
    SteadyTime give_up{};     // for all of it: the queue, the name, the connect
    std::uint64_t key = 0;    // hash_key() of what the balance goes by; 0: nothing
    std::uint64_t tried = 0;  // servers that failed this request already; acquire() adds to them
    bool repeatable =
        false;  // a kept connection that turns out to be closed costs it nothing but another try
  };
  using Acquired = boost::system::result<Lease, AcquireError>;
  // Tries each server at most once while connects fail; `reason` gets the last cause, for the log.
  Task<Acquired> acquire(Wish& wish, std::string& reason);

  void close();  // for good: who waits for a place is refused
  void keep_at_most(std::size_t idle) {
    state_.keep_at_most(idle);
  }  // of each server, where descriptors are few
  // No new requests will come: nothing is kept for them. Those under way go on.
  void retire();
  void close_idle(SteadyTime now);                 // those unused for longer than idle_timeout; each tick
  void checked(std::size_t server, bool healthy);  // the verdict of the active checks
  const PoolState& state() const { return state_; }
  const config::Upstream& config() const { return config_; }
  RetryBudget& budget() { return budget_; }

 private:
  friend class Lease;
  struct Waiter {
    net::steady_timer timer;
    bool woken = false;
  };
  enum class Waited : std::uint8_t { woken, too_late };

  void take_back(std::unique_ptr<Connection> connection, bool clean);
  void wake_one();
  Choice choose(const Wish& wish, SteadyTime now);
  std::unique_ptr<Connection> take_idle(const Choice& choice, bool repeatable, SteadyTime now);
  [[gnu::cold]] Task<Acquired> acquire_otherwise(Choice choice, Wish& wish, std::string& reason);
  Task<std::unique_ptr<Connection>> connect(const Choice& choice, SteadyTime give_up, std::string& reason,
                                            AcquireError& error);
  Task<Waited> wait(SteadyTime give_up, bool again);

  net::any_io_executor executor_;
  gateway::Deadlines& deadlines_;
  const config::Upstream config_;
  Connector connector_;
  PoolState state_;
  RetryBudget budget_;
  std::vector<std::deque<std::unique_ptr<Connection>>> idle_;  // by server, most recently used last
  std::list<Waiter*> waiters_;
  bool closed_ = false;
};

}  // namespace sallyport::upstream
