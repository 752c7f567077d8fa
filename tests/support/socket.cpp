// Loopback sockets over poll(2).
#include "tests/support/socket.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

namespace sallyport::testing {

namespace {

[[noreturn]] void fail(const std::string& what) {
  throw std::runtime_error(what + ": " + std::generic_category().message(errno));
}

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

int bind_to(int fd, std::uint16_t port) {
  sockaddr_in address = loopback(port);
  return ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address);
}

// Tests run in many processes at once, so what is bound for a moment proves nothing about the next one: a
// name that only one process of this network can have is the reservation, and its end gives it back.
bool reserve(std::uint16_t port) {
  static std::vector<Fd> reserved;
  Fd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!fd) fail("socket");
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string name = "sallyport-test-port-" + std::to_string(port);  // abstract: behind a NUL, no file
  name.copy(address.sun_path + 1, name.size());
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0) return false;
  reserved.push_back(std::move(fd));
  return true;
}

}  // namespace

void Fd::reset() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

bool wait_for(int fd, short events, Deadline deadline) {
  for (;;) {
    auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
    pollfd item{fd, events, 0};
    int n = ::poll(&item, 1, static_cast<int>(std::max<decltype(left)>(left, 0)));
    if (n > 0) return true;
    if (n == 0) return false;
    if (errno != EINTR) fail("poll");
  }
}

Fd connect_tcp(std::uint16_t port, Deadline deadline) {
  Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) fail("socket");
  sockaddr_in address = loopback(port);
  std::string name = "connect to 127.0.0.1:" + std::to_string(port);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    if (errno != EINPROGRESS) fail(name);
    if (!wait_for(fd.get(), POLLOUT, deadline)) throw std::runtime_error(name + ": no answer in time");
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) {
      errno = error;
      fail(name);
    }
  }
  int one = 1;
  ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  return fd;
}

Fd connect_unix(const std::string& path) {
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) fail("socket");
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) throw std::runtime_error("socket path too long: " + path);
  std::memcpy(address.sun_path, path.data(), path.size());
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    fail("connect to " + path);
  return fd;
}

Fd listen_tcp(std::uint16_t port, int backlog) {
  Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) fail("socket");
  int one = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (bind_to(fd.get(), port) != 0) fail("bind to port " + std::to_string(port));
  if (::listen(fd.get(), backlog) != 0) fail("listen");
  return fd;
}

std::uint16_t port_of(int fd) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) fail("getsockname");
  return ntohs(address.sin_port);
}

std::uint16_t free_port() {
  std::random_device random;
  for (int attempt = 0; attempt < 200; ++attempt) {
    auto port = static_cast<std::uint16_t>(12'000 + random() % 20'000);
    if (!reserve(port)) continue;
    Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!fd) fail("socket");
    if (bind_to(fd.get(), port) == 0) return port;
  }
  throw std::runtime_error("no free port in 200 attempts");
}

Io send_all(int fd, std::string_view bytes, Deadline deadline) {
  while (!bytes.empty()) {
    ssize_t n = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(n));
    } else if (errno == EAGAIN) {
      if (!wait_for(fd, POLLOUT, deadline)) return Io::timed_out;
    } else if (errno == EPIPE || errno == ECONNRESET) {
      return Io::reset;
    } else if (errno != EINTR) {
      fail("send");
    }
  }
  return Io::ok;
}

Received receive_some(int fd, std::size_t at_most, Deadline deadline) {
  std::string bytes(at_most, '\0');
  for (;;) {
    ssize_t n = ::recv(fd, bytes.data(), bytes.size(), MSG_DONTWAIT);
    if (n > 0) {
      bytes.resize(static_cast<std::size_t>(n));
      return {Io::ok, std::move(bytes)};
    }
    if (n == 0) return {Io::closed, {}};
    if (errno == ECONNRESET || errno == EPIPE) return {Io::reset, {}};
    if (errno == EAGAIN) {
      if (!wait_for(fd, POLLIN, deadline)) return {Io::timed_out, {}};
    } else if (errno != EINTR) {
      fail("recv");
    }
  }
}

void reset_on_close(int fd) {
  linger now{1, 0};
  ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

}  // namespace sallyport::testing
