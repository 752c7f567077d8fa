#include "gateway/observe/log_writer.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <system_error>

namespace sallyport::gateway {
namespace {

int open_target(const std::string& target) {
  if (target == "stdout") return STDOUT_FILENO;
  return ::open(target.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0640);
}

}  // namespace

LogWriter::LogWriter(std::string target) : target_(std::move(target)), descriptor_(open_target(target_)) {
  if (descriptor_ < 0)
    throw std::system_error(errno, std::generic_category(), "cannot open log file '" + target_ + "'");
  thread_ = std::thread([this] { run(); });
}

LogWriter::~LogWriter() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_one();
  thread_.join();
  if (descriptor_ > STDOUT_FILENO) ::close(descriptor_);
}

void LogWriter::submit(std::string_view lines, std::uint64_t count) {
  {
    const std::lock_guard lock(mutex_);
    if (queue_.size() + lines.size() > kQueueBytes) {
      dropped_.fetch_add(count, std::memory_order_relaxed);
      return;
    }
    queue_.append(lines);
    queued_lines_ += count;
  }
  wake_.notify_one();
}

void LogWriter::reopen() {
  {
    const std::lock_guard lock(mutex_);
    reopen_ = true;
  }
  wake_.notify_one();
}

void LogWriter::run() {
  std::string batch;
  for (;;) {
    std::uint64_t lines = 0;
    bool reopen = false;
    bool last = false;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return stop_ || reopen_ || !queue_.empty(); });
      batch.clear();
      batch.swap(queue_);
      lines = std::exchange(queued_lines_, 0);
      reopen = std::exchange(reopen_, false);
      last = stop_;
    }
    // What was logged before the rotation belongs to the old file.
    if (!batch.empty() && !write_out(batch)) dropped_.fetch_add(lines, std::memory_order_relaxed);
    if (reopen && descriptor_ != STDOUT_FILENO) {
      const int fresh = open_target(target_);
      if (fresh < 0) {
        spdlog::error("cannot reopen log file '{}': {}; going on with the old one", target_,
                      std::generic_category().message(errno));
      } else {
        ::close(descriptor_);
        descriptor_ = fresh;
      }
    }
    if (last && batch.empty()) return;
  }
}

// Waits for a slow reader as long as the program runs, and a second when it ends. false: the lines are lost.
bool LogWriter::write_out(std::string_view text) {
  const auto patience = std::chrono::steady_clock::now() + std::chrono::seconds(1);
  while (!text.empty()) {
    pollfd ready{descriptor_, POLLOUT, 0};
    const int polled = ::poll(&ready, 1, 100);
    if (polled <= 0) {
      const std::lock_guard lock(mutex_);
      if (stop_ && std::chrono::steady_clock::now() > patience) return false;
      continue;
    }
    // At most PIPE_BUF at a time: a blocking pipe that polled writable takes that much without blocking.
    const std::size_t chunk =
        std::min<std::size_t>(text.size(), descriptor_ == STDOUT_FILENO ? 4096 : text.size());
    const ssize_t written = ::write(descriptor_, text.data(), chunk);
    if (written < 0) {
      if (errno == EINTR || errno == EAGAIN) continue;
      return false;
    }
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

}  // namespace sallyport::gateway
