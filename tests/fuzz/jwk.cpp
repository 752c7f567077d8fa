// JWK Sets as an issuer's URL may answer, and single JWKs: every key that comes out is one that may verify,
// and its public half, written again, is the same key.
// Covers: auth/jose/jwk.cpp, auth/jose/key_checks.cpp
#include <openssl/evp.h>

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "auth/jose/key_checks.hpp"
#include "auth/jose/keys.hpp"
#include "auth/jose/signature.hpp"

namespace {

using namespace sallyport::jose;

void require(bool held) {
  if (!held) std::abort();
}

void require_fit(const Key& key, bool secrets) {
  require(symmetric(key.algorithm) == (key.pkey == nullptr));
  if (key.pkey == nullptr) {
    require(secrets && key.secret.size() >= kMinSecret);
    require(public_jwk(key).empty());  // a secret is never published
    return;
  }
  const int kind = EVP_PKEY_get_base_id(key.pkey.get());
  const bool rsa = key.algorithm >= Algorithm::rs256 && key.algorithm <= Algorithm::ps512;
  require((kind == EVP_PKEY_RSA) == rsa);
  if (rsa)
    require(EVP_PKEY_get_bits(key.pkey.get()) >= kMinRsaBits &&
            EVP_PKEY_get_bits(key.pkey.get()) <= kMaxRsaBits);
  require((kind == EVP_PKEY_ED25519) == (key.algorithm == Algorithm::eddsa));
  const auto again = key_from_jwk(public_jwk(key), std::nullopt);
  require(again.has_value());
  require(again->algorithm == key.algorithm && again->id == key.id && thumbprint(*again) == thumbprint(key));
  require(!again->can_sign);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::vector<Algorithm> kAll = [] {
    std::vector<Algorithm> all;
    for (int a = 0; a <= static_cast<int>(Algorithm::eddsa); ++a) all.push_back(static_cast<Algorithm>(a));
    return all;
  }();
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto set = parse_jwks(text, {})) {
    require(!set->keys->keys().empty() && set->keys->keys().size() <= kMaxJwksKeys);
    for (const Key& key : set->keys->keys()) require_fit(key, false);
  }
  if (const auto set = parse_jwks(text, kAll))
    for (const Key& key : set->keys->keys()) require_fit(key, true);
  if (const auto key = key_from_jwk(text, Algorithm::ps256)) {
    require_fit(*key, true);
    SignatureVerifier verifier(*key);
    require(!verifier.verify("a.b", "no signature"));
  }
  return 0;
}
