#include "gateway/net/stream.hpp"

#include <fcntl.h>
#include <openssl/err.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace sallyport::gateway {
namespace {

// What the next record is made of, from `offset` of the first piece: that piece alone where it fills one or
// is the last, otherwise as much as fits, one behind the other in `room`. The same pieces give the same
// record again, which OpenSSL asks of who tries again.
std::span<const char> next_record(std::span<const iovec> pieces, std::size_t offset, std::span<char> room) {
  const char* from = static_cast<const char*>(pieces.front().iov_base) + offset;
  std::size_t size = pieces.front().iov_len - offset;
  if (pieces.size() == 1 || size >= room.size()) return {from, size};
  std::size_t filled = 0;
  for (;;) {
    const std::size_t fits = std::min(size, room.size() - filled);
    std::copy_n(from, fits, room.data() + filled);
    filled += fits;
    pieces = pieces.subspan(1);
    if (filled == room.size() || pieces.empty()) return room.first(filled);
    from = static_cast<const char*>(pieces.front().iov_base);
    size = pieces.front().iov_len;
  }
}

}  // namespace

std::span<iovec> advance(std::span<iovec> pieces, std::size_t bytes) {
  while (!pieces.empty() && bytes >= pieces.front().iov_len) {
    bytes -= pieces.front().iov_len;
    pieces = pieces.subspan(1);
  }
  if (bytes > 0) {
    pieces.front().iov_base = static_cast<char*>(pieces.front().iov_base) + bytes;
    pieces.front().iov_len -= bytes;
  }
  return pieces;
}

Stream::Stream(Socket socket, Deadlines& deadlines) : line_(std::move(socket)), deadlines_(deadlines) {
  const int flags = ::fcntl(line_.socket.native_handle(), F_GETFL);
  if (flags >= 0 && (flags & O_NONBLOCK) == 0)
    ::fcntl(line_.socket.native_handle(), F_SETFL, flags | O_NONBLOCK);
}

Stream::~Stream() { close(); }

void Stream::Expiry::expire() {
  passed = true;
  stream.cancel();
}

void Stream::set(Expiry& expiry, SteadyTime due) {
  expiry.passed = false;
  due = std::min(due, latest_);
  if (due == SteadyTime::max())
    expiry.disarm();
  else
    expiry.arm(deadlines_, due);
}

// The socket is entered only now: one that never was connected is over at once, for epoll.
Task<error_code> Stream::connect(Socket::Endpoint endpoint) {
  const int started =
      ::connect(line_.socket.native_handle(), endpoint.data(), static_cast<socklen_t>(endpoint.size()));
  if (started != 0) {
    if (errno != EINPROGRESS && errno != EINTR) co_return error_code{errno, boost::system::system_category()};
    line_.entry.unproven();
    const error_code ec = co_await wait(Readiness::Direction::write, write_deadline_);
    if (ec) co_return ec;
    int failed = 0;
    socklen_t size = sizeof failed;
    ::getsockopt(line_.socket.native_handle(), SOL_SOCKET, SO_ERROR, &failed, &size);
    if (failed != 0) co_return error_code{failed, boost::system::system_category()};
  }
  set_no_delay(line_.socket);
  co_return error_code{};
}

Task<error_code> Stream::handshake(Ssl ssl) {
  ssl_ = std::move(ssl);
  Bio bio = make_bio(line_);
  BIO_up_ref(bio.get());  // one for each direction
  SSL_set0_rbio(ssl_.get(), bio.get());
  SSL_set0_wbio(ssl_.get(), bio.release());
  SSL_set_read_ahead(ssl_.get(), 1);  // a record's head and its body by one call
  SSL_set_mode(ssl_.get(), SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                               SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  for (;;) {
    ERR_clear_error();
    const int returned = SSL_do_handshake(ssl_.get());
    if (returned == 1) {
      holds_more_ = SSL_has_pending(ssl_.get()) == 1;  // the request may have come along
      co_return error_code{};
    }
    const int reason = SSL_get_error(ssl_.get(), returned);
    error_code ec;
    if (reason == SSL_ERROR_WANT_READ) {
      line_.entry.exhausted(Readiness::Direction::read);
      ec = co_await wait(Readiness::Direction::read, write_deadline_);
    } else if (reason == SSL_ERROR_WANT_WRITE) {
      line_.entry.exhausted(Readiness::Direction::write);
      ec = co_await wait(Readiness::Direction::write, write_deadline_);
    } else {
      ec = net::error::connection_aborted;
    }
    if (ec) co_return ec;
  }
}

IoResult Stream::tls_result(int returned) {
  switch (SSL_get_error(ssl_.get(), returned)) {
    case SSL_ERROR_WANT_READ:
      line_.entry.exhausted(Readiness::Direction::read);
      return {0, net::error::would_block};
    case SSL_ERROR_WANT_WRITE:
      line_.entry.exhausted(Readiness::Direction::write);
      return {0, net::error::would_block};
    case SSL_ERROR_ZERO_RETURN:
      return {0, net::error::eof};
    case SSL_ERROR_SYSCALL:
      if (errno != 0) return from_errno();
      [[fallthrough]];
    default:
      // Includes a TCP end without close_notify: the message was cut, never a clean end.
      return {0, net::error::connection_reset};
  }
}

IoResult Stream::try_read(std::span<char> into) { return ssl_ ? tls_read(into) : line_.receive(into); }

IoResult Stream::try_write(std::span<const iovec> pieces) {
  return ssl_ ? tls_write(pieces) : line_.send(pieces);
}

IoResult Stream::tls_read(std::span<char> into) {
  ERR_clear_error();
  errno = 0;
  std::size_t got = 0;
  const int returned = SSL_read_ex(ssl_.get(), into.data(), into.size(), &got);
  // What is left after a read that gave nothing is part of a record.
  holds_more_ = returned == 1 && SSL_has_pending(ssl_.get()) == 1;
  if (returned == 1) return {got, {}};
  want_write_to_read_ = SSL_want_write(ssl_.get());
  return tls_result(returned);
}

IoResult Stream::tls_write(std::span<const iovec> pieces) {
  std::array<char, SSL3_RT_MAX_PLAIN_LENGTH> room;
  std::size_t total = 0;
  for (std::size_t offset = 0;;) {
    for (; !pieces.empty() && offset >= pieces.front().iov_len; pieces = pieces.subspan(1))
      offset -= pieces.front().iov_len;
    if (pieces.empty()) return {total, {}};
    const std::span<const char> record = next_record(pieces, offset, room);
    ERR_clear_error();
    errno = 0;
    std::size_t sent = 0;
    const int returned = SSL_write_ex(ssl_.get(), record.data(), record.size(), &sent);
    if (returned != 1) {
      want_read_to_write_ = SSL_want_read(ssl_.get());
      const IoResult result = tls_result(returned);
      return total > 0 && result.would_block() ? IoResult{total, {}} : IoResult{total, result.ec};
    }
    total += sent;
    offset += sent;
  }
}

IoResult Stream::try_peek(std::span<char> into) { return line_.peek(into); }

// What a deadline or a close has decided already isn't waited for.
bool Stream::Wait::await_ready() {
  if (needless_ || expiry_.passed) return true;
  if (!stream_.is_open())
    ec_ = net::error::operation_aborted;
  else if (!stream_.line_.entry.entered())
    ec_ = stream_.line_.entry.enter(stream_.line_.socket.executor(), stream_.line_.socket.native_handle());
  return ec_ || stream_.line_.entry.ready(what_);
}

Stream::Wait Stream::wait(Readiness::Direction what, const Expiry& expiry) {
  return {*this, what, expiry, false};
}

Stream::Wait Stream::wait_readable() {
  const auto what =
      std::exchange(want_write_to_read_, false) ? Readiness::Direction::write : Readiness::Direction::read;
  return {*this, what, read_deadline_, holds_more_};
}

Stream::Wait Stream::wait_writable() {
  const auto what =
      std::exchange(want_read_to_write_, false) ? Readiness::Direction::read : Readiness::Direction::write;
  return wait(what, write_deadline_);
}

// What is known to be empty isn't asked again.
Task<IoResult> Stream::read_some(std::span<char> into) {
  IoResult result = known_quiet() ? IoResult{0, net::error::would_block} : try_read(into);
  while (result.would_block()) {
    if (const error_code ec = co_await wait_readable()) co_return IoResult{0, ec};
    result = try_read(into);
  }
  co_return result;
}

Task<error_code> Stream::write_all(std::span<iovec> pieces) {
  for (;;) {
    const IoResult result = try_write(pieces);
    if (result.ec && !result.would_block()) co_return result.ec;
    pieces = advance(pieces, result.bytes);
    if (pieces.empty()) co_return error_code{};
    if (const error_code ec = co_await wait_writable()) co_return ec;
  }
}

Stream::Idle Stream::peek() {
  char byte = 0;
  if (ssl_) {
    // What lies in the socket may be a session ticket, which nobody asked for and which says nothing: only
    // OpenSSL can tell, and takes it along.
    ERR_clear_error();
    std::size_t got = 0;
    const int returned = SSL_peek_ex(ssl_.get(), &byte, 1, &got);
    holds_more_ = returned == 1;
    if (holds_more_) return Idle::has_bytes;
    return SSL_get_error(ssl_.get(), returned) == SSL_ERROR_WANT_READ ? Idle::quiet : Idle::closed;
  }
  const IoResult peeked = line_.peek({&byte, 1});
  if (peeked.bytes > 0) return Idle::has_bytes;
  return peeked.would_block() ? Idle::quiet : Idle::closed;
}

void Stream::cancel() { line_.entry.cancel(); }

void Stream::shutdown_send() {
  if (ssl_) {
    ERR_clear_error();
    SSL_shutdown(ssl_.get());
  }
  ::shutdown(line_.socket.native_handle(), SHUT_WR);
}

void Stream::reset() {
  const linger at_once{1, 0};
  ::setsockopt(line_.socket.native_handle(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  close();
}

void Stream::close() {
  read_deadline_.disarm();
  write_deadline_.disarm();
  line_.entry.leave();
  line_.socket.close();
}

}  // namespace sallyport::gateway
