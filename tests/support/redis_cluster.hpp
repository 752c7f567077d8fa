// A Redis Cluster of one test: masters with a replica each, all real.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/support/redis_server.hpp"

namespace sallyport::testing {

struct ClusterOptions {
  unsigned masters = 3;
  unsigned replicas = 1;           // of each master
  std::vector<std::string> extra;  // more arguments of every node
};

class RedisCluster {
 public:
  // Starts the nodes and makes them one; returns when every node says that all is well.
  explicit RedisCluster(ClusterOptions options = {});

  std::string url() const;  // redis+cluster://127.0.0.1:..., of the first masters
  std::size_t size() const { return nodes_.size(); }
  RedisServer& node(std::size_t i) { return *nodes_[i]; }

  std::size_t owner_of(unsigned slot) const;  // the node that serves it, as a living one says

  // Gives a slot with its keys to another node, as redis-cli --cluster reshard does. `between` is called
  // while it is between the two.
  void move_slot(unsigned slot, std::size_t to, const std::function<void()>& between = {});

  // Kills the master; returns once its replica serves all that it had.
  void fail_over(std::size_t master);
  void rejoin(std::size_t killed);  // as a replica of its successor; returns when it has all data

 private:
  std::string id_of(std::size_t i) const { return nodes_[i]->command({"CLUSTER", "MYID"}).text; }
  bool is_well(std::size_t i) const;
  void expect(std::size_t node, const std::vector<std::string>& words) const;

  ClusterOptions options_;
  std::vector<std::unique_ptr<RedisServer>> nodes_;
};

}  // namespace sallyport::testing
