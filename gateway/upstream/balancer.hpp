// Says which of the servers that may be asked gets a request. Pure functions and a little state (whose turn
// it is); knows nothing of connections.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "config/config.hpp"

namespace sallyport::upstream {

// A stable hash of a header's value or a subject: the same in every worker, process and release, so that a
// fleet sends the same value to the same server. Never 0, which means "no key".
std::uint64_t hash_key(std::string_view text);

// Weighted rendezvous hashing: of all servers the one with the highest score has the key. A server that goes
// moves only its own keys, one that comes takes its share evenly. `weight` in thousandths, over 0.
double rendezvous_score(std::uint64_t key, std::uint64_t server, unsigned weight);

// How much of its weight a server gets that came back `age` ago: a tenth at first, all of it after `ramp`.
// In thousandths of its weight.
unsigned ramped(unsigned weight, std::chrono::steady_clock::duration age, std::chrono::milliseconds ramp);

struct Candidate {
  bool usable = false;
  unsigned weight = 1000;  // in thousandths, over 0
  unsigned busy = 0;
};

class Balancer {
 public:
  explicit Balancer(const config::Upstream& config);

  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);
  // One candidate per server, in the order of the configuration. `key` 0: no value to hash, then the least
  // busy one.
  std::size_t pick(std::span<const Candidate> candidates, std::uint64_t key);

 private:
  std::size_t in_turn(std::span<const Candidate> candidates);
  std::size_t least_busy(std::span<const Candidate> candidates);
  std::size_t by_hash(std::span<const Candidate> candidates, std::uint64_t key) const;

  config::Balance how_;
  std::vector<std::uint64_t> hashes_;  // of the servers' URLs: their places don't matter, their names do
  std::vector<std::int64_t> credit_;   // smooth weighted round robin
  std::size_t turn_ = 0;               // among equally busy ones
};

}  // namespace sallyport::upstream
