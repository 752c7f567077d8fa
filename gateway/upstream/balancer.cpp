#include "gateway/upstream/balancer.hpp"

#include <algorithm>
#include <cmath>

namespace sallyport::upstream {
namespace {

// The finaliser of MurmurHash3: every bit of the input moves every bit of the output.
std::uint64_t mixed(std::uint64_t x) {
  x ^= x >> 33;
  x *= 0xff51afd7ed558ccdULL;
  x ^= x >> 33;
  x *= 0xc4ceb9fe1a85ec53ULL;
  x ^= x >> 33;
  return x;
}

}  // namespace

std::uint64_t hash_key(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325ULL;  // FNV-1a
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  return std::max<std::uint64_t>(mixed(hash), 1);
}

double rendezvous_score(std::uint64_t key, std::uint64_t server, unsigned weight) {
  // 53 bits as a number inside (0, 1); its logarithm makes shares proportional to weights (Mosharaf,
  // Wang 2004: weighted highest random weight).
  const auto bits = mixed(key ^ mixed(server)) >> 11;
  const double chance = (static_cast<double>(bits) + 0.5) / 9007199254740992.0;
  return -static_cast<double>(weight) / std::log(chance);
}

unsigned ramped(unsigned weight, std::chrono::steady_clock::duration age, std::chrono::milliseconds ramp) {
  const unsigned full = weight * 1000;
  if (ramp.count() <= 0 || age >= ramp) return full;
  const auto passed =
      std::max<std::int64_t>(0, std::chrono::duration_cast<std::chrono::milliseconds>(age).count());
  const auto part = static_cast<std::uint64_t>(full) * static_cast<std::uint64_t>(passed) /
                    static_cast<std::uint64_t>(ramp.count());
  return std::max(full / 10, static_cast<unsigned>(part));
}

Balancer::Balancer(const config::Upstream& config)
    : how_(config.balance.how), credit_(config.servers.size(), 0) {
  hashes_.reserve(config.servers.size());
  for (const auto& server : config.servers) hashes_.push_back(hash_key(server.url));
}

std::size_t Balancer::pick(std::span<const Candidate> candidates, std::uint64_t key) {
  switch (how_) {
    case config::Balance::round_robin:
      return in_turn(candidates);
    case config::Balance::hash:
      if (key != 0) return by_hash(candidates, key);
      break;
    case config::Balance::least_requests:
      break;
  }
  return least_busy(candidates);
}

// Smooth weighted round robin as nginx does it: 5:1:1 gives a a b a c a a, not a a a a a b c.
std::size_t Balancer::in_turn(std::span<const Candidate> candidates) {
  std::size_t best = kNone;
  std::int64_t total = 0;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    if (!candidates[i].usable) continue;
    credit_[i] += candidates[i].weight;
    total += candidates[i].weight;
    if (best == kNone || credit_[i] > credit_[best]) best = i;
  }
  if (best != kNone) credit_[best] -= total;
  return best;
}

// The lowest (busy + 1) / weight; the turn goes round among equals, so that an idle upstream isn't its first
// server alone.
std::size_t Balancer::least_busy(std::span<const Candidate> candidates) {
  std::size_t best = kNone;
  const auto load = [&](std::size_t a, std::size_t b) {
    return (std::uint64_t{candidates[a].busy} + 1) * candidates[b].weight;
  };
  for (std::size_t step = 0; step < candidates.size(); ++step) {
    const std::size_t i = (turn_ + step) % candidates.size();
    if (!candidates[i].usable) continue;
    if (best == kNone || load(i, best) < load(best, i)) best = i;
  }
  if (best != kNone) turn_ = best + 1;
  return best;
}

std::size_t Balancer::by_hash(std::span<const Candidate> candidates, std::uint64_t key) const {
  std::size_t best = kNone;
  double highest = 0;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    if (!candidates[i].usable) continue;
    const double score = rendezvous_score(key, hashes_[i], candidates[i].weight);
    if (best != kNone && score <= highest) continue;
    best = i;
    highest = score;
  }
  return best;
}

}  // namespace sallyport::upstream
