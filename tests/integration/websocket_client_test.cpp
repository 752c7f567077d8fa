// A WebSocket through the gateway with a client and a server that share nothing with it: Boost.Beast's on
// both ends.
#include <gtest/gtest.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket.hpp>
#include <thread>

#include "tests/support/gateway_process.hpp"
#include "tests/support/process.hpp"

namespace sallyport::testing {
namespace {

namespace net = boost::asio;
namespace beast = boost::beast;
using tcp = net::ip::tcp;
using WebSocket = beast::websocket::stream<tcp::socket>;

// Says back what it hears until its one client closes.
void echo(tcp::acceptor& acceptor) {
  WebSocket socket(acceptor.accept());
  socket.read_message_max(0);
  socket.accept();
  beast::error_code ec;
  while (!ec) {
    beast::flat_buffer message;
    socket.read(message, ec);
    if (ec) break;
    socket.text(socket.got_text());
    socket.write(message.data(), ec);
  }
  EXPECT_EQ(ec, beast::websocket::error::closed);
}

TEST(WebSocketClient, OfBoostBeastTalksToItsServerThroughTheGateway) {
  net::io_context context;
  tcp::acceptor acceptor(context, {net::ip::make_address("127.0.0.1"), 0});
  std::thread server([&] { echo(acceptor); });
  GatewayProcess gateway(
      SALLYPORT_BINARY,
      "listeners: [{address: \"127.0.0.1:0\"}]\nstore: \"memory:\"\nupstreams: {ws: {servers: "
      "[\"http://127.0.0.1:" +
          std::to_string(acceptor.local_endpoint().port()) +
          "\"]}}\nroutes: [{path: /ws, upstream: ws, auth: none}]\n");
  WebSocket client(context);
  client.next_layer().connect({net::ip::make_address("127.0.0.1"), gateway.port()});
  client.read_message_max(0);
  client.handshake("test.example", "/ws");
  for (const std::size_t size : {std::size_t{5}, std::size_t{70'000}, std::size_t{4} << 20}) {
    const std::string sent(size, 'w');
    client.binary(size > 5);
    client.write(net::buffer(sent));
    beast::flat_buffer received;
    client.read(received);
    EXPECT_EQ(beast::buffers_to_string(received.data()), sent);
    EXPECT_EQ(client.got_binary(), size > 5);
  }
  client.close(beast::websocket::close_code::normal);
  server.join();
}

TEST(WebSocketClient, OfNodeTalksToItsServerAndHearsOfTheLogout) {
  const Outcome outcome = run({"node", SALLYPORT_TEST_DATA "/node/websocket_test.js", SALLYPORT_BINARY});
  EXPECT_EQ(outcome.code, 0) << outcome.out << outcome.err;
}

}  // namespace
}  // namespace sallyport::testing
