// Writes log lines to a file or to stdout on a thread of its own, so that a full disk or a slow pipe never
// stalls a request. The queue is bounded: what doesn't fit is dropped and counted.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

namespace sallyport::gateway {

class LogWriter {
 public:
  static constexpr std::size_t kQueueBytes = 4 * 1024 * 1024;

  // `target`: a path (appended to, created 0640) or "stdout". Throws std::system_error when the file can't be
  // opened.
  explicit LogWriter(std::string target);
  ~LogWriter();  // writes what is queued, waiting at most a second

  // Whole lines, each ended by '\n'. Any thread; takes a lock for the length of a swap, so callers hand over
  // batches.
  void submit(std::string_view lines, std::uint64_t count);
  void reopen();  // after a rotation: the path is opened anew before the next write
  std::uint64_t dropped() const { return dropped_.load(std::memory_order_relaxed); }

 private:
  void run();
  bool write_out(std::string_view text);

  std::string target_;
  int descriptor_ = -1;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::string queue_;
  std::uint64_t queued_lines_ = 0;
  bool reopen_ = false;
  bool stop_ = false;
  std::atomic<std::uint64_t> dropped_{0};
  std::thread thread_;
};

}  // namespace sallyport::gateway
