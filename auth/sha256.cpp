// The plain functions are among those that OpenSSL 3.0 would rather have retired, but its EVP ones take
// memory for each digest and give it back.
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
#include "auth/sha256.hpp"

#include <openssl/sha.h>

#include <exception>

namespace sallyport {

Sha256Digest sha256(std::string_view data) noexcept {
  Sha256Digest digest;
  SHA256_CTX state;
  if (SHA256_Init(&state) != 1 || SHA256_Update(&state, data.data(), data.size()) != 1 ||
      SHA256_Final(digest.data(), &state) != 1)
    std::terminate();  // it has nothing to fail at
  return digest;
}

}  // namespace sallyport
