#include "gateway/net/stream.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <sys/socket.h>
#include <unistd.h>

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
void set_no_delay(const Socket& socket) {
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

error_code Socket::open(const net::generic::stream_protocol& protocol) {
  close();
  descriptor_ =
      ::socket(protocol.family(), protocol.type() | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol.protocol());
  return is_open() ? error_code{} : error_code{errno, boost::system::system_category()};
}

void Socket::close() {
  if (is_open()) ::close(std::exchange(descriptor_, -1));
}

Stream::Stream(Socket socket, Deadlines& deadlines) : socket_(std::move(socket)), deadlines_(deadlines) {
  const int flags = ::fcntl(socket_.native_handle(), F_GETFL);
  if (flags >= 0 && (flags & O_NONBLOCK) == 0) ::fcntl(socket_.native_handle(), F_SETFL, flags | O_NONBLOCK);
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
      ::connect(socket_.native_handle(), endpoint.data(), static_cast<socklen_t>(endpoint.size()));
  if (started != 0) {
    if (errno != EINPROGRESS && errno != EINTR) co_return error_code{errno, boost::system::system_category()};
    entry_.unproven();
    const error_code ec = co_await wait(Readiness::Direction::write, write_deadline_);
    if (ec) co_return ec;
    int failed = 0;
    socklen_t size = sizeof failed;
    ::getsockopt(socket_.native_handle(), SOL_SOCKET, SO_ERROR, &failed, &size);
    if (failed != 0) co_return error_code{failed, boost::system::system_category()};
  }
  set_no_delay(socket_);
  co_return error_code{};
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
    if (reason == SSL_ERROR_WANT_READ) {
      entry_.exhausted(Readiness::Direction::read);
      ec = co_await wait(Readiness::Direction::read, write_deadline_);
    } else if (reason == SSL_ERROR_WANT_WRITE) {
      entry_.exhausted(Readiness::Direction::write);
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
      entry_.exhausted(Readiness::Direction::read);
      return {0, net::error::would_block};
    case SSL_ERROR_WANT_WRITE:
      entry_.exhausted(Readiness::Direction::write);
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
      if (got > 0) {
        // Less than there was room for: that was all (epoll(7), question 9).
        if (static_cast<std::size_t>(got) < into.size()) entry_.exhausted(Readiness::Direction::read);
        return {static_cast<std::size_t>(got), {}};
      }
      if (got == 0) return {0, net::error::eof};
      if (errno == EINTR) continue;
      const IoResult failed = from_errno();
      if (failed.would_block()) entry_.exhausted(Readiness::Direction::read);
      return failed;
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
      if (errno == EINTR) continue;
      const IoResult failed = from_errno();
      if (failed.would_block()) entry_.exhausted(Readiness::Direction::write);
      return failed;
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

IoResult Stream::try_peek(std::span<char> into) {
  const ssize_t got = ::recv(socket_.native_handle(), into.data(), into.size(), MSG_PEEK);
  if (got > 0) return {static_cast<std::size_t>(got), {}};
  if (got == 0) return {0, net::error::eof};
  if (errno == EINTR) return {0, net::error::would_block};
  const IoResult failed = from_errno();
  if (failed.would_block()) entry_.exhausted(Readiness::Direction::read);
  return failed;
}

// What a deadline or a close has decided already isn't waited for.
bool Stream::Wait::await_ready() {
  if (needless_ || expiry_.passed) return true;
  if (!stream_.is_open())
    ec_ = net::error::operation_aborted;
  else if (!stream_.entry_.entered())
    ec_ = stream_.entry_.enter(stream_.socket_.executor(), stream_.socket_.native_handle());
  return ec_ || stream_.entry_.ready(what_);
}

Stream::Wait Stream::wait(Readiness::Direction what, const Expiry& expiry) {
  return {*this, what, expiry, false};
}

Stream::Wait Stream::wait_readable() {
  const bool decrypted = ssl_ && SSL_pending(ssl_.get()) > 0;
  const auto what =
      std::exchange(want_write_to_read_, false) ? Readiness::Direction::write : Readiness::Direction::read;
  return {*this, what, read_deadline_, decrypted};
}

Stream::Wait Stream::wait_writable() {
  const auto what =
      std::exchange(want_read_to_write_, false) ? Readiness::Direction::read : Readiness::Direction::write;
  return wait(what, write_deadline_);
}

// What is known to be empty isn't asked again.
Task<IoResult> Stream::read_some(std::span<char> into) {
  for (;;) {
    const IoResult result = known_quiet() ? IoResult{0, net::error::would_block} : try_read(into);
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
  const ssize_t got = ::recv(socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  if (got > 0) return Idle::has_bytes;
  if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return Idle::quiet;
  return Idle::closed;
}

void Stream::cancel() { entry_.cancel(); }

void Stream::shutdown_send() {
  if (ssl_) {
    ERR_clear_error();
    SSL_shutdown(ssl_.get());
  }
  ::shutdown(socket_.native_handle(), SHUT_WR);
}

void Stream::reset() {
  const linger at_once{1, 0};
  ::setsockopt(socket_.native_handle(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  close();
}

void Stream::close() {
  read_deadline_.disarm();
  write_deadline_.disarm();
  entry_.leave();
  socket_.close();
}

}  // namespace sallyport::gateway
