// Holds somebody until the test says go: how tests order events instead of sleeping.
#pragma once

#include <condition_variable>
#include <mutex>

#include "tests/support/socket.hpp"

namespace sallyport::testing {

class Gate {
 public:
  void open() {
    std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }

  // Counts itself as arrived, then waits for open(). False when the time is over.
  bool wait(std::chrono::milliseconds time = kPatience) {
    std::unique_lock lock(mutex_);
    ++arrived_;
    changed_.notify_all();
    return changed_.wait_for(lock, time, [&] { return open_; });
  }

  // Waits until `n` callers have come to the gate (held or let through).
  bool wait_for_arrivals(int n = 1, std::chrono::milliseconds time = kPatience) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, time, [&] { return arrived_ >= n; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
  int arrived_ = 0;
};

}  // namespace sallyport::testing
