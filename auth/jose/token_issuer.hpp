// Makes our own access tokens (CONTRACT section 4). Time and randomness are arguments.
#pragma once

#include <boost/json/object.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "auth/jose/keys.hpp"
#include "auth/time.hpp"

namespace sallyport::jose {

struct AccessToken {
  std::string issuer;
  std::vector<std::string> audience;  // one: a string, several: an array
  std::string subject;
  std::string token_id;
  std::string session_id;
  std::uint32_t generation = 0;
  std::uint64_t epoch = 0;  // written as `epoch` only where it isn't 0
  UnixSeconds issued_at{};
  UnixSeconds expires{};
  boost::json::object extra;  // roles and configured claims; can't replace the ones above
};

class TokenIssuer {
 public:
  // Signs with `key` (which can sign) until replaced.
  explicit TokenIssuer(std::shared_ptr<const Key> key);
  ~TokenIssuer();
  TokenIssuer(TokenIssuer&&) noexcept;
  TokenIssuer& operator=(TokenIssuer&&) noexcept;

  std::string issue(const AccessToken& token);
  // Any header and claims: for `token mint` and tests. `type` is the typ header; empty: none.
  std::string sign(const boost::json::object& claims, std::string_view type);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sallyport::jose
