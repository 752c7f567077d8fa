// The small API that the demo puts behind the gateway. It knows nothing of tokens: it shows what reached it.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <cstdint>

namespace sallyport::demo {

//   GET  /public/hello   for everybody
//   GET  /api/orders     a list;  POST adds the body to it
//   GET  /api/whoami     method, target and all headers as they arrived
//   GET  /api/events     one event per second (text/event-stream) until the reader leaves
class DemoApi {
 public:
  // Listens on 127.0.0.1 on a port that the kernel picks; serves on `io` as long as that runs.
  explicit DemoApi(boost::asio::io_context& io);
  std::uint16_t port() const { return port_; }

 private:
  boost::asio::ip::tcp::acceptor acceptor_;
  std::uint16_t port_;
};

}  // namespace sallyport::demo
