// The TLS side of a listener: its certificates, chosen by the name that a client asks for, its client
// certificate rule, its tickets. Loaded whole or not at all, immutable then, shared by all workers; a change
// of the files makes a new one.
#pragma once

#include <boost/system/result.hpp>

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.hpp"
#include "gateway/net/stream.hpp"
#include "gateway/net/ticket_keys.hpp"

namespace sallyport::gateway {

struct SslContextFree {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using SslContext = std::unique_ptr<SSL_CTX, SslContextFree>;

class TlsServer {
 public:
  // Reads the listener's files. The error names the file, what is wrong and the way out. Blocking. `tickets`
  // outlives all connections.
  static boost::system::result<std::shared_ptr<const TlsServer>, std::string> load(
      const config::Listener& listener, TicketKeys& tickets);

  // For one connection. Keep the TlsServer until its handshake is over.
  Ssl accept() const;

  // Which certificate (its place in the configuration) serves this name: exact, then the wildcard of its
  // first label, else the first.
  std::size_t choose(std::string_view name) const;

  // What an operator should know of: a certificate that has expired, a name that another one has already.
  const std::vector<std::string>& notes() const { return notes_; }

 private:
  TlsServer() = default;
  std::string add(const config::TlsFiles& files, const config::Listener& listener, TicketKeys& tickets);
  std::string set_client_rule(SSL_CTX* context, const config::Listener& listener);
  void note_names(SSL_CTX* context, const config::TlsFiles& files);
  static int on_server_name(SSL* ssl, int* alert, void* self);

  std::vector<SslContext> contexts_;
  std::map<std::string, std::size_t, std::less<>> names_;  // lower case; wildcards as "*.example.com"
  std::vector<std::string> notes_;
};

}  // namespace sallyport::gateway
