// Notices that the configuration file became another one, on the control thread: looks at its stamp, and
// tells once that has stood still for one look, so that a file that is being written isn't read half.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <functional>
#include <string>

#include "auth/task.hpp"

namespace sallyport::gateway {

// The rule alone. Pure.
class StampWatch {
 public:
  // What was read, or tried to be read, had this stamp.
  void loaded(std::string stamp) { loaded_ = stamp, seen_ = std::move(stamp); }
  // A look; true: it is another file now, and the last look saw the same. `there`: it exists.
  bool look(const std::string& stamp, bool there);

 private:
  std::string loaded_, seen_;
};

class ConfigWatch {
 public:
  static constexpr std::chrono::milliseconds kEvery{500};

  ConfigWatch(net::io_context& control, std::string path, std::function<void()> changed)
      : path_(std::move(path)), changed_(std::move(changed)), timer_(control) {}

  void start() { wait(); }
  void stop();
  void about_to_load();  // each time before the file is read

 private:
  void wait();

  std::string path_;
  std::function<void()> changed_;
  StampWatch stamps_;
  net::steady_timer timer_;
  bool stopped_ = false;
};

}  // namespace sallyport::gateway
