// A master, its replicas and the Sentinels that watch over them, all real, for one test.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/support/redis_server.hpp"

namespace sallyport::testing {

struct SentinelOptions {
  unsigned replicas = 1;
  unsigned sentinels = 3;
  std::string sentinel_password;   // that they ask for; empty: none
  std::vector<std::string> extra;  // more arguments of the master and the replicas
};

class RedisSentinels {
 public:
  // Starts them all; returns when every Sentinel knows the others and the replicas.
  explicit RedisSentinels(SentinelOptions options = {});

  static constexpr const char* kName = "mymaster";
  std::string url(const std::string& credentials = {}) const;  // redis+sentinel://[credentials@]...
  std::vector<std::uint16_t> sentinel_ports() const;
  RedisServer& server(std::size_t i) { return *servers_[i]; }
  std::size_t size() const { return servers_.size(); }

  std::size_t master() const;  // which of the servers the Sentinels call the master; throws: none

  // Kills the master; returns once the Sentinels have another one. Which one was killed.
  std::size_t fail_over();
  // Brings a killed server back as a replica; returns when it has all data.
  void rejoin(std::size_t killed);

  void kill_sentinel(std::size_t i) { sentinels_[i]->process->signal(9); }

 private:
  struct Sentinel {
    TempDir dir;
    std::uint16_t port = 0;
    std::unique_ptr<Process> process;
  };
  RedisReply ask(const Sentinel& sentinel, const std::vector<std::string>& words) const;
  void start_sentinel(std::uint16_t master_port);
  bool all_known() const;

  SentinelOptions options_;
  std::vector<std::unique_ptr<RedisServer>> servers_;
  std::vector<std::unique_ptr<Sentinel>> sentinels_;
};

}  // namespace sallyport::testing
