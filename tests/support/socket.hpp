// Plain blocking-with-deadline sockets on the loopback for tests: no event loop, so a test reads from top to
// bottom and proves the gateway with code that shares nothing with it. Set-up failures throw
// std::runtime_error (the test fails).
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace sallyport::testing {

using Clock = std::chrono::steady_clock;
using Deadline = Clock::time_point;

// How long a test waits for something that should happen at once. Generous: sanitizers on two busy cores are
// slow, and a passing test never waits this long.
inline constexpr std::chrono::milliseconds kPatience{20'000};

inline Deadline within(std::chrono::milliseconds time = kPatience) { return Clock::now() + time; }

// Owns a file descriptor.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(other.release()) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) {
      reset();
      fd_ = other.release();
    }
    return *this;
  }
  ~Fd() { reset(); }

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  int release() {
    int fd = fd_;
    fd_ = -1;
    return fd;
  }
  void reset();

 private:
  int fd_ = -1;
};

enum class Io {
  ok,
  closed,     // an orderly end (FIN)
  reset,      // the peer cut the connection (RST, EPIPE)
  timed_out,  // the deadline passed
};

struct Received {
  Io status = Io::ok;
  std::string bytes;  // empty unless ok
};

Fd connect_tcp(std::uint16_t port, Deadline deadline = within());  // to 127.0.0.1
Fd connect_unix(const std::string& path);
Fd listen_tcp(std::uint16_t port = 0, int backlog = 128);  // on 127.0.0.1; 0: the kernel picks
std::uint16_t port_of(int fd);                             // the local port

// A port that nobody listens on. Below the kernel's ephemeral range, so that no outgoing connection takes it
// while a server of the test is down for a moment; and no other test is given it while this process lives.
std::uint16_t free_port();

// True when one of `events` (POLLIN, POLLOUT) or an end of the connection is there before the deadline.
bool wait_for(int fd, short events, Deadline deadline);

Io send_all(int fd, std::string_view bytes, Deadline deadline = within());
Received receive_some(int fd, std::size_t at_most = 65536, Deadline deadline = within());

// Makes the next close send RST instead of FIN, as a crashed or impatient peer does.
void reset_on_close(int fd);

}  // namespace sallyport::testing
