// The plain functions are among those that OpenSSL 3.0 would rather have retired, but its EVP ones take
// memory for each digest and give it back.
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
#include "auth/sha256.hpp"

#include <openssl/sha.h>

#include <stdexcept>

namespace sallyport {

Sha256Digest sha256(std::string_view data) {
  Sha256Digest digest;
  SHA256_CTX state;
  if (SHA256_Init(&state) != 1 || SHA256_Update(&state, data.data(), data.size()) != 1 ||
      SHA256_Final(digest.data(), &state) != 1)
    throw std::runtime_error("SHA-256 failed");
  return digest;
}

}  // namespace sallyport
