// One client connection, known to its worker so that it can be closed between requests. For worker.cpp and
// accept.cpp only.
#pragma once

#include <boost/intrusive/list_hook.hpp>

#include <utility>

#include "gateway/http1/server_connection.hpp"
#include "gateway/worker.hpp"

namespace sallyport::gateway {

struct Worker::Client : boost::intrusive::list_base_hook<> {
  Client(Stream::Socket socket, Deadlines& deadlines, const http1::ServerConnection::Host& host)
      : stream(std::move(socket), deadlines), connection(stream, host) {}

  // Nothing of a request has come: it can be closed without loss.
  bool waits_for_request() const { return served && connection.waiting(); }

  Stream stream;
  http1::ServerConnection connection;
  bool served = false;  // PROXY header and TLS are behind it
};

}  // namespace sallyport::gateway
