// The time of a loop: read once for what one look at its sockets has made ready. A reading costs tens of
// nanoseconds, on a virtual machine 40 to 75, and a request asks for the time ten times.
#pragma once

#include <cstddef>

#include "auth/time.hpp"

namespace sallyport::gateway {

// While one lives, its thread's time stands still, but for each kRenewal-th step: most take microseconds, a
// handshake of TLS a millisecond. One at a time in a thread.
class LoopPass {
 public:
  LoopPass() = default;
  ~LoopPass();
  LoopPass(const LoopPass&) = delete;
  LoopPass& operator=(const LoopPass&) = delete;
  void step();  // before each coroutine that is resumed

 private:
  static constexpr std::size_t kRenewal = 8;
  std::size_t steps_ = 0;
};

// Inside a pass its time, elsewhere that of now. For deadlines and for how long others took; who measures
// what this thread itself does, or has milliseconds to give, reads a clock.
SteadyTime loop_now();

}  // namespace sallyport::gateway
