// RS256 checks as RFC 8017 8.2.2 writes them: encode what the signature must hold, raise the signature to the
// public exponent, compare. With the modulus prepared once this takes less than OpenSSL's general way, which
// sets up each operation anew. Only public numbers are handled, so nothing needs constant time.
#pragma once

#include <openssl/evp.h>

#include <memory>
#include <string_view>

namespace sallyport::jose {

// Not thread-safe: one per worker.
class RsaChecker {
 public:
  // nullptr: no RSA key of the usual kind (exponent 65537, 2048 to 4096 bits); OpenSSL's way checks those
  // too.
  static std::unique_ptr<RsaChecker> of(const EVP_PKEY* key);
  ~RsaChecker();
  RsaChecker(const RsaChecker&) = delete;

  // `digest`: SHA-256 of what was signed. Doesn't throw; may leave entries in OpenSSL's error queue.
  bool verify(std::string_view digest, std::string_view signature);

 private:
  struct Numbers;
  explicit RsaChecker(std::unique_ptr<Numbers> numbers);

  std::unique_ptr<Numbers> numbers_;
};

}  // namespace sallyport::jose
