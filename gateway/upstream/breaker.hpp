// Decides whether a server that keeps failing may be asked again: closed, open for a back-off, then half-open
// for one probe. Pure: no clock, no sockets.
#pragma once

#include <cstdint>

#include "auth/time.hpp"
#include "config/config.hpp"

namespace sallyport::upstream {

// How a request at a server ended, as far as the server is to be judged by it.
enum class Outcome : std::uint8_t {
  well,       // a whole head came
  failed,     // none in time, a cut or broken one; 502, 503, 504 where these count
  undecided,  // the client left, or we stopped: says nothing about the server
};

class Breaker {
 public:
  enum class State : std::uint8_t { closed, open, half_open };

  explicit Breaker(const config::Breaker& rules) : rules_(rules) {}

  State state(SteadyTime now) const {
    if (!open_) return State::closed;
    return now < until_ ? State::open : State::half_open;
  }
  // May a request go there now? Half-open: only while no probe is under way.
  bool permits(SteadyTime now) const {
    const State is = state(now);
    return is == State::closed || (is == State::half_open && !probing_);
  }
  // One goes. true: it is the probe, and ended() must be told so.
  bool began(SteadyTime now);
  void ended(Outcome outcome, bool probe, SteadyTime now);

  // When a probe may go; meaningful while open.
  SteadyTime until() const { return until_; }
  unsigned failures() const { return failures_; }

 private:
  void trip(SteadyTime now);

  config::Breaker rules_;
  SteadyTime until_{};
  unsigned failures_ = 0;  // in a row
  unsigned trips_ = 0;     // in a row, without a good answer between
  bool open_ = false;
  bool probing_ = false;
};

}  // namespace sallyport::upstream
