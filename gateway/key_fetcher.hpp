// Fetches the keys of the issuers that publish them under a URL, on the control thread:
// jose/key_refresher.hpp decides when and what is kept, net/http_call.hpp gets, this performs. Discovery
// (OpenID Connect Discovery 1.0) is asked each time, so an issuer may move its keys.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <functional>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "auth/jose/key_refresher.hpp"
#include "config/config.hpp"
#include "gateway/net/http_call.hpp"

namespace sallyport::gateway {

class KeyFetcher {
 public:
  // Called with an issuer's new keys, before the wishes for them are told.
  using Publish = std::function<void(const std::string& issuer, std::shared_ptr<const jose::KeySet> keys)>;

  // `reloaded`: the issuers that are new are no reason for not being ready: a typing error in the URL of one
  // would otherwise take every gateway of a fleet out of service that read it.
  KeyFetcher(net::io_context& control, const config::Tokens& tokens, Publish publish, bool reloaded = false);
  ~KeyFetcher();

  // All on the control thread:
  void start(std::shared_ptr<KeyFetcher> self);  // which lives until what it began has ended
  void stop();
  // `done` is called when keys() of the issuer can't become newer for this wish: at once, or when the fetch
  // has ended.
  void wish(std::string_view issuer, std::string_view key_id, std::function<void()> done);
  // Which issuers never had keys, and why; empty: none.
  std::string problem() const;

 private:
  struct Source;
  Task<> run(Source& source);
  Task<> tick();
  Task<jose::KeyResult<jose::ParsedKeySet>> fetch(const Source& source);
  void report(const Source& source, const jose::KeyRefresher::Answer& answer) const;

  net::io_context& control_;
  Publish publish_;
  Deadlines deadlines_;
  HttpCaller caller_;
  net::steady_timer ticker_;
  std::list<Source> sources_;
  const bool reloaded_;
  bool stopped_ = false;
};

}  // namespace sallyport::gateway
