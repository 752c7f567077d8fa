// Framing of HTTP/1.1 bodies for tests: strict, and loud about anything unexpected.
#include "tests/support/message_stream.hpp"

#include <charconv>
#include <stdexcept>

namespace sallyport::testing {

bool MessageStream::fill(Deadline deadline) {
  if (ended_ != Io::ok) return false;
  Received received = receive_some(fd_, 65536, deadline);
  if (received.status == Io::timed_out)
    throw std::runtime_error("nothing more came in time; so far: " + buffer_);
  if (received.status != Io::ok) {
    ended_ = received.status;
    return false;
  }
  buffer_ += received.bytes;
  return true;
}

std::string MessageStream::take(std::size_t n) {
  std::string taken = buffer_.substr(0, n);
  buffer_.erase(0, n);
  return taken;
}

std::string MessageStream::read_through(std::string_view mark, Deadline deadline) {
  std::size_t from = 0;
  for (;;) {
    std::size_t at = buffer_.find(mark, from);
    if (at != buffer_.npos) return take(at + mark.size());
    from = buffer_.size() < mark.size() ? 0 : buffer_.size() - mark.size() + 1;
    if (!fill(deadline)) return take_pending();
  }
}

std::string MessageStream::read_head(Deadline deadline) {
  while (buffer_.find("\r\n\r\n") == buffer_.npos)
    if (!fill(deadline)) return {};
  return read_through("\r\n\r\n", deadline);
}

std::string MessageStream::read_exactly(std::size_t n, Deadline deadline) {
  while (buffer_.size() < n)
    if (!fill(deadline)) break;
  return take(n);
}

MessageStream::Body MessageStream::read_length(std::size_t length, Deadline deadline) {
  Body body;
  body.raw = read_exactly(length, deadline);
  body.decoded = body.raw;
  body.complete = body.raw.size() == length;
  return body;
}

MessageStream::Body MessageStream::read_chunked(Deadline deadline) {
  Body body;
  auto line = [&] {
    std::string text = read_through("\r\n", deadline);
    body.raw += text;
    if (!text.ends_with("\r\n")) body.complete = false;
    return text;
  };
  for (;;) {
    std::string size_line = line();
    if (!body.complete) return body;
    std::size_t size = 0;
    auto [end, error] = std::from_chars(size_line.data(), size_line.data() + size_line.size(), size, 16);
    if (error != std::errc{} || (*end != '\r' && *end != ';'))
      throw std::runtime_error("a bad chunk size: " + size_line);
    if (size == 0) break;
    std::string data = read_exactly(size + 2, deadline);
    body.raw += data;
    if (data.size() < size + 2) {
      body.decoded += data.substr(0, size);
      body.complete = false;
      return body;
    }
    if (!data.ends_with("\r\n")) throw std::runtime_error("a chunk that is longer than its size says");
    body.decoded.append(data, 0, size);
  }
  std::string trailers;
  for (;;) {
    std::string text = line();
    if (!body.complete) return body;
    if (text == "\r\n") break;
    trailers += text;
  }
  body.trailers = parse_head("trailers\r\n" + trailers + "\r\n").headers;
  return body;
}

MessageStream::Body MessageStream::read_until_close(Deadline deadline) {
  while (fill(deadline)) {
  }
  Body body;
  body.raw = take_pending();
  body.decoded = body.raw;
  body.complete = ended_ == Io::closed;
  return body;
}

}  // namespace sallyport::testing
