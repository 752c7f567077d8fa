// One connection to a Redis server that is always there or on its way: opens itself at the first call,
// carries many calls at once, reconnects with back-off. Every call ends within its patience, whatever the
// server does. Thread: the executor's. Calls that wait when it dies are answered `unreachable`.
#pragma once

#include <boost/asio/any_io_executor.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "auth/store_error.hpp"
#include "auth/stores/redis/handshake.hpp"
#include "auth/stores/redis/resp.hpp"
#include "auth/stores/redis/topology.hpp"
#include "auth/task.hpp"
#include "config/config.hpp"

namespace sallyport::stores::redis {

class Connection {
 public:
  struct Settings {
    Login login;
    std::chrono::milliseconds timeout{200};   // for an answer
    std::chrono::milliseconds attempt{1000};  // for asking where, connecting and the handshakes together
    std::optional<config::StoreTls> tls;
    unsigned wait_replicas = 0;  // that must have a durable write; 0: the master alone
    std::chrono::milliseconds wait_timeout{100};
  };

  Connection(net::any_io_executor executor, std::shared_ptr<Topology> topology, Settings settings);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Sends `replies` encoded commands in one piece and waits for their replies (more than one: as one array).
  // A reply that is an error of Redis is a reply here. `more_patience` is for commands that block on purpose;
  // such a connection carries nothing else. `durable`: answered once `wait_replicas` have what was written;
  // too few in time is a timeout.
  Task<StoreResult<Reply>> execute(std::string commands, std::size_t replies = 1,
                                   std::chrono::milliseconds more_patience = {}, bool durable = false);

  // Answers everybody who waits, and takes no more calls.
  void close();

  const std::string& store() const;
  std::chrono::milliseconds timeout() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace sallyport::stores::redis
