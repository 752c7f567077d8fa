// Decides which connection serves a request. Pure: no sockets, no clock. The driver (pool.hpp) performs and
// reports back.
#pragma once

#include <cstdint>
#include <vector>

#include "auth/time.hpp"
#include "config/config.hpp"

namespace sallyport::upstream {

enum class Act : std::uint8_t {
  use_idle,  // take the most recently used idle connection of `server`
  connect,   // open one to `server`; the place is already counted
  wait,      // every place is taken: queue up, ask again when woken
  refuse,    // the queue is full, or every server was tried
};

struct Choice {
  Act act = Act::refuse;
  std::size_t server = 0;
};

class PoolState {
 public:
  explicit PoolState(const config::Upstream& config);

  // `tried`: servers that failed this very request, not to be chosen again (bit per server; servers beyond 64
  // are never excluded).
  Choice acquire(SteadyTime now, std::uint64_t tried, bool fresh_only);

  void waiting(int change) {
    waiting_ = static_cast<std::size_t>(static_cast<std::ptrdiff_t>(waiting_) + change);
  }
  void connected(std::size_t server);                       // an opened connection: the server is well
  void connect_failed(std::size_t server, SteadyTime now);  // gives the place back, ejects for a while
  void returned(std::size_t server);                        // a busy connection became idle
  void closed_busy(std::size_t server);                     // a busy connection is gone
  void closed_idle(std::size_t server);                     // an idle one is gone

  bool keeps_idle(std::size_t server) const { return servers_[server].idle < max_idle_; }
  std::size_t size() const { return servers_.size(); }
  struct Server {
    unsigned busy = 0, idle = 0;
    unsigned failures = 0;  // connects in a row that failed
    SteadyTime ejected_until{};
  };
  const Server& server(std::size_t index) const { return servers_[index]; }

 private:
  std::size_t pick(SteadyTime now, std::uint64_t tried);  // size(): none left

  std::vector<Server> servers_;
  config::Balance balance_;
  unsigned max_connections_, max_idle_, queue_;
  std::size_t waiting_ = 0;
  std::size_t turn_ = 0;
};

// How long a server that refused `failures` connects in a row is left alone: 100 ms, doubling, at most 5 s.
std::chrono::milliseconds ejection(unsigned failures);

}  // namespace sallyport::upstream
