#include "auth/jose/base64url.hpp"

#include <array>
#include <cstdint>

namespace sallyport::jose {
namespace {

constexpr char kAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

constexpr std::uint8_t kNone = 0xFF;

constexpr std::array<std::uint8_t, 256> make_values() {
  std::array<std::uint8_t, 256> values{};
  for (auto& v : values) v = kNone;
  for (std::uint8_t i = 0; i < 64; ++i) values[static_cast<unsigned char>(kAlphabet[i])] = i;
  return values;
}
constexpr std::array<std::uint8_t, 256> kValues = make_values();

std::uint32_t value(char c) { return kValues[static_cast<unsigned char>(c)]; }
std::uint32_t byte(char c) { return static_cast<unsigned char>(c); }
char low_byte(std::uint32_t bits) { return static_cast<char>(static_cast<unsigned char>(bits & 0xFF)); }

}  // namespace

void base64url_append(std::string& out, std::string_view bytes) {
  std::size_t at = out.size();
  out.resize(at + (bytes.size() * 4 + 2) / 3);
  std::size_t i = 0;
  for (; i + 3 <= bytes.size(); i += 3) {
    const std::uint32_t bits = byte(bytes[i]) << 16 | byte(bytes[i + 1]) << 8 | byte(bytes[i + 2]);
    out[at++] = kAlphabet[bits >> 18];
    out[at++] = kAlphabet[bits >> 12 & 63];
    out[at++] = kAlphabet[bits >> 6 & 63];
    out[at++] = kAlphabet[bits & 63];
  }
  const std::size_t rest = bytes.size() - i;
  if (rest == 0) return;
  const std::uint32_t bits = byte(bytes[i]) << 16 | (rest == 2 ? byte(bytes[i + 1]) << 8 : 0);
  out[at++] = kAlphabet[bits >> 18];
  out[at++] = kAlphabet[bits >> 12 & 63];
  if (rest == 2) out[at++] = kAlphabet[bits >> 6 & 63];
}

std::string base64url_encode(std::string_view bytes) {
  std::string out;
  base64url_append(out, bytes);
  return out;
}

bool base64url_decode_into(std::string_view text, std::string& out) {
  const std::size_t rest = text.size() % 4;
  if (rest == 1) return false;  // six bits are no byte
  out.resize(text.size() / 4 * 3 + (rest == 0 ? 0 : rest - 1));
  char* to = out.data();
  const char* from = text.data();
  for (const char* const fours = from + text.size() - rest; from != fours; from += 4, to += 3) {
    const std::uint32_t a = value(from[0]), b = value(from[1]), c = value(from[2]), d = value(from[3]);
    if ((a | b | c | d) > 63) return false;
    const std::uint32_t bits = a << 18 | b << 12 | c << 6 | d;
    to[0] = low_byte(bits >> 16);
    to[1] = low_byte(bits >> 8);
    to[2] = low_byte(bits);
  }
  if (rest == 0) return true;
  const std::uint32_t a = value(from[0]), b = value(from[1]), c = rest == 3 ? value(from[2]) : 0;
  if ((a | b | c) > 63) return false;
  const std::uint32_t bits = a << 18 | b << 12 | c << 6;
  // Bits that encode nothing must be 0, else one byte string has several spellings.
  if ((bits & (rest == 2 ? 0xFFFFu : 0xFFu)) != 0) return false;
  to[0] = low_byte(bits >> 16);
  if (rest == 3) to[1] = low_byte(bits >> 8);
  return true;
}

std::optional<std::string> base64url_decode(std::string_view text) {
  std::string out;
  if (!base64url_decode_into(text, out)) return std::nullopt;
  return out;
}

}  // namespace sallyport::jose
