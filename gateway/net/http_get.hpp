// Gets one small document over HTTP(S) without blocking: an issuer's keys, an OpenID configuration. Bounded
// in size and time, follows no redirect, believes no server whose certificate isn't good for the host's name.
#pragma once

#include <openssl/ssl.h>
#include <boost/asio/any_io_executor.hpp>
#include <boost/system/result.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "auth/task.hpp"
#include "gateway/net/deadlines.hpp"
#include "gateway/upstream/resolver.hpp"

namespace sallyport::gateway {

struct HttpUrl {
  config::Upstream::Server server;
  std::string authority;  // of the Host field
  std::string target;     // path and query
};

// Nothing: not http:// or https://, or with a user, a fragment, or bytes that a request line can't carry.
std::optional<HttpUrl> parse_http_url(std::string_view url);

class HttpGetter {
 public:
  static constexpr std::size_t kMaxBody = 512 * 1024;
  static constexpr std::chrono::seconds kTime{5};  // from the connect to the last byte, per address tried

  // `deadlines` must be ticked while a get() runs. Throws where OpenSSL can't be set up. The system's
  // certificate authorities are trusted, or those of SSL_CERT_FILE and SSL_CERT_DIR.
  HttpGetter(net::any_io_executor executor, Deadlines& deadlines);

  struct Document {
    Document() = default;  // no aggregate: a Result must not take a message for a document
    std::string content_type;
    std::string body;
  };
  using Result = boost::system::result<Document, std::string>;
  // The error is for the operator; nothing that the server wrote stands in it.
  Task<Result> get(HttpUrl url);

  // Ends every running get() with an error; later ones too.
  void stop();

 private:
  struct CtxFree {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  };
  class Conversation;

  net::any_io_executor executor_;
  Deadlines& deadlines_;
  upstream::Resolver resolver_;
  std::unique_ptr<SSL_CTX, CtxFree> tls_;
  std::set<Stream*> running_;
  bool stopped_ = false;
};

}  // namespace sallyport::gateway
