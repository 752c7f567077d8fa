#include "auth/users/text.hpp"

#include <cstdint>

namespace sallyport::users {
namespace {

constexpr unsigned char byte(char c) { return static_cast<unsigned char>(c); }

// Bytes that follow a lead byte, or -1 where none may lead.
int following(unsigned char lead) {
  if (lead < 0x80) return 0;
  if (lead >= 0xC2 && lead <= 0xDF) return 1;
  if (lead >= 0xE0 && lead <= 0xEF) return 2;
  if (lead >= 0xF0 && lead <= 0xF4) return 3;
  return -1;
}

// RFC 3629 section 4: the second byte is narrower after E0, ED, F0 and F4.
bool second_fits(unsigned char lead, unsigned char second) {
  if (lead == 0xE0) return second >= 0xA0 && second <= 0xBF;
  if (lead == 0xED) return second >= 0x80 && second <= 0x9F;
  if (lead == 0xF0) return second >= 0x90 && second <= 0xBF;
  if (lead == 0xF4) return second >= 0x80 && second <= 0x8F;
  return second >= 0x80 && second <= 0xBF;
}

}  // namespace

std::optional<std::size_t> count_characters(std::string_view text) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < text.size(); ++count) {
    const unsigned char lead = byte(text[i++]);
    const int more = following(lead);
    if (more < 0 || static_cast<std::size_t>(more) > text.size() - i) return std::nullopt;
    for (int k = 0; k < more; ++k, ++i) {
      const unsigned char next = byte(text[i]);
      if (k == 0 ? !second_fits(lead, next) : (next & 0xC0) != 0x80) return std::nullopt;
    }
  }
  return count;
}

bool has_control(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const unsigned char c = byte(text[i]);
    if (c < 0x20 || c == 0x7F) return true;
    if (c == 0xC2 && i + 1 < text.size() && byte(text[i + 1]) < 0xA0) return true;  // U+0080 to U+009F
  }
  return false;
}

bool askable(std::string_view key) {
  constexpr std::size_t kLongest = 256;
  const auto length = count_characters(key);
  return length && *length > 0 && *length <= kLongest && !has_control(key);
}

}  // namespace sallyport::users
