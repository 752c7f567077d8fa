// One connected byte stream, plain, Unix or TLS: non-blocking attempts as plain functions, waiting as a
// coroutine. A deadline each for reading and writing; when one passes, what waits ends with `timed_out`. One
// thread.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <span>
#include <string_view>
#include <utility>

#include "auth/task.hpp"
#include "gateway/net/deadlines.hpp"
#include "gateway/net/line.hpp"

namespace sallyport::gateway {

struct SslFree {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
};
using Ssl = std::unique_ptr<SSL, SslFree>;

class Stream {
 public:
  using Socket = gateway::Socket;

  Stream(Socket socket, Deadlines& deadlines);  // makes the socket non-blocking
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  // Connects an opened socket; ends at the write deadline.
  Task<error_code> connect(Socket::Endpoint endpoint);

  // Turns the stream into TLS; `ssl` is fresh and in accept or connect state. Ends at the write deadline.
  Task<error_code> handshake(Ssl ssl);

  IoResult try_read(std::span<char> into);
  IoResult try_write(std::span<const iovec> pieces);
  IoResult try_peek(std::span<char> into);  // leaves the bytes in the socket; not with TLS

  // Waits until a read may give something; it may also give would_block, and then the next wait is a real
  // one. With TLS: if OpenSSL holds bytes that weren't looked at it returns at once. `error_code ec =
  // co_await ...`
  class Wait;
  Wait wait_readable();
  Wait wait_writable();

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
  Idle peek();
  // The same by what the loop has heard so far: no system call, and a peer's end of this moment isn't seen.
  // Before the first wait it doesn't know, and says false.
  bool known_quiet() const {
    return !holds_more_ && line_.entry.entered() && !line_.entry.ready(Readiness::Direction::read);
  }

  void cancel();         // what waits now ends with operation_aborted
  void shutdown_send();  // FIN (after TLS close_notify)
  void reset();          // RST: the peer must not take a cut message for a whole one
  void close();
  bool is_open() const { return line_.socket.is_open(); }
  bool tls() const { return ssl_ != nullptr; }
  const SSL* ssl() const { return ssl_.get(); }  // null: plain
  int native_handle() const { return line_.socket.native_handle(); }

 private:
  struct Expiry final : Deadline {
    explicit Expiry(Stream& owner) : stream(owner) {}
    void expire() override;
    Stream& stream;
    bool passed = false;
  };
  void set(Expiry& expiry, SteadyTime due);
  IoResult tls_read(std::span<char> into);
  IoResult tls_write(std::span<const iovec> pieces);
  IoResult tls_result(int returned);
  Wait wait(Readiness::Direction what, const Expiry& expiry);

  Line line_;
  Deadlines& deadlines_;
  Expiry read_deadline_{*this};
  Expiry write_deadline_{*this};
  SteadyTime latest_ = SteadyTime::max();
  Ssl ssl_;
  bool holds_more_ = false;          // TLS: OpenSSL has bytes of which nobody knows yet what they are
  bool want_write_to_read_ = false;  // TLS: the last try_read needs the socket to become writable
  bool want_read_to_write_ = false;
};

class [[nodiscard]] Stream::Wait {
 public:
  bool await_ready();
  template <typename Promise>
  void await_suspend(std::coroutine_handle<Promise> waits) {
    stream_.line_.entry.wait(waits, what_, ec_);
  }
  error_code await_resume() const { return expiry_.passed ? net::error::timed_out : ec_; }

 private:
  friend class Stream;
  Wait(Stream& stream, Readiness::Direction what, const Expiry& expiry, bool needless)
      : stream_(stream), expiry_(expiry), what_(what), needless_(needless) {}
  Stream& stream_;
  const Expiry& expiry_;
  Readiness::Direction what_;
  bool needless_;
  error_code ec_;
};

// Moves `pieces` forward by `bytes`; returns what is left.
std::span<iovec> advance(std::span<iovec> pieces, std::size_t bytes);
inline iovec piece_of(std::string_view text) { return {const_cast<char*>(text.data()), text.size()}; }

}  // namespace sallyport::gateway
