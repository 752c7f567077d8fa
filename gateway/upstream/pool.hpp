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

#include "gateway/http1/reader.hpp"
#include "gateway/net/stream.hpp"
#include "gateway/upstream/pool_state.hpp"
#include "gateway/upstream/resolver.hpp"

namespace sallyport::upstream {

struct Connection {
  Connection(gateway::Stream::Socket socket, gateway::Deadlines& deadlines, const http1::HeadLimits& limits)
      : stream(std::move(socket), deadlines), reader(limits) {}
  gateway::Stream stream;
  http1::ResponseReader reader;
  std::size_t server = 0;
  bool reused = false;
  SteadyTime idle_since{};
};

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
  void give_back();
  void discard();

 private:
  Pool* pool_ = nullptr;
  std::unique_ptr<Connection> connection_;
};

enum class AcquireError : std::uint8_t { unreachable, timeout, overloaded };

class Pool {
 public:
  Pool(net::any_io_executor executor, gateway::Deadlines& deadlines, Resolver& resolver,
       const config::Upstream& config, const http1::HeadLimits& limits);

  struct Wish {
    bool fresh_only = false;  // a connection that was never used (retry after a stale one)
    SteadyTime give_up{};     // for waiting in the queue
  };
  // Tries each server at most once while connects fail; `reason` gets the last cause, for the log.
  Task<boost::system::result<Lease, AcquireError>> acquire(Wish wish, std::string& reason);

  void close();                     // for good: who waits for a place is refused
  void close_idle(SteadyTime now);  // those unused for longer than idle_timeout; each tick
  const PoolState& state() const { return state_; }
  const config::Upstream& config() const { return config_; }

 private:
  friend class Lease;
  void take_back(std::unique_ptr<Connection> connection, bool clean);
  void wake_one();
  std::unique_ptr<Connection> pop_idle(std::size_t server);
  Task<std::unique_ptr<Connection>> connect(std::size_t server, gateway::error_code& ec);

  net::any_io_executor executor_;
  gateway::Deadlines& deadlines_;
  Resolver& resolver_;
  const config::Upstream& config_;
  http1::HeadLimits limits_;
  PoolState state_;
  std::vector<std::deque<std::unique_ptr<Connection>>> idle_;  // by server, most recently used last
  std::list<net::steady_timer*> waiters_;
  bool closed_ = false;
};

}  // namespace sallyport::upstream
