// A socket and what its loop knows of it: attempts to receive and to send, which note whether another one
// could give anything. OpenSSL goes the same way. One thread.
#pragma once

#include <openssl/bio.h>
#include <sys/uio.h>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/system/error_code.hpp>

#include <memory>
#include <span>
#include <utility>

#include "auth/task.hpp"
#include "gateway/net/readiness.hpp"

namespace sallyport::gateway {

using boost::system::error_code;

struct IoResult {
  std::size_t bytes = 0;
  error_code ec;  // would_block: nothing to be had now; net::error::eof: the peer is done sending
  bool would_block() const { return ec == net::error::would_block; }
};

// What the system's last call says went wrong.
IoResult from_errno();

// A descriptor and the loop that it is waited for on. Owns it.
class Socket {
 public:
  using Endpoint = net::generic::stream_protocol::endpoint;

  explicit Socket(net::any_io_executor executor, int descriptor = -1)
      : executor_(std::move(executor)), descriptor_(descriptor) {}
  Socket(Socket&& other) noexcept
      : executor_(other.executor_), descriptor_(std::exchange(other.descriptor_, -1)) {}
  Socket& operator=(Socket&&) = delete;
  ~Socket() { close(); }

  error_code open(const net::generic::stream_protocol& protocol);
  void close();
  bool is_open() const { return descriptor_ >= 0; }
  int native_handle() const { return descriptor_; }
  const net::any_io_executor& executor() const { return executor_; }

 private:
  net::any_io_executor executor_;
  int descriptor_;
};

void set_no_delay(const Socket& socket);

struct Line {
  explicit Line(Socket open) : socket(std::move(open)) {}

  IoResult receive(std::span<char> into);
  IoResult send(std::span<const iovec> pieces);
  IoResult peek(std::span<char> into);  // leaves the bytes in the socket

  Socket socket;
  Readiness::Entry entry;
};

struct BioFree {
  void operator()(BIO* bio) const { BIO_free(bio); }
};
using Bio = std::unique_ptr<BIO, BioFree>;

// For SSL_set0_rbio() and _wbio(). The line outlives it. Throws std::bad_alloc.
Bio make_bio(Line& line);

}  // namespace sallyport::gateway
