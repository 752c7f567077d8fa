// WebSockets whose upstream echoes short text frames: for tests that look whether streams go on.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "tests/support/http_client.hpp"
#include "tests/support/origin.hpp"

namespace sallyport::testing {

inline const char* const kSwitch =
    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

inline std::string masked_frame(std::string_view text) {
  return "\x81" + std::string(1, static_cast<char>(0x80 | text.size())) + std::string(4, '\0') +
         std::string(text);
}
inline std::string plain_frame(std::string_view text) {
  return "\x81" + std::string(1, static_cast<char>(text.size())) + std::string(text);
}

// Echoes short text frames until the tunnel ends.
inline void echo_frames(Exchange& exchange) {
  exchange.send(kSwitch);
  for (;;) {
    const std::string head = exchange.stream().read_exactly(6, within());
    if (head.size() < 6) return;
    const auto size = static_cast<std::size_t>(head[1] & 0x7f);
    exchange.send(plain_frame(exchange.stream().read_exactly(size, within())));
  }
}

inline HttpConnection open_websocket(std::uint16_t port) {
  HttpConnection socket(port);
  socket.send(request_text("GET", "/open/ws",
                           {{"Connection", "Upgrade"},
                            {"Upgrade", "websocket"},
                            {"Sec-WebSocket-Version", "13"},
                            {"Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="}}));
  const auto response = socket.read_response();
  EXPECT_TRUE(response && response->status == 101);
  return socket;
}

inline bool echoes(HttpConnection& socket, const std::string& text) {
  if (socket.send(masked_frame(text)) != Io::ok) return false;
  return socket.stream().read_exactly(text.size() + 2, within()) == plain_frame(text);
}

}  // namespace sallyport::testing
