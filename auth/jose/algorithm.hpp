// The signature algorithms of RFC 7518 section 3 and RFC 8037 that we know. A key has exactly one.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace sallyport::jose {

enum class Algorithm : std::uint8_t {
  hs256,
  hs384,
  hs512,
  rs256,
  rs384,
  rs512,
  ps256,
  ps384,
  ps512,
  es256,
  es384,
  es512,
  eddsa,  // Ed25519
};

std::string_view to_string(Algorithm algorithm);                  // "ES256"
std::optional<Algorithm> parse_algorithm(std::string_view name);  // exact, case matters; "none" is nothing
constexpr bool symmetric(Algorithm a) { return a <= Algorithm::hs512; }

}  // namespace sallyport::jose
