// Mints tokens for tests with the header and payload in plain sight, by OpenSSL alone: independent of
// auth/jose, so that a mistake there can't hide itself.
#pragma once

#include <openssl/types.h>

#include <memory>
#include <string>
#include <string_view>

namespace sallyport::testing {

std::string base64url(std::string_view bytes);      // without padding
std::string from_base64url(std::string_view text);  // lenient; for looking into tokens

std::string hs256(std::string_view header, std::string_view payload, std::string_view key);
std::string hs256(std::string_view payload, std::string_view key);  // header {"alg":"HS256","typ":"at+jwt"}

// A P-256 key pair.
class EcKey {
 public:
  EcKey();                                         // a fresh one
  explicit EcKey(const std::string& private_pem);  // throws when it isn't one
  ~EcKey();
  EcKey(const EcKey&) = delete;
  EcKey& operator=(const EcKey&) = delete;

  std::string private_pem() const;  // PKCS #8
  std::string public_pem() const;   // SubjectPublicKeyInfo
  std::string x() const;            // coordinates as base64url, for a JWK
  std::string y() const;
  std::string thumbprint() const;  // RFC 7638
  std::string jwk() const;         // {"kty":"EC",...,"kid":thumbprint,"alg":"ES256","use":"sig"}

  std::string sign(std::string_view text) const;  // 64 bytes R || S
  EVP_PKEY* get() const { return key_; }

 private:
  EVP_PKEY* key_;
};

std::string es256(std::string_view header, std::string_view payload, const EcKey& key);

// The JSON text of a token's payload (second part), unverified.
std::string payload_of(std::string_view token);
std::string header_of(std::string_view token);

// The token with one byte of its signature changed.
std::string with_broken_signature(std::string_view token);

}  // namespace sallyport::testing
