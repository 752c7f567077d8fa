#include "gateway/upstream/breaker.hpp"

#include <algorithm>

namespace sallyport::upstream {

bool Breaker::began(SteadyTime now) {
  if (state(now) != State::half_open) return false;
  probing_ = true;
  return true;
}

void Breaker::ended(Outcome outcome, bool probe, SteadyTime now) {
  if (probe) probing_ = false;
  // What was sent before it opened says nothing about the server of now; only the probe does.
  if (open_ && !probe) return;
  switch (outcome) {
    case Outcome::undecided:
      return;  // of a probe: the next request is the probe
    case Outcome::well:
      failures_ = trips_ = 0;
      open_ = false;
      return;
    case Outcome::failed:
      ++failures_;
      if (rules_.failures > 0 && (probe || failures_ >= rules_.failures)) trip(now);
      return;
  }
}

void Breaker::trip(SteadyTime now) {
  auto back_off = rules_.back_off;
  for (unsigned i = 0; i < trips_ && back_off < rules_.max_back_off; ++i) back_off *= 2;
  until_ = now + std::min(back_off, rules_.max_back_off);
  ++trips_;
  open_ = true;
}

}  // namespace sallyport::upstream
