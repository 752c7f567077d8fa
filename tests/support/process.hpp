// A child process of a test: started with pipes, its output collected all the time, stopped by its pid and
// never left behind. Start it from a thread that outlives it: the kernel kills the child when that thread
// ends (so that a crashed test leaves nothing running).
#pragma once

#include <sys/types.h>

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "tests/support/socket.hpp"

namespace sallyport::testing {

struct ProcessOptions {
  std::map<std::string, std::string> env;  // added to the test's own environment
  std::string stdin_text;                  // fed to the child, then its stdin ends
  std::string directory;                   // working directory; empty: the test's own
};

class Process {
 public:
  explicit Process(std::vector<std::string> argv, ProcessOptions options = {});
  ~Process();  // SIGKILL when still running
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  pid_t pid() const { return pid_; }
  bool running() const;
  void signal(int number);  // nothing when it has ended

  // The exit code (128 + n when signal n ended it), or nothing when it still runs at the deadline.
  std::optional<int> wait(std::chrono::milliseconds time = kPatience);

  // True as soon as `text` stands in its output (either stream); false when it ended without it or the time
  // is over.
  bool wait_for_output(std::string_view text, std::chrono::milliseconds time = kPatience);

  // The same for any condition on what it wrote to stdout and stderr; called again for each new piece.
  using Condition = std::function<bool(const std::string& out, const std::string& err)>;
  bool wait_until(const Condition& condition, std::chrono::milliseconds time = kPatience);

  std::string out() const;  // what it wrote so far
  std::string err() const;

 private:
  void pump();
  bool drain(Fd& pipe, std::string& into);

  pid_t pid_ = -1;
  Fd pid_fd_, in_, out_pipe_, err_pipe_, wake_;
  std::string stdin_left_;
  mutable std::mutex mutex_;  // guards all below
  std::condition_variable changed_;
  std::string out_, err_;
  std::optional<int> code_;  // set once it was reaped
  bool drained_ = false;     // its last output has been read too
  bool stop_ = false;
  std::thread pump_;
};

struct Outcome {
  int code = -1;
  std::string out, err;
};

// Runs a program to its end; throws when it isn't done in time (and kills it).
Outcome run(std::vector<std::string> argv, ProcessOptions options = {},
            std::chrono::milliseconds time = kPatience);

}  // namespace sallyport::testing
