// One connected byte stream, plain, Unix or TLS: non-blocking attempts as plain functions, waiting as a
// coroutine. A deadline each for reading and writing; when one passes, what waits ends with `timed_out`. One
// thread.
#pragma once

#include <openssl/ssl.h>
#include <sys/uio.h>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/system/error_code.hpp>

#include <memory>
#include <span>
#include <string_view>

#include "auth/task.hpp"
#include "gateway/net/deadlines.hpp"

namespace sallyport::gateway {

using boost::system::error_code;

struct IoResult {
  std::size_t bytes = 0;
  error_code ec;  // would_block: nothing to be had now; net::error::eof: the peer is done sending
  bool would_block() const { return ec == net::error::would_block; }
};

struct SslFree {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
};
using Ssl = std::unique_ptr<SSL, SslFree>;

class Stream {
 public:
  using Socket = net::generic::stream_protocol::socket;

  Stream(Socket socket, Deadlines& deadlines);  // makes the socket non-blocking
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  // Connects an opened socket; ends at the write deadline.
  Task<error_code> connect(Socket::endpoint_type endpoint);

  // Turns the stream into TLS; `ssl` is fresh and in accept or connect state. Ends at the write deadline.
  Task<error_code> handshake(Ssl ssl);

  IoResult try_read(std::span<char> into);
  IoResult try_write(std::span<const iovec> pieces);

  // Waits until a read may give something. With TLS: if bytes are already decrypted it returns at once.
  Task<error_code> wait_readable();
  Task<error_code> wait_writable();

  // At least one byte, or the end.
  Task<IoResult> read_some(std::span<char> into);
  // All of it. `pieces` is consumed: the array is changed as bytes leave.
  Task<error_code> write_all(std::span<iovec> pieces);

  // Deadlines; SteadyTime::max(): none.
  void read_until(SteadyTime due) { set(read_deadline_, due); }
  void write_until(SteadyTime due) { set(write_deadline_, due); }
  // No deadline set from now on lies behind this one; SteadyTime::max(): lifts it.
  void never_after(SteadyTime latest) { latest_ = latest; }

  // Does the peer still hold the line, and has it sent nothing unasked? One recv, no wait.
  enum class Idle { quiet, has_bytes, closed };
  Idle peek() const;

  void cancel();         // what waits now ends with operation_aborted
  void shutdown_send();  // FIN (after TLS close_notify)
  void reset();          // RST: the peer must not take a cut message for a whole one
  void close();
  bool is_open() const { return socket_.is_open(); }
  bool tls() const { return ssl_ != nullptr; }
  const SSL* ssl() const { return ssl_.get(); }  // null: plain
  Socket& socket() { return socket_; }

 private:
  struct Expiry final : Deadline {
    explicit Expiry(Stream& owner) : stream(owner) {}
    void expire() override;
    Stream& stream;
    bool passed = false;
  };
  void set(Expiry& expiry, SteadyTime due);
  IoResult tls_result(int returned);
  Task<error_code> wait(Socket::wait_type what, const Expiry& expiry);

  Socket socket_;
  Deadlines& deadlines_;
  Expiry read_deadline_{*this};
  Expiry write_deadline_{*this};
  SteadyTime latest_ = SteadyTime::max();
  Ssl ssl_;
  bool want_write_to_read_ = false;  // TLS: the last try_read needs the socket to become writable
  bool want_read_to_write_ = false;
};

void set_no_delay(Stream::Socket& socket);

// Moves `pieces` forward by `bytes`; returns what is left.
std::span<iovec> advance(std::span<iovec> pieces, std::size_t bytes);
inline iovec piece_of(std::string_view text) { return {const_cast<char*>(text.data()), text.size()}; }

}  // namespace sallyport::gateway
