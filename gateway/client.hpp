// One client connection, known to its worker so that it can be closed between requests, and the listening
// socket that it came through. For worker.cpp and accept.cpp only.
#pragma once

#include <boost/intrusive/list_hook.hpp>

#include <utility>

#include "gateway/http1/server_connection.hpp"
#include "gateway/worker.hpp"

namespace sallyport::gateway {

// Outlives its listener for as long as it has connections. What a reload changes of it counts from the next
// connection, or request, on.
struct Worker::Door {
  explicit Door(net::ip::tcp::acceptor open) : acceptor(std::move(open)) {}

  // Who stands in the kernel's queue is still taken, for a moment: closing the socket at once would cut them.
  void begin_to_close(SteadyTime now) {
    constexpr std::chrono::milliseconds kLastMoment{200};
    if (!closing) closed_by = now + kLastMoment;
    closing = true;  // also for who was accepted and hasn't begun
    error_code ignored;
    acceptor.cancel(ignored);
  }

  net::ip::tcp::acceptor acceptor;
  config::Listener rules;
  std::shared_ptr<const TlsServer> tls;  // null: plain
  bool closing = false;                  // requests under way are the last ones
  SteadyTime closed_by{};                // where it closes
  bool closes_idle = false;              // and who waits for the next is closed
};

struct Worker::Client : boost::intrusive::list_base_hook<> {
  Client(Socket socket, Deadlines& deadlines, const http1::ServerConnection::Host& host,
         std::shared_ptr<Door> through)
      : stream(std::move(socket), deadlines), connection(stream, host), door(std::move(through)) {}

  // Nothing of a request has come: it can be closed without loss.
  bool waits_for_request() const { return served && connection.waiting(); }

  Stream stream;
  http1::ServerConnection connection;
  std::shared_ptr<Door> door;
  bool served = false;  // PROXY header and TLS are behind it
};

}  // namespace sallyport::gateway
