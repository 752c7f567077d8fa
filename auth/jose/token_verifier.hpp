// Is this token good, and what does it say? Pure: no I/O, no clock, no log. One per worker (EVP contexts are
// mutable); the key sets behind it are immutable snapshots shared by all.
#pragma once

#include <boost/system/result.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "auth/jose/claim_reader.hpp"
#include "auth/jose/claims.hpp"
#include "auth/jose/keys.hpp"
#include "auth/time.hpp"

namespace sallyport::jose {

// Each reason has its own log code; outside there is one text (CONTRACT section 3).
enum class TokenError : std::uint8_t {
  too_long,     // over kMaxToken bytes: refused before any work
  not_compact,  // not three base64url parts (RFC 7515 7.1)
  bad_base64,
  bad_header,       // not the strict JSON object that a JOSE header is
  bad_claims,       // not strict JSON, or a registered claim of the wrong type
  critical_header,  // crit, b64, zip, or a JWE
  wrong_type,       // typ isn't one that this issuer's access tokens have
  unknown_issuer,
  unknown_key,      // no key of this issuer has that kid, or several could be meant
  wrong_algorithm,  // alg isn't the key's
  bad_signature,
  wrong_audience,
  no_expiry,
  not_yet_valid,      // nbf or iat in the future
  lifetime_too_long,  // from iat to exp it is longer than this issuer may give
  expired,            // and everything else is good
};
std::string_view to_string(TokenError error);  // the log code: "bad_signature"

inline constexpr std::size_t kMaxToken = 8 * 1024;

// One issuer's rules and keys.
struct Issuer {
  std::string issuer;
  std::vector<std::string> audience;  // any of; empty: not checked
  std::vector<std::string> types;     // allowed `typ`, lower case without "application/"; "" = may be absent
  ClaimPlaces places;
  std::chrono::seconds clock_skew{60};
  std::chrono::seconds max_lifetime{0};  // 0: any
  bool own = false;
  std::shared_ptr<const KeySet> keys;
};

class TokenVerifier {
 public:
  explicit TokenVerifier(std::shared_ptr<const std::vector<Issuer>> issuers);
  ~TokenVerifier();
  TokenVerifier(TokenVerifier&&) noexcept;
  TokenVerifier& operator=(TokenVerifier&&) noexcept;

  using Verified = std::shared_ptr<Claims>;  // the caller's alone, until it shares them

  // `expired` is only said of a token that is otherwise good.
  boost::system::result<Verified, TokenError> verify(std::string_view token, UnixSeconds now);

  // As verify(), but an expired token is good too (logout and refresh accept it).
  boost::system::result<Verified, TokenError> verify_ignoring_expiry(std::string_view token, UnixSeconds now);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sallyport::jose
