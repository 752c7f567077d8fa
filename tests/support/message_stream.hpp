// Reads HTTP/1.1 messages from a socket one by one and keeps every byte: what the client and the origin of
// the tests share.
#pragma once

#include <optional>
#include <string>

#include "tests/support/http_text.hpp"
#include "tests/support/socket.hpp"

namespace sallyport::testing {

class MessageStream {
 public:
  explicit MessageStream(int fd) : fd_(fd) {}  // borrowed

  // One head with its empty line, as received. Empty: the peer ended before it was whole (`pending()` has
  // what came). Throws when the deadline passes.
  std::string read_head(Deadline deadline);

  struct Body {
    std::string decoded;
    std::string raw;
    Headers trailers;
    bool complete = true;
  };
  Body read_length(std::size_t length, Deadline deadline);
  Body read_chunked(Deadline deadline);  // throws on malformed framing
  Body read_until_close(Deadline deadline);

  // Takes exactly `n` bytes, fewer when the connection ends before.
  std::string read_exactly(std::size_t n, Deadline deadline);
  // Takes up to and with `mark`; all that came when the connection ends before.
  std::string read_through(std::string_view mark, Deadline deadline);

  const std::string& pending() const { return buffer_; }  // received and not yet taken
  std::string take_pending() { return std::exchange(buffer_, {}); }
  Io ended() const { return ended_; }  // ok while the connection is open

 private:
  bool fill(Deadline deadline);  // false at the end of the connection
  std::string take(std::size_t n);

  int fd_;
  std::string buffer_;
  Io ended_ = Io::ok;
};

}  // namespace sallyport::testing
