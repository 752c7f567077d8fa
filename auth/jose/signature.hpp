// Signs and checks bytes with one key, in the form that JWS wants (RFC 7518 section 3, RFC 8037): ECDSA as
// r||s, full HMAC tags, PSS with a salt of the digest's length. Contexts are prepared once; one object per
// worker and key.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "auth/jose/keys.hpp"

namespace sallyport::jose {

class SignatureVerifier {
 public:
  explicit SignatureVerifier(const Key& key);  // borrows nothing: the EVP_PKEY is shared
  ~SignatureVerifier();
  SignatureVerifier(SignatureVerifier&&) noexcept;
  SignatureVerifier& operator=(SignatureVerifier&&) noexcept;

  // Doesn't throw and leaves OpenSSL's error queue empty.
  bool verify(std::string_view signed_bytes, std::string_view signature);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

class Signer {
 public:
  explicit Signer(const Key& key);  // throws std::invalid_argument where the key can't sign
  ~Signer();
  Signer(Signer&&) noexcept;
  Signer& operator=(Signer&&) noexcept;

  // The raw signature (32 to 1024 bytes). Throws std::runtime_error if OpenSSL fails (a broken key, no
  // entropy).
  std::string sign(std::string_view bytes_to_sign);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// How long a JWS signature of this key is, exactly.
std::size_t signature_size(const Key& key);

}  // namespace sallyport::jose
