// A TLS client of the tests: one connection to 127.0.0.1 that shows what was negotiated. Blocking, with a
// deadline.
#pragma once

#include <openssl/ssl.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "tests/support/certificates.hpp"
#include "tests/support/socket.hpp"

namespace sallyport::testing {

struct TlsOptions {
  std::string server_name;  // SNI; empty: none is sent
  std::string authority;    // PEM: verify the server against it (and server_name); empty: don't
  std::string protocols = "\x08http/1.1";  // ALPN as on the wire; empty: none is sent
  int min_version = TLS1_2_VERSION;
  int max_version = TLS1_3_VERSION;
  std::optional<PemPair> certificate;  // the client's own
  SSL_SESSION* resume = nullptr;       // borrowed
  std::string before;                  // plain bytes sent before the handshake (a PROXY header)
};

struct SessionFree {
  void operator()(SSL_SESSION* session) const { SSL_SESSION_free(session); }
};
using TlsSession = std::unique_ptr<SSL_SESSION, SessionFree>;

class TlsConnection {
 public:
  TlsConnection(std::uint16_t port, TlsOptions options = {}, Deadline deadline = within());
  ~TlsConnection();
  TlsConnection(const TlsConnection&) = delete;
  TlsConnection& operator=(const TlsConnection&) = delete;

  bool open() const { return error_.empty(); }  // the handshake succeeded
  const std::string& error() const { return error_; }
  std::string version() const { return SSL_get_version(ssl_); }
  std::string protocol() const;    // ALPN's choice
  std::string peer_names() const;  // "a.example, *.b.example" of the certificate that was shown
  bool resumed() const { return SSL_session_reused(ssl_) == 1; }
  TlsSession session() const { return TlsSession(SSL_get1_session(ssl_)); }

  // Sends all and reads until the peer ends or `until` stands in what came; empty where it broke.
  std::string exchange(std::string_view bytes, std::string_view until = {}, Deadline deadline = within());

 private:
  Fd fd_;
  SSL_CTX* context_ = nullptr;
  SSL* ssl_ = nullptr;
  std::string error_;
};

}  // namespace sallyport::testing
