// The client of the tests: sends exactly the bytes that a test wrote and shows exactly what came back.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "tests/support/http_text.hpp"
#include "tests/support/message_stream.hpp"
#include "tests/support/socket.hpp"

namespace sallyport::testing {

// One connection.
class HttpConnection {
 public:
  explicit HttpConnection(std::uint16_t port) : fd_(connect_tcp(port)), stream_(fd_.get()) {}

  Io send(std::string_view bytes, Deadline deadline = within()) {
    return send_all(fd_.get(), bytes, deadline);
  }

  // The next message, an interim (1xx) one too; nothing when the connection ended before any byte of it.
  // `to_head`: it answers a HEAD. Throws when it isn't HTTP or doesn't come in time.
  std::optional<Response> read_response(bool to_head = false, Deadline deadline = within());

  // Sends and reads the final response (interim ones skipped). Throws when there is none.
  Response exchange(std::string_view request, Deadline deadline = within());

  // One whole request with Host, Content-Length where there is a body, and what `headers` adds.
  Response request(std::string_view method, std::string_view target, const Headers& headers = {},
                   std::string_view body = {}, Deadline deadline = within());

  // Did the other side end the connection (orderly or by a reset) before the deadline? Bytes that came are
  // kept.
  bool closed_by_peer(std::chrono::milliseconds time = kPatience);
  // Nothing has arrived and the connection still stands, right now.
  bool quiet_and_open();

  void end_writing();  // FIN, the reading side stays open
  void abort();        // RST
  void close() { fd_.reset(); }

  MessageStream& stream() { return stream_; }
  int fd() const { return fd_.get(); }

 private:
  Fd fd_;
  MessageStream stream_;
};

// A request as text: start line, `Host: test.example` unless given, headers, Content-Length where there is a
// body.
std::string request_text(std::string_view method, std::string_view target, const Headers& headers = {},
                         std::string_view body = {});

// Each call on a connection of its own.
class HttpClient {
 public:
  explicit HttpClient(std::uint16_t port, Headers always = {}) : port_(port), always_(std::move(always)) {}

  Response get(std::string_view target, const Headers& headers = {}) const {
    return call("GET", target, headers);
  }
  Response del(std::string_view target, const Headers& headers = {}) const {
    return call("DELETE", target, headers);
  }
  Response post(std::string_view target, std::string_view json = {}, const Headers& headers = {}) const;
  Response call(std::string_view method, std::string_view target, const Headers& headers = {},
                std::string_view body = {}) const;

 private:
  std::uint16_t port_;
  Headers always_;
};

inline Headers bearer(std::string_view token) { return {{"Authorization", "Bearer " + std::string(token)}}; }

}  // namespace sallyport::testing
