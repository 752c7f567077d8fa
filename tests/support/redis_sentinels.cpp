#include "tests/support/redis_sentinels.hpp"

#include <unistd.h>

#include <stdexcept>

namespace sallyport::testing {
namespace {

std::string field(const RedisReply& pairs, const std::string& name) {
  for (std::size_t i = 0; i + 1 < pairs.items.size(); i += 2)
    if (pairs.items[i].text == name) return pairs.items[i + 1].text;
  return {};
}

}  // namespace

RedisSentinels::RedisSentinels(SentinelOptions options) : options_(std::move(options)) {
  servers_.push_back(std::make_unique<RedisServer>(RedisOptions{.extra = options_.extra}));
  const std::uint16_t first = servers_[0]->port();
  for (unsigned i = 0; i < options_.replicas; ++i) {
    RedisOptions replica{.extra = options_.extra};
    replica.extra.insert(replica.extra.end(), {"--replicaof", "127.0.0.1 " + std::to_string(first)});
    servers_.push_back(std::make_unique<RedisServer>(replica));
    if (!servers_.back()->wait_for_info("master_link_status", "up"))
      throw std::runtime_error("a replica of the test doesn't follow its master");
  }
  for (unsigned i = 0; i < options_.sentinels; ++i) start_sentinel(first);
  if (!poll_until([this] { return all_known(); }))
    throw std::runtime_error("the Sentinels of the test don't find each other");
}

void RedisSentinels::start_sentinel(std::uint16_t master_port) {
  auto sentinel = std::make_unique<Sentinel>();
  sentinel->port = free_port();
  const std::string link = sentinel->dir / "redis-sentinel";
  if (::symlink(redis_program().c_str(), link.c_str()) != 0) throw std::runtime_error("can't link " + link);
  const std::string name = std::string(" ") + kName + " ";
  const std::string quorum = std::to_string(options_.sentinels / 2 + 1);
  std::string text = "port " + std::to_string(sentinel->port) + "\nbind 127.0.0.1\ndir " +
                     sentinel->dir.path().string() + "\nsentinel monitor" + name + "127.0.0.1 " +
                     std::to_string(master_port) + " " + quorum + "\nsentinel down-after-milliseconds" +
                     name + "1000\nsentinel failover-timeout" + name + "5000\n";
  if (!options_.sentinel_password.empty())
    text += "requirepass " + options_.sentinel_password + "\nsentinel sentinel-pass " +
            options_.sentinel_password + "\n";
  sentinel->dir.write("sentinel.conf", text);
  sentinel->process =
      std::make_unique<Process>(std::vector<std::string>{link, sentinel->dir / "sentinel.conf"});
  if (!sentinel->process->wait_for_output("+monitor"))
    throw std::runtime_error("a Sentinel isn't ready; it said:\n" + sentinel->process->out());
  sentinels_.push_back(std::move(sentinel));
}

RedisReply RedisSentinels::ask(const Sentinel& sentinel, const std::vector<std::string>& words) const {
  return redis_command(sentinel.port, options_.sentinel_password, words);
}

// Only then they agree on a fail-over.
bool RedisSentinels::all_known() const {
  for (const auto& sentinel : sentinels_) {
    if (!sentinel->process->running()) continue;
    const RedisReply state = ask(*sentinel, {"SENTINEL", "MASTER", kName});
    if (field(state, "num-other-sentinels") != std::to_string(options_.sentinels - 1) ||
        field(state, "num-slaves") != std::to_string(options_.replicas) || field(state, "flags") != "master")
      return false;
    for (const RedisReply& replica : ask(*sentinel, {"SENTINEL", "REPLICAS", kName}).items)
      if (field(replica, "flags") != "slave" || field(replica, "master-link-status") != "ok") return false;
  }
  return true;
}

std::string RedisSentinels::url(const std::string& credentials) const {
  std::string hosts;
  for (const auto& sentinel : sentinels_)
    hosts += (hosts.empty() ? "" : ",") + std::string("127.0.0.1:") + std::to_string(sentinel->port);
  return "redis+sentinel://" + (credentials.empty() ? "" : credentials + "@") + hosts + "/" + kName;
}

std::vector<std::uint16_t> RedisSentinels::sentinel_ports() const {
  std::vector<std::uint16_t> ports;
  for (const auto& sentinel : sentinels_) ports.push_back(sentinel->port);
  return ports;
}

std::size_t RedisSentinels::master() const {
  for (const auto& sentinel : sentinels_) {
    if (!sentinel->process->running()) continue;
    const RedisReply reply = ask(*sentinel, {"SENTINEL", "GET-MASTER-ADDR-BY-NAME", kName});
    for (std::size_t i = 0; i < servers_.size(); ++i)
      if (reply.items.size() == 2 && reply.items[1].text == std::to_string(servers_[i]->port())) return i;
  }
  throw std::runtime_error("the Sentinels know no master");
}

std::size_t RedisSentinels::fail_over() {
  const std::size_t killed = master();
  servers_[killed]->kill();
  if (!poll_until([&] { return master() != killed && servers_[master()]->info("role") == "master"; }))
    throw std::runtime_error("the Sentinels of the test didn't fail over");
  return killed;
}

// A restarted master would first take itself for one.
void RedisSentinels::rejoin(std::size_t killed) {
  const std::string port = std::to_string(servers_[master()]->port());
  servers_[killed]->start({"--replicaof", "127.0.0.1 " + port});
  if (!servers_[killed]->wait_for_info("master_link_status", "up"))
    throw std::runtime_error("a replica of the test doesn't follow its master");
  if (!poll_until([this] { return all_known(); }))
    throw std::runtime_error("the Sentinels of the test don't see the replica that came back");
}

}  // namespace sallyport::testing
