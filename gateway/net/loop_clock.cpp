#include "gateway/net/loop_clock.hpp"

namespace sallyport::gateway {
namespace {

constexpr SteadyTime kNone = SteadyTime::min();
thread_local constinit SteadyTime held = kNone;

}  // namespace

LoopPass::~LoopPass() { held = kNone; }

void LoopPass::step() {
  if (steps_++ % kRenewal == 0) held = std::chrono::steady_clock::now();
}

SteadyTime loop_now() { return held != kNone ? held : std::chrono::steady_clock::now(); }

}  // namespace sallyport::gateway
