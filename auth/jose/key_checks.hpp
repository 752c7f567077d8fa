// What makes an OpenSSL key one of ours: a kind that we know, strong enough, for exactly one algorithm.
// Shared by the readers of PEM and JWK.
#pragma once

#include <optional>
#include <string>

#include "auth/jose/keys.hpp"

namespace sallyport::jose {

inline constexpr int kMinRsaBits = 2048;  // RFC 7518 section 3.3
inline constexpr int kMaxRsaBits = 8192;  // beyond, a check costs more than a stranger's token is worth
inline constexpr std::size_t kMinSecret = 32;

// A Key of `pkey` with its thumbprint as id. `algorithm`: must fit, and is needed for RSA; else the curve
// tells.
KeyResult<Key> key_from_pkey(Pkey pkey, std::optional<Algorithm> algorithm, bool has_private);

// The public part as members of a JWK ("kty", "crv", "x", ...), each base64url, in the order that RFC 7638
// hashes them.
struct JwkMember {
  const char* name;
  std::string value;
};
std::vector<JwkMember> public_members(const Key& key);

}  // namespace sallyport::jose
