// SHA-256 (FIPS 180-4) of bytes that are at hand, without taking memory.
#pragma once

#include <array>
#include <string_view>

namespace sallyport {

using Sha256Digest = std::array<unsigned char, 32>;

// Throws std::runtime_error where OpenSSL fails, which it doesn't.
Sha256Digest sha256(std::string_view data);

}  // namespace sallyport
