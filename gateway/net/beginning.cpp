// See beginning.hpp.
#include "gateway/net/beginning.hpp"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <string>

namespace sallyport::gateway {
namespace {

constexpr unsigned char kHandshakeRecord = 0x16;  // RFC 8446 5.1
constexpr std::string_view kPlainHttp =
    "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: 34\r\nConnection: close\r\n\r\n"
    "This port speaks https, not http.\n";

// What the socket holds, left in it; 0: nothing now, -1: it has ended.
ssize_t peek(Stream& stream, std::span<char> into) {
  const IoResult got = stream.try_peek(into);
  if (got.would_block()) return 0;
  return got.ec ? -1 : static_cast<ssize_t>(got.bytes);
}

}  // namespace

Task<ProxyHeader> read_proxy_header(Stream& stream, SteadyTime due) {
  std::string header;
  stream.read_until(due);
  for (;;) {
    if (const error_code ec = co_await stream.wait_readable()) co_return ProxyHeader{};
    const std::size_t had = header.size();
    header.resize(kMaxProxyHeader);
    const ssize_t got = peek(stream, std::span(header).subspan(had));
    if (got < 0) co_return ProxyHeader{};
    header.resize(had + static_cast<std::size_t>(got));
    const ProxyHeader read = gateway::read_proxy_header(header);
    if (read.state == ProxyHeader::State::refused) co_return read;
    // Bytes of a header that isn't whole belong to it and can be taken; of a whole one only its own.
    const bool whole = read.state == ProxyHeader::State::complete;
    const std::size_t take = (whole ? read.consumed : header.size()) - had;
    if (stream.try_read(std::span(header).subspan(had, take)).ec && take > 0) co_return ProxyHeader{};
    if (whole) co_return read;
  }
}

Task<error_code> accept_tls(Stream& stream, std::shared_ptr<const TlsServer> server, SteadyTime due) {
  stream.read_until(due);
  stream.write_until(due);
  if (const error_code ec = co_await stream.wait_readable()) co_return ec;
  char first = 0;
  if (peek(stream, {&first, 1}) == 1 && static_cast<unsigned char>(first) != kHandshakeRecord) {
    std::array<char, 4096> unread;
    (void)stream.try_read(unread);  // what stays unread would turn the close into a reset
    const iovec answer = piece_of(kPlainHttp);
    (void)stream.try_write({&answer, 1});
    co_return net::error::no_protocol_option;
  }
  Ssl ssl = server->accept();
  if (!ssl) co_return net::error::no_memory;
  const error_code ec = co_await stream.handshake(std::move(ssl));
  stream.write_until(SteadyTime::max());
  co_return ec;
}

}  // namespace sallyport::gateway
