// Keys, each pinned to one algorithm, and immutable sets of them.
#pragma once

#include <openssl/evp.h>
#include <boost/system/result.hpp>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "auth/jose/algorithm.hpp"
#include "config/secret.hpp"

namespace sallyport::jose {

class P256TableMaker;

struct PkeyFree {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
using Pkey = std::unique_ptr<EVP_PKEY, PkeyFree>;

// A key that verifies, and signs where it has a private part or is a secret.
struct Key {
  Key() = default;  // no aggregate: a KeyResult must not take a message for the id of a key

  std::string id;  // kid
  Algorithm algorithm{};
  std::shared_ptr<EVP_PKEY> pkey;         // null for HMAC
  std::shared_ptr<P256TableMaker> table;  // ES256 only: what makes its checks faster, for all copies
  config::Secret secret;                  // HMAC only
  bool can_sign = false;
};

// A message for the operator: what is wrong with the key and the way out.
template <typename T>
using KeyResult = boost::system::result<T, std::string>;

// PEM of a private or public key. `algorithm`: required for RSA (RS*/PS*), else it must fit the curve. kid =
// RFC 7638 thumbprint. Refuses RSA below 2048 bits and curves that we don't know.
KeyResult<Key> key_from_pem(std::string_view pem, std::optional<Algorithm> algorithm);
// A JWK object (text). Refuses a `use`, `key_ops` or `alg` that doesn't fit. No `alg`: by type and curve
// (RSA: `fallback`).
KeyResult<Key> key_from_jwk(std::string_view json, std::optional<Algorithm> fallback);
KeyResult<Key> key_from_secret(config::Secret secret, Algorithm algorithm,
                               std::string id);    // id empty: from a digest
KeyResult<Key> generate_key(Algorithm algorithm);  // asymmetric only

std::string private_pem(const Key& key);  // PKCS#8
std::string public_jwk(const Key& key);   // with kid, alg, use; never of a secret (empty then)
std::string thumbprint(const Key& key);   // RFC 7638, base64url SHA-256

class KeySet {
 public:
  explicit KeySet(std::vector<Key> keys);

  // The key of this id (of several, the one of that algorithm; else any, for the caller to compare); without
  // an id, the only key of that algorithm. nullptr: none, or not the only one.
  const Key* find(std::string_view id, Algorithm algorithm) const;
  const std::vector<Key>& keys() const { return keys_; }
  std::string jwks() const;  // {"keys":[...]} of the public halves

 private:
  static constexpr std::uint32_t kNone = 0xFFFFFFFF, kSeveral = 0xFFFFFFFE;

  std::vector<Key> keys_;
  std::vector<std::uint32_t> by_id_;      // places in keys_, by id
  std::array<std::uint32_t, 13> only_{};  // by algorithm: the place of its only key
};

inline constexpr std::size_t kMaxJwksKeys = 1024;

// A JWK Set (RFC 7517 section 5). Keys that we can't use (other kty, use=enc, too weak) are skipped and told
// in `skipped`; one with no usable key is an error. `allowed` empty: every asymmetric algorithm; secrets only
// where `allowed` names theirs. An RSA key without `alg` takes the first RSA algorithm of `allowed`, or
// RS256.
struct ParsedKeySet {
  std::shared_ptr<const KeySet> keys;
  std::vector<std::string> skipped;
};
KeyResult<ParsedKeySet> parse_jwks(std::string_view json, const std::vector<Algorithm>& allowed);

}  // namespace sallyport::jose
