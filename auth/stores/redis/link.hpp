// The byte stream of one connection: a TCP or Unix socket, under TLS where asked. Operations in flight keep
// it alive; close() makes them end. Thread: the executor's.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/stream.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "auth/stores/redis/topology.hpp"
#include "auth/task.hpp"
#include "config/config.hpp"

namespace sallyport::stores::redis {

class Link : public std::enable_shared_from_this<Link> {
 public:
  using error_code = boost::system::error_code;

  explicit Link(const net::any_io_executor& executor) : socket_(executor), resolver_(executor) {}

  // Tries every address of the name in turn, as the resolver orders them. nullopt: it is open; else why not.
  Task<std::optional<std::string>> open(Endpoint endpoint, const std::optional<config::StoreTls>& tls);

  struct Read {
    error_code ec;
    std::size_t size = 0;
  };
  Task<Read> read(net::mutable_buffer into);
  // All of it; the bytes must stay until `done` is called.
  void write(net::const_buffer bytes, std::function<void(error_code)> done);
  Task<error_code> write(net::const_buffer bytes);

  void close();

 private:
  Task<error_code> connect(const Endpoint& endpoint);
  Task<error_code> connect_tcp(const Endpoint& endpoint);

  using Socket = net::generic::stream_protocol::socket;
  Socket socket_;
  net::ip::tcp::resolver resolver_;
  bool closed_ = false;
  std::shared_ptr<net::ssl::context> context_;
  std::optional<net::ssl::stream<Socket&>> tls_;
};

}  // namespace sallyport::stores::redis
