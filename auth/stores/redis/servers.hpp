// The servers behind the store: who gets which commands. A single one, or a Cluster of them.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "auth/store_error.hpp"
#include "auth/stores/redis/connection.hpp"
#include "auth/stores/redis/resp.hpp"
#include "auth/task.hpp"

namespace sallyport::stores::redis {

// Encoded commands that leave together and are answered in order. All their keys share one slot.
struct Piece {
  std::string key;  // one of them: its slot decides about the server
  std::vector<std::string> commands;
  bool durable = false;                        // done only once `wait_replicas` have it
  std::chrono::milliseconds more_patience{0};  // for commands that block on purpose
};

class Servers {
 public:
  virtual ~Servers() = default;
  // Error replies stay replies, one for each command.
  virtual Task<StoreResult<std::vector<Reply>>> execute(Piece piece) = 0;
  // Does one server hold all slots, so that commands for different ones may leave in one piece?
  virtual bool hold_together() const = 0;
};

// One connection to whatever the topology names.
class OneServer final : public Servers {
 public:
  OneServer(net::any_io_executor executor, std::shared_ptr<Topology> topology, Connection::Settings settings)
      : connection_(std::move(executor), std::move(topology), std::move(settings)) {}
  Task<StoreResult<std::vector<Reply>>> execute(Piece piece) override;
  bool hold_together() const override { return true; }

 private:
  Connection connection_;
};

// Sends the piece over this connection.
Task<StoreResult<std::vector<Reply>>> send(Connection& connection, const Piece& piece);

}  // namespace sallyport::stores::redis
