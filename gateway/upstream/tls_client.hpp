// How https servers of one upstream are spoken to: TLS 1.2 or later, certificates always verified against the
// name or address of the server, sessions resumed. Immutable once open, so all workers share one; what a
// worker remembers of its sessions lives in its own TlsSessions.
#pragma once

#include <openssl/ssl.h>
#include <boost/system/result.hpp>

#include <memory>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "gateway/net/stream.hpp"

namespace sallyport::upstream {

// The last session with each server, offered at the next handshake. One worker's; outlives its connections.
class TlsSessions {
 public:
  explicit TlsSessions(std::size_t servers) : slots_(servers) {}

 private:
  friend class TlsClient;
  struct Free {
    void operator()(SSL_SESSION* session) const { SSL_SESSION_free(session); }
  };
  using Slot = std::unique_ptr<SSL_SESSION, Free>;
  std::vector<Slot> slots_;
};

class TlsClient {
 public:
  // Null where none of the servers is https. The error names the file and the cause. Blocking.
  static boost::system::result<std::shared_ptr<const TlsClient>, std::string> open(
      const config::Upstream& upstream);

  // Which state of its files it was made from.
  const std::string& files() const { return files_; }

  // Ready for Stream::handshake().
  gateway::Ssl start(std::size_t server, TlsSessions& sessions) const;

 private:
  struct Free {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  };
  struct Name {
    std::string text;
    bool address = false;  // checked against the certificate's IP addresses, and no SNI (RFC 6066 3)
  };
  static int remember(SSL* ssl, SSL_SESSION* session);

  std::unique_ptr<SSL_CTX, Free> context_;
  std::vector<Name> names_;  // by server
  std::string files_;
};

// Why a handshake failed, for the log: "certificate verify failed: hostname mismatch".
std::string tls_failure(const SSL* ssl, const gateway::error_code& ec);

}  // namespace sallyport::upstream
