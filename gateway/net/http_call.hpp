// Calls another HTTP(S) server without blocking: gets an issuer's keys, posts an event, asks a login API. One
// connection and one answer a call, bounded in size and time; follows no redirect, believes no server whose
// certificate isn't good for the host's name.
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
#include <utility>
#include <vector>

#include "auth/task.hpp"
#include "config/secret.hpp"
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

struct HttpCall {
  HttpUrl url;
  std::string method = "GET";
  // Beside Host, User-Agent, Content-Length and Connection. Ours, or checked: no control characters.
  std::vector<std::pair<std::string, std::string>> fields;
  config::Secret body;                       // may hold a password; its type stands in `fields`
  std::chrono::milliseconds timeout{5'000};  // for everything, from the name to the last byte
  std::size_t max_answer = 512 * 1024;       // bytes of its body
};

class HttpCaller {
 public:
  // `deadlines` must be ticked while a call runs. The system's certificate authorities are trusted, or those
  // of SSL_CERT_FILE and SSL_CERT_DIR, as they are at the first https call.
  HttpCaller(net::any_io_executor executor, Deadlines& deadlines);

  // Of any status but 1xx. Not compressed.
  struct Answer {
    Answer() = default;  // no aggregate: a Result must not take a message for an answer
    unsigned status = 0;
    std::string content_type;
    std::string body;
    std::chrono::seconds retry_after{0};  // 0: it doesn't say, or says a date
  };
  // The error is for the operator; nothing that the server wrote stands in it.
  using Result = boost::system::result<Answer, std::string>;
  Task<Result> call(HttpCall call);

  // A GET of one document of JSON: any status but 200 is an error.
  Task<Result> get(HttpUrl url);

  // Calls to it will come: what https needs is made now and not under the first of them.
  void expect(const HttpUrl& url);

  // Ends every running call with an error; later ones too.
  void stop();

 private:
  struct CtxFree {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  };
  class Conversation;
  SSL_CTX* tls();

  net::any_io_executor executor_;
  Deadlines& deadlines_;
  upstream::Resolver resolver_;
  std::unique_ptr<SSL_CTX, CtxFree> tls_;
  std::set<Stream*> running_;
  bool stopped_ = false;
};

}  // namespace sallyport::gateway
