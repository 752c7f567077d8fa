// Decides which connection serves a request. Pure: no sockets, no clock. The driver (pool.hpp) performs and
// reports back.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "auth/time.hpp"
#include "config/config.hpp"
#include "gateway/upstream/balancer.hpp"
#include "gateway/upstream/breaker.hpp"

namespace sallyport::upstream {

enum class Act : std::uint8_t {
  use_idle,     // take the most recently used idle connection of `server`
  connect,      // open one to `server`; the place is already counted
  wait,         // every place is taken: queue up, ask again when woken
  refuse,       // the queue is full, or every server was tried
  unavailable,  // no server may be asked: failed checks or open breakers
};

struct Choice {
  Act act = Act::refuse;
  std::size_t server = 0;
  bool probe = false;            // the one request that an open breaker lets through
  bool instead_of_idle = false;  // connect: close an idle connection first, its place is taken
};

class PoolState {
 public:
  explicit PoolState(const config::Upstream& config);

  struct Wish {
    std::uint64_t tried = 0;  // servers that failed this very request, not to be chosen again: a bit each
    bool fresh_only = false;  // a connection that was never used
    std::uint64_t key = 0;    // hash_key() of what the balance goes by; 0: nothing
  };
  Choice acquire(SteadyTime now, const Wish& wish);

  void waiting(int change) {
    waiting_ = static_cast<std::size_t>(static_cast<std::ptrdiff_t>(waiting_) + change);
  }
  void connected(std::size_t server, SteadyTime now);  // an opened connection: the server is there
  // Gives the place back. A refused connect ejects for a while, a silent one counts for the breaker.
  void connect_failed(std::size_t server, bool timed_out, bool probe, SteadyTime now);
  void returned(std::size_t server);     // a busy connection became idle
  void closed_busy(std::size_t server);  // a busy connection is gone
  void closed_idle(std::size_t server);  // an idle one is gone
  void ended(std::size_t server, Outcome outcome, bool probe, SteadyTime now);  // a request
  void checked(std::size_t server, bool healthy, SteadyTime now);               // an active check's verdict

  void keep_at_most(std::size_t idle) {
    max_idle_ = static_cast<unsigned>(std::min<std::size_t>(wanted_idle_, idle));
  }
  bool keeps_idle(std::size_t server) const { return servers_[server].idle < max_idle_; }
  std::size_t size() const { return servers_.size(); }
  std::size_t waiting() const { return waiting_; }
  struct Server {
    explicit Server(const config::Breaker& rules, unsigned weight_) : breaker(rules), weight(weight_) {}
    Breaker breaker;
    unsigned weight = 1;
    unsigned busy = 0, idle = 0;
    unsigned failures = 0;       // connects in a row that failed
    SteadyTime ejected_until{};  // after such ones
    bool healthy = true;         // by its active checks
    SteadyTime back_since{};     // when it came back; {}: it was never away
  };
  const Server& server(std::size_t index) const { return servers_[index]; }

 private:
  enum class Kind : std::uint8_t { well, full, ejected, out };
  Kind kind(const Server& server, const Wish& wish, SteadyTime now) const;
  bool has_room(const Server& server, bool fresh_only) const;
  Choice take(std::size_t chosen, bool fresh_only, SteadyTime now);

  std::vector<Server> servers_;
  std::vector<Candidate> candidates_;  // scratch
  std::vector<Kind> kinds_;            // scratch
  Balancer balancer_;
  unsigned max_connections_, wanted_idle_, max_idle_, queue_;
  std::chrono::milliseconds slow_start_;
  std::size_t waiting_ = 0;
};

// How long a server that refused `failures` connects in a row is left alone: 100 ms, doubling, at most 5 s.
std::chrono::milliseconds ejection(unsigned failures);

}  // namespace sallyport::upstream
