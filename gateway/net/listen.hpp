// Opens listening sockets: probes first whether the port is really free (SO_REUSEPORT would hide another
// process), then opens one socket per worker.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/system/result.hpp>

#include <string>

#include "config/config.hpp"

namespace sallyport::gateway {

namespace net = boost::asio;

// A bound and listening SO_REUSEPORT socket's descriptor (non-blocking, close-on-exec). The error names
// address, cause and way out.
boost::system::result<int, std::string> open_listener(const config::Address& address, int backlog);

// Fails when any socket of another process holds the port, SO_REUSEPORT or not. For port 0: picks a free
// port, which is written into `address`.
boost::system::result<void, std::string> probe_port(config::Address& address);

std::string to_text(const config::Address& address);  // "127.0.0.1:8080", "[::1]:8080"

}  // namespace sallyport::gateway
