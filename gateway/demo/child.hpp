// The gateway as a child process of the demo: its log read line by line, signals handed on, its exit code
// kept.
#pragma once

#include <sys/types.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/signal_set.hpp>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace sallyport::demo {

class Child {
 public:
  using OnLine = std::function<void(const std::string& line)>;  // of its stderr, without the newline

  // Starts the program in a process group of its own, so that Ctrl-C reaches it through us and only once. It
  // gets SIGTERM when we die. Throws std::system_error when it can't be started.
  Child(boost::asio::io_context& io, std::vector<std::string> argv, OnLine on_line);

  // Set when it has ended and its log has been read; `io` is stopped then. 128 + n when signal n ended it.
  std::optional<int> exit_code() const { return done_ ? code_ : std::nullopt; }

 private:
  void wait_for_signal();
  void read_log();
  void reap();
  void finish();

  boost::asio::io_context& io_;
  boost::asio::posix::stream_descriptor log_;
  boost::asio::signal_set signals_;
  OnLine on_line_;
  std::string buffer_;
  pid_t pid_ = -1;
  std::optional<int> code_;
  bool log_ended_ = false;
  bool done_ = false;
};

}  // namespace sallyport::demo
