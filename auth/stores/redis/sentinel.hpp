// Where the Sentinels say that the master is.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "auth/stores/redis/connection.hpp"
#include "auth/stores/redis/topology.hpp"

namespace sallyport::stores::redis {

// The answer to SENTINEL GET-MASTER-ADDR-BY-NAME, or why it is of no use. Pure.
struct MasterAddress {
  std::optional<Endpoint> master;
  std::string flaw;
};
MasterAddress read_master_address(const Reply& reply, std::string_view name);

// Whom to ask first: who answered last, and last who misled us or didn't answer. Pure.
class SentinelOrder {
 public:
  explicit SentinelOrder(std::vector<Endpoint> sentinels) : order_(sentinels.begin(), sentinels.end()) {}
  std::vector<Endpoint> order() const { return {order_.begin(), order_.end()}; }
  void answered(const Endpoint& sentinel);
  void misled();  // the first one did

 private:
  std::deque<Endpoint> order_;
};

class SentinelTopology final : public Topology {
 public:
  // `settings` is of the Sentinels: their password; the timeout for each of them.
  SentinelTopology(net::any_io_executor executor, std::vector<Endpoint> sentinels, std::string name,
                   Connection::Settings settings)
      : executor_(std::move(executor)),
        order_(std::move(sentinels)),
        name_(std::move(name)),
        settings_(std::move(settings)) {}

  Task<StoreResult<Endpoint>> master() override;
  void misled() override { order_.misled(); }

 private:
  net::any_io_executor executor_;
  SentinelOrder order_;
  std::string name_;
  Connection::Settings settings_;
};

}  // namespace sallyport::stores::redis
