#include "gateway/upstream/pool_state.hpp"

#include <algorithm>

namespace sallyport::upstream {

std::chrono::milliseconds ejection(unsigned failures) {
  return std::chrono::milliseconds(std::min(5000u, 100u << std::min(failures > 0 ? failures - 1 : 0, 10u)));
}

PoolState::PoolState(const config::Upstream& config)
    : candidates_(config.servers.size()),
      kinds_(config.servers.size(), Kind::out),
      balancer_(config),
      max_connections_(config.max_connections),
      wanted_idle_(config.max_idle),
      max_idle_(config.max_idle),
      queue_(config.queue),
      slow_start_(config.slow_start) {
  servers_.reserve(config.servers.size());
  for (const auto& server : config.servers) servers_.emplace_back(config.breaker, server.weight);
}

bool PoolState::has_room(const Server& server, bool fresh_only) const {
  return server.idle > 0 || server.busy + (fresh_only ? 0 : server.idle) < max_connections_;
}

PoolState::Kind PoolState::kind(const Server& server, const Wish& wish, SteadyTime now) const {
  if (!server.healthy || !server.breaker.permits(now)) return Kind::out;
  if (!has_room(server, wish.fresh_only)) return Kind::full;
  return server.ejected_until > now ? Kind::ejected : Kind::well;
}

// Servers that answer come first; is all of them full, the request waits for one of them. Ejected ones (they
// refused a connect lately) are still tried when nothing is better: to be refused again costs nothing, and a
// server that is back is found at once. Those that failed their checks or whose breaker is open are not.
Choice PoolState::acquire(SteadyTime now, const Wish& wish) {
  bool full = false, untried = false;
  for (std::size_t i = 0; i < servers_.size(); ++i) {
    const bool tried = i < 64 && (wish.tried >> i & 1) != 0;
    untried = untried || !tried;
    kinds_[i] = tried ? Kind::out : kind(servers_[i], wish, now);
    full = full || kinds_[i] == Kind::full;
    candidates_[i].weight = ramped(servers_[i].weight, now - servers_[i].back_since, slow_start_);
    candidates_[i].busy = servers_[i].busy;
  }
  const auto pick = [&](Kind wanted) {
    for (std::size_t i = 0; i < servers_.size(); ++i) candidates_[i].usable = kinds_[i] == wanted;
    return balancer_.pick(candidates_, wish.key);
  };
  std::size_t chosen = pick(Kind::well);
  if (chosen == Balancer::kNone && full) return {waiting_ < queue_ ? Act::wait : Act::refuse};
  if (chosen == Balancer::kNone) chosen = pick(Kind::ejected);
  if (chosen == Balancer::kNone) return {untried ? Act::unavailable : Act::refuse};
  return take(chosen, wish.fresh_only, now);
}

Choice PoolState::take(std::size_t chosen, bool fresh_only, SteadyTime now) {
  Server& server = servers_[chosen];
  Choice choice{Act::connect, chosen};
  choice.probe = server.breaker.began(now);
  ++server.busy;
  if (server.idle > 0 && (!fresh_only || server.busy + server.idle > max_connections_)) {
    --server.idle;
    choice.act = fresh_only ? Act::connect : Act::use_idle;
    choice.instead_of_idle = fresh_only;
  }
  return choice;
}

void PoolState::connected(std::size_t server, SteadyTime now) {
  Server& s = servers_[server];
  if (s.failures > 0) s.back_since = now;
  s.failures = 0;
  s.ejected_until = {};
}

void PoolState::connect_failed(std::size_t server, bool timed_out, bool probe, SteadyTime now) {
  Server& s = servers_[server];
  --s.busy;
  ++s.failures;
  s.ejected_until = now + ejection(s.failures);
  s.breaker.ended(timed_out || probe ? Outcome::failed : Outcome::undecided, probe, now);
}

void PoolState::returned(std::size_t server) {
  --servers_[server].busy;
  ++servers_[server].idle;
}

void PoolState::closed_busy(std::size_t server) { --servers_[server].busy; }
void PoolState::closed_idle(std::size_t server) { --servers_[server].idle; }

void PoolState::ended(std::size_t server, Outcome outcome, bool probe, SteadyTime now) {
  Server& s = servers_[server];
  s.breaker.ended(outcome, probe, now);
  if (probe && outcome == Outcome::well) s.back_since = now;
}

void PoolState::checked(std::size_t server, bool healthy, SteadyTime now) {
  Server& s = servers_[server];
  if (healthy && !s.healthy) s.back_since = now;
  s.healthy = healthy;
}

}  // namespace sallyport::upstream
