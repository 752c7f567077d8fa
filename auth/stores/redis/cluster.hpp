// A Redis Cluster: every command goes to the node that owns its key's slot, over one connection to each node.
// Learns the map of slots from any node, follows redirections, asks anew when a node fails. Thread: the
// executor's.
#pragma once

#include <memory>
#include <vector>

#include "auth/stores/redis/servers.hpp"
#include "auth/stores/redis/slots.hpp"

namespace sallyport::stores::redis {

class Cluster final : public Servers {
 public:
  // `seeds`: some nodes; the others are learned from them.
  Cluster(net::any_io_executor executor, std::vector<Endpoint> seeds, Connection::Settings settings);
  ~Cluster() override;
  Cluster(const Cluster&) = delete;
  Cluster& operator=(const Cluster&) = delete;

  // Within the timeout, redirections included; what blocks on purpose may do so again at another node.
  Task<StoreResult<std::vector<Reply>>> execute(Piece piece) override;
  bool hold_together() const override { return false; }

 private:
  struct State;
  std::shared_ptr<State> state_;
};

// The map as the first of `nodes` tells it that answers; each gets `settings.timeout` to do so.
Task<StoreResult<SlotMap>> read_map(net::any_io_executor executor, std::vector<Endpoint> nodes,
                                    Connection::Settings settings);

}  // namespace sallyport::stores::redis
