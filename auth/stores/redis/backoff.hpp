// How long to wait before the next attempt to connect. Pure: the caller brings the chance.
#pragma once

#include <algorithm>
#include <chrono>

namespace sallyport::stores::redis {

class Backoff {
 public:
  static constexpr std::chrono::milliseconds kFirst{50};
  static constexpr std::chrono::milliseconds kLongest{2000};

  // `chance` in [0, 1). The first retry is at once; then 50 ms, doubled up to 2 s, each shortened by up to a
  // half, so that a fleet doesn't come back in step.
  std::chrono::milliseconds next(double chance) {
    if (attempts_++ == 0) return std::chrono::milliseconds{0};
    const auto whole = std::min(kLongest, kFirst * (1 << std::min(attempts_ - 2, 10)));
    return std::chrono::milliseconds(
        static_cast<long>(static_cast<double>(whole.count()) * (1.0 - chance / 2)));
  }
  void reset() { attempts_ = 0; }

 private:
  int attempts_ = 0;
};

}  // namespace sallyport::stores::redis
