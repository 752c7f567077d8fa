#include "gateway/net/listen.hpp"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace sallyport::gateway {
namespace {

struct Bound {
  int descriptor = -1;
  net::ip::tcp::endpoint endpoint;
};

std::string failure(const config::Address& address, const char* what, int code) {
  std::string text = "cannot " + std::string(what) + " " + to_text(address) + ": " + std::strerror(code);
  if (code == EADDRINUSE)
    text += "; another process holds this port: stop it, or change `listeners` in the configuration";
  if (code == EACCES) text += "; ports below 1024 need CAP_NET_BIND_SERVICE: choose a higher one or grant it";
  if (code == EADDRNOTAVAIL) text += "; no network interface of this host has that address";
  return text;
}

boost::system::result<Bound, std::string> bind_socket(const config::Address& address, bool reuse_port) {
  net::ip::tcp::endpoint endpoint(net::ip::make_address(address.host), address.port);
  const bool v6 = endpoint.address().is_v6();
  const int fd = ::socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return failure(address, "open a socket for", errno);
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (reuse_port) ::setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  if (v6) ::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  if (::bind(fd, endpoint.data(), static_cast<socklen_t>(endpoint.size())) != 0) {
    const int code = errno;
    ::close(fd);
    return failure(address, "listen on", code);
  }
  return Bound{fd, endpoint};
}

}  // namespace

std::string to_text(const config::Address& address) {
  const bool v6 = address.host.find(':') != std::string::npos;
  return (v6 ? "[" + address.host + "]" : address.host) + ":" + std::to_string(address.port);
}

boost::system::result<void, std::string> probe_port(config::Address& address) {
  auto bound = bind_socket(address, false);
  if (!bound) return bound.error();
  sockaddr_storage local{};
  socklen_t size = sizeof local;
  if (address.port == 0 &&
      ::getsockname(bound->descriptor, reinterpret_cast<sockaddr*>(&local), &size) == 0) {
    address.port = ntohs(local.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6*>(&local)->sin6_port
                                                     : reinterpret_cast<sockaddr_in*>(&local)->sin_port);
  }
  ::close(bound->descriptor);
  return {};
}

boost::system::result<int, std::string> open_listener(const config::Address& address, int backlog) {
  auto bound = bind_socket(address, true);
  if (!bound) return bound.error();
  if (::listen(bound->descriptor, backlog) != 0) {
    const int code = errno;
    ::close(bound->descriptor);
    return failure(address, "listen on", code);
  }
  return bound->descriptor;
}

}  // namespace sallyport::gateway
