#include "gateway/upstream/pool_state.hpp"

#include <algorithm>

namespace sallyport::upstream {

std::chrono::milliseconds ejection(unsigned failures) {
  return std::chrono::milliseconds(std::min(5000u, 100u << std::min(failures > 0 ? failures - 1 : 0, 10u)));
}

PoolState::PoolState(const config::Upstream& config)
    : servers_(config.servers.size()),
      balance_(config.balance),
      max_connections_(config.max_connections),
      max_idle_(config.max_idle),
      queue_(config.queue) {}

// Servers that answer come before ejected ones: when all are ejected, one of them is still tried, since a
// request that fails at once is no better than one that might succeed.
std::size_t PoolState::pick(SteadyTime now, std::uint64_t tried) {
  std::size_t best = servers_.size();
  bool best_ejected = true;
  for (std::size_t step = 0; step < servers_.size(); ++step) {
    const std::size_t i = (turn_ + step) % servers_.size();
    if (i < 64 && (tried >> i & 1) != 0) continue;
    const bool ejected = servers_[i].ejected_until > now;
    const bool better = best == servers_.size() || (best_ejected && !ejected) ||
                        (best_ejected == ejected && balance_ == config::Balance::least_requests &&
                         servers_[i].busy < servers_[best].busy);
    if (!better) continue;
    best = i;
    best_ejected = ejected;
  }
  if (best < servers_.size()) turn_ = best + 1;
  return best;
}

Choice PoolState::acquire(SteadyTime now, std::uint64_t tried, bool fresh_only) {
  const std::size_t chosen = pick(now, tried);
  if (chosen == servers_.size()) return {Act::refuse, 0};
  Server& server = servers_[chosen];
  if (server.idle > 0 && !fresh_only) {
    --server.idle;
    ++server.busy;
    return {Act::use_idle, chosen};
  }
  if (server.busy + server.idle < max_connections_) {
    ++server.busy;
    return {Act::connect, chosen};
  }
  return {waiting_ < queue_ ? Act::wait : Act::refuse, chosen};
}

void PoolState::connected(std::size_t server) {
  servers_[server].failures = 0;
  servers_[server].ejected_until = {};
}

void PoolState::connect_failed(std::size_t server, SteadyTime now) {
  Server& s = servers_[server];
  --s.busy;
  ++s.failures;
  s.ejected_until = now + ejection(s.failures);
}

void PoolState::returned(std::size_t server) {
  --servers_[server].busy;
  ++servers_[server].idle;
}

void PoolState::closed_busy(std::size_t server) { --servers_[server].busy; }
void PoolState::closed_idle(std::size_t server) { --servers_[server].idle; }

}  // namespace sallyport::upstream
