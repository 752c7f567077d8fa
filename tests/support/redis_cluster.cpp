#include "tests/support/redis_cluster.hpp"

#include <stdexcept>

namespace sallyport::testing {
namespace {

constexpr unsigned kSlots = 16384;
const std::vector<std::string> kClusterInfo{"CLUSTER", "INFO"};

}  // namespace

RedisCluster::RedisCluster(ClusterOptions options) : options_(std::move(options)) {
  const std::size_t masters = options_.masters;
  std::vector<std::uint16_t> bus;
  for (std::size_t i = 0; i < masters * (1 + options_.replicas); ++i) {
    // The bus is at port + 10000 unless named, which a high ephemeral port hasn't.
    bus.push_back(free_port());
    RedisOptions node{.extra = {"--cluster-enabled", "yes", "--cluster-port", std::to_string(bus.back()),
                                "--cluster-node-timeout", "1500", "--cluster-replica-validity-factor", "0"}};
    node.extra.insert(node.extra.end(), options_.extra.begin(), options_.extra.end());
    nodes_.push_back(std::make_unique<RedisServer>(node));
  }
  for (std::size_t i = 0; i < masters; ++i) {
    expect(i, {"CLUSTER", "SET-CONFIG-EPOCH", std::to_string(i + 1)});
    expect(i, {"CLUSTER", "ADDSLOTSRANGE", std::to_string(i * kSlots / masters),
               std::to_string((i + 1) * kSlots / masters - 1)});
  }
  for (std::size_t i = 1; i < size(); ++i)
    expect(0, {"CLUSTER", "MEET", "127.0.0.1", std::to_string(nodes_[i]->port()), std::to_string(bus[i])});
  for (const auto& node : nodes_)
    if (!node->wait_for_info("cluster_known_nodes", std::to_string(size()), kClusterInfo) ||
        !node->wait_for_info("cluster_state", "ok", kClusterInfo))
      throw std::runtime_error("the nodes of the test's Cluster don't find each other");
  for (std::size_t i = masters; i < size(); ++i) {
    const std::string master = id_of(i % masters);
    if (!poll_until([&] { return nodes_[i]->command({"CLUSTER", "REPLICATE", master}).text == "OK"; }) ||
        !nodes_[i]->wait_for_info("master_link_status", "up"))
      throw std::runtime_error("a replica of the test's Cluster doesn't follow its master");
  }
  for (std::size_t i = 0; i < size(); ++i)
    if (!poll_until([this, i] { return is_well(i); }))
      throw std::runtime_error("the test's Cluster isn't well");
}

void RedisCluster::expect(std::size_t node, const std::vector<std::string>& words) const {
  const RedisReply reply = nodes_[node]->command(words);
  if (reply.type == '-') throw std::runtime_error(words[0] + " " + words[1] + ": " + reply.text);
}

// All slots have a master, and every master as many replicas as it should, in this node's eyes.
bool RedisCluster::is_well(std::size_t i) const {
  if (nodes_[i]->info("cluster_state", kClusterInfo) != "ok") return false;
  const RedisReply slots = nodes_[i]->command({"CLUSTER", "SLOTS"});
  for (const RedisReply& range : slots.items)
    if (range.items.size() < 3 + options_.replicas) return false;
  return !slots.items.empty();
}

std::string RedisCluster::url() const {
  std::string hosts;
  for (std::size_t i = 0; i < options_.masters; ++i)
    hosts += (hosts.empty() ? "" : ",") + std::string("127.0.0.1:") + std::to_string(nodes_[i]->port());
  return "redis+cluster://" + hosts;
}

std::size_t RedisCluster::owner_of(unsigned slot) const {
  for (const auto& witness : nodes_) {
    if (!witness->running()) continue;
    for (const RedisReply& range : witness->command({"CLUSTER", "SLOTS"}).items) {
      if (std::stoul(range.items[0].text) > slot || std::stoul(range.items[1].text) < slot) continue;
      for (std::size_t i = 0; i < size(); ++i)
        if (range.items[2].items[1].text == std::to_string(nodes_[i]->port())) return i;
    }
  }
  throw std::runtime_error("nobody owns slot " + std::to_string(slot));
}

void RedisCluster::move_slot(unsigned slot, std::size_t to, const std::function<void()>& between) {
  const std::size_t from = owner_of(slot);
  const std::string number = std::to_string(slot), source = id_of(from), target = id_of(to);
  expect(to, {"CLUSTER", "SETSLOT", number, "IMPORTING", source});
  expect(from, {"CLUSTER", "SETSLOT", number, "MIGRATING", target});
  for (bool first = true;; first = false) {
    const RedisReply keys = nodes_[from]->command({"CLUSTER", "GETKEYSINSLOT", number, first ? "1" : "10"});
    if (keys.items.empty()) break;
    std::vector<std::string> migrate{"MIGRATE", "127.0.0.1", std::to_string(nodes_[to]->port()), "", "0",
                                     "5000",    "KEYS"};
    for (const RedisReply& key : keys.items) migrate.push_back(key.text);
    expect(from, migrate);
    if (first && between) between();
  }
  for (const std::size_t node : {to, from}) expect(node, {"CLUSTER", "SETSLOT", number, "NODE", target});
  for (std::size_t i = 0; i < size(); ++i)
    if (i != to && i != from && nodes_[i]->info("role") == "master")
      expect(i, {"CLUSTER", "SETSLOT", number, "NODE", target});
}

void RedisCluster::fail_over(std::size_t master) {
  nodes_[master]->kill();
  const auto replaced = [&] {
    for (const auto& witness : nodes_) {
      if (!witness->running()) continue;
      if (witness->info("cluster_state", kClusterInfo) != "ok") return false;
      for (const RedisReply& range : witness->command({"CLUSTER", "SLOTS"}).items)
        if (range.items[2].items[1].text == std::to_string(nodes_[master]->port())) return false;
    }
    return true;
  };
  if (!poll_until(replaced)) throw std::runtime_error("the test's Cluster didn't fail over");
}

void RedisCluster::rejoin(std::size_t killed) {
  nodes_[killed]->start();
  if (!nodes_[killed]->wait_for_info("role", "slave") ||
      !nodes_[killed]->wait_for_info("master_link_status", "up"))
    throw std::runtime_error("a node that came back doesn't follow its successor");
  for (std::size_t i = 0; i < size(); ++i)
    if (!poll_until([this, i] { return is_well(i); }))
      throw std::runtime_error("the test's Cluster isn't well again");
}

}  // namespace sallyport::testing
