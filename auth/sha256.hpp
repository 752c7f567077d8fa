// SHA-256 (FIPS 180-4) of bytes that are at hand, without taking memory.
#pragma once

#include <array>
#include <string_view>

namespace sallyport {

using Sha256Digest = std::array<unsigned char, 32>;

Sha256Digest sha256(std::string_view data) noexcept;

}  // namespace sallyport
