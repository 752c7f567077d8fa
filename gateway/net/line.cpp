#include "gateway/net/line.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <new>

namespace sallyport::gateway {
namespace {

using Direction = Readiness::Direction;

Line& line_of(BIO* bio) { return *static_cast<Line*>(BIO_get_data(bio)); }

int read_bio(BIO* bio, char* data, std::size_t size, std::size_t* got) {
  BIO_clear_retry_flags(bio);
  const IoResult result = line_of(bio).receive({data, size});
  *got = result.bytes;
  if (result.would_block()) BIO_set_retry_read(bio);
  if (result.ec != net::error::eof) return result.ec ? -1 : 1;
  BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
  return 0;
}

int write_bio(BIO* bio, const char* data, std::size_t size, std::size_t* sent) {
  BIO_clear_retry_flags(bio);
  const iovec piece{const_cast<char*>(data), size};
  const IoResult result = line_of(bio).send({&piece, 1});
  *sent = result.bytes;
  if (result.would_block()) BIO_set_retry_write(bio);
  return result.ec ? -1 : 1;  // OpenSSL 3.2 to 3.5 take a 0 for success
}

long control_bio(BIO* bio, int what, long, void*) {
  if (what == BIO_CTRL_EOF) return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0;
  return what == BIO_CTRL_FLUSH || what == BIO_CTRL_DUP;
}

BIO_METHOD* bio_method() {
  static BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "line");
    if (made == nullptr) throw std::bad_alloc();
    BIO_meth_set_read_ex(made, read_bio);
    BIO_meth_set_write_ex(made, write_bio);
    BIO_meth_set_ctrl(made, control_bio);
    return made;
  }();
  return method;
}

}  // namespace

IoResult from_errno() {
  const int code = errno;
  if (code == EAGAIN || code == EWOULDBLOCK) return {0, net::error::would_block};
  return {0, error_code(code, boost::system::system_category())};
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

// Heads and bodies leave in as few writes as possible already: waiting for an acknowledgement would only add
// 40 ms.
void set_no_delay(const Socket& socket) {
  const int on = 1;
  ::setsockopt(socket.native_handle(), IPPROTO_TCP, TCP_NODELAY, &on,
               sizeof on);  // fails on Unix sockets: fine
}

IoResult Line::receive(std::span<char> into) {
  for (;;) {
    const ssize_t got = ::recv(socket.native_handle(), into.data(), into.size(), 0);
    if (got > 0) {
      // Less than there was room for: that was all (epoll(7), question 9).
      if (static_cast<std::size_t>(got) < into.size()) entry.exhausted(Direction::read);
      return {static_cast<std::size_t>(got), {}};
    }
    if (got == 0) return {0, net::error::eof};
    if (errno == EINTR) continue;
    const IoResult failed = from_errno();
    if (failed.would_block()) entry.exhausted(Direction::read);
    return failed;
  }
}

IoResult Line::send(std::span<const iovec> pieces) {
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(pieces.data());
  message.msg_iovlen = pieces.size();
  for (;;) {
    // One piece, as a head without a body is, needs no message's header to be copied in.
    const ssize_t sent = pieces.size() == 1 ? ::send(socket.native_handle(), pieces[0].iov_base,
                                                     pieces[0].iov_len, MSG_NOSIGNAL)
                                            : ::sendmsg(socket.native_handle(), &message, MSG_NOSIGNAL);
    if (sent >= 0) return {static_cast<std::size_t>(sent), {}};
    if (errno == EINTR) continue;
    const IoResult failed = from_errno();
    if (failed.would_block()) entry.exhausted(Direction::write);
    return failed;
  }
}

IoResult Line::peek(std::span<char> into) {
  const ssize_t got = ::recv(socket.native_handle(), into.data(), into.size(), MSG_PEEK | MSG_DONTWAIT);
  if (got > 0) return {static_cast<std::size_t>(got), {}};
  if (got == 0) return {0, net::error::eof};
  if (errno == EINTR) return {0, net::error::would_block};
  const IoResult failed = from_errno();
  if (failed.would_block()) entry.exhausted(Direction::read);
  return failed;
}

Bio make_bio(Line& line) {
  Bio bio(BIO_new(bio_method()));
  if (!bio) throw std::bad_alloc();
  BIO_set_data(bio.get(), &line);
  BIO_set_init(bio.get(), 1);
  return bio;
}

}  // namespace sallyport::gateway
