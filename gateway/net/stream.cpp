#include "gateway/net/stream.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

namespace sallyport::gateway {
namespace {

IoResult from_errno() {
  const int code = errno;
  if (code == EAGAIN || code == EWOULDBLOCK) return {0, net::error::would_block};
  return {0, error_code(code, boost::system::system_category())};
}

}  // namespace

// Heads and bodies leave in as few writes as possible already: waiting for an acknowledgement would only add
// 40 ms.
void set_no_delay(Stream::Socket& socket) {
  const int on = 1;
  ::setsockopt(socket.native_handle(), IPPROTO_TCP, TCP_NODELAY, &on,
               sizeof on);  // fails on Unix sockets: fine
}

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

Stream::Stream(Socket socket, Deadlines& deadlines) : socket_(std::move(socket)), deadlines_(deadlines) {
  error_code ignored;
  socket_.native_non_blocking(true, ignored);
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

Task<error_code> Stream::connect(Socket::endpoint_type endpoint) {
  auto [ec] = co_await socket_.async_connect(endpoint, kAwait);
  if (write_deadline_.passed) co_return net::error::timed_out;
  if (!ec) set_no_delay(socket_);
  co_return ec;
}

Task<error_code> Stream::handshake(Ssl ssl) {
  ssl_ = std::move(ssl);
  SSL_set_fd(ssl_.get(), socket_.native_handle());
  SSL_set_mode(ssl_.get(), SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                               SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  for (;;) {
    ERR_clear_error();
    const int returned = SSL_do_handshake(ssl_.get());
    if (returned == 1) co_return error_code{};
    const int reason = SSL_get_error(ssl_.get(), returned);
    error_code ec;
    if (reason == SSL_ERROR_WANT_READ)
      ec = co_await wait(Socket::wait_read, write_deadline_);
    else if (reason == SSL_ERROR_WANT_WRITE)
      ec = co_await wait(Socket::wait_write, write_deadline_);
    else
      ec = net::error::connection_aborted;
    if (ec) co_return ec;
  }
}

IoResult Stream::tls_result(int returned) {
  switch (SSL_get_error(ssl_.get(), returned)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
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

IoResult Stream::try_read(std::span<char> into) {
  if (!ssl_) {
    for (;;) {
      const ssize_t got = ::recv(socket_.native_handle(), into.data(), into.size(), 0);
      if (got > 0) return {static_cast<std::size_t>(got), {}};
      if (got == 0) return {0, net::error::eof};
      if (errno != EINTR) return from_errno();
    }
  }
  ERR_clear_error();
  errno = 0;
  std::size_t got = 0;
  const int returned = SSL_read_ex(ssl_.get(), into.data(), into.size(), &got);
  if (returned == 1) return {got, {}};
  want_write_to_read_ = SSL_want_write(ssl_.get());
  return tls_result(returned);
}

IoResult Stream::try_write(std::span<const iovec> pieces) {
  if (!ssl_) {
    msghdr message{};
    message.msg_iov = const_cast<iovec*>(pieces.data());
    message.msg_iovlen = pieces.size();
    for (;;) {
      const ssize_t sent = ::sendmsg(socket_.native_handle(), &message, MSG_NOSIGNAL);
      if (sent >= 0) return {static_cast<std::size_t>(sent), {}};
      if (errno != EINTR) return from_errno();
    }
  }
  std::size_t total = 0;
  for (const iovec& piece : pieces) {
    std::size_t done = 0;
    while (done < piece.iov_len) {
      ERR_clear_error();
      errno = 0;
      std::size_t sent = 0;
      const int returned =
          SSL_write_ex(ssl_.get(), static_cast<char*>(piece.iov_base) + done, piece.iov_len - done, &sent);
      if (returned != 1) {
        want_read_to_write_ = SSL_want_read(ssl_.get());
        const IoResult result = tls_result(returned);
        return total > 0 && result.would_block() ? IoResult{total, {}} : IoResult{total, result.ec};
      }
      done += sent;
      total += sent;
    }
  }
  return {total, {}};
}

Task<error_code> Stream::wait(Socket::wait_type what, const Expiry& expiry) {
  if (expiry.passed) co_return net::error::timed_out;
  auto [ec] = co_await socket_.async_wait(what, kAwait);
  if (expiry.passed) co_return net::error::timed_out;
  co_return ec;
}

Task<error_code> Stream::wait_readable() {
  if (ssl_ && SSL_pending(ssl_.get()) > 0) co_return error_code{};
  const auto what = std::exchange(want_write_to_read_, false) ? Socket::wait_write : Socket::wait_read;
  co_return co_await wait(what, read_deadline_);
}

Task<error_code> Stream::wait_writable() {
  const auto what = std::exchange(want_read_to_write_, false) ? Socket::wait_read : Socket::wait_write;
  co_return co_await wait(what, write_deadline_);
}

Task<IoResult> Stream::read_some(std::span<char> into) {
  for (;;) {
    const IoResult result = try_read(into);
    if (!result.would_block()) co_return result;
    if (const error_code ec = co_await wait_readable()) co_return IoResult{0, ec};
  }
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

Stream::Idle Stream::peek() const {
  char byte = 0;
  if (ssl_) {
    // What lies in the socket may be a session ticket, which nobody asked for and which says nothing: only
    // OpenSSL can tell, and takes it along.
    ERR_clear_error();
    std::size_t got = 0;
    if (SSL_peek_ex(ssl_.get(), &byte, 1, &got) == 1) return Idle::has_bytes;
    return SSL_want_read(ssl_.get()) ? Idle::quiet : Idle::closed;
  }
  const ssize_t got = ::recv(const_cast<Socket&>(socket_).native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  if (got > 0) return Idle::has_bytes;
  if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return Idle::quiet;
  return Idle::closed;
}

void Stream::cancel() {
  error_code ignored;
  socket_.cancel(ignored);
}

void Stream::shutdown_send() {
  if (ssl_) {
    ERR_clear_error();
    SSL_shutdown(ssl_.get());
  }
  error_code ignored;
  socket_.shutdown(Socket::shutdown_send, ignored);
}

void Stream::reset() {
  error_code ignored;
  socket_.set_option(net::socket_base::linger(true, 0), ignored);
  close();
}

void Stream::close() {
  read_deadline_.disarm();
  write_deadline_.disarm();
  error_code ignored;
  socket_.close(ignored);
}

}  // namespace sallyport::gateway
