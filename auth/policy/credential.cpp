#include "auth/policy/credential.hpp"

#include <algorithm>
#include <array>

namespace sallyport::policy {
namespace {

constexpr std::string_view kScheme = "bearer";

bool is_bearer(std::string_view scheme) {
  return std::equal(scheme.begin(), scheme.end(), kScheme.begin(), kScheme.end(), [](char a, char b) {
    return (a >= 'A' && a <= 'Z' ? static_cast<char>(a + 32) : a) == b;
  });
}

// Not zero: a byte of a token68 (RFC 9110 11.2).
constexpr std::array<unsigned char, 256> token68_bytes() {
  std::array<unsigned char, 256> bytes{};
  constexpr std::string_view kMarks = "-._~+/";
  for (unsigned c = 0; c < 128; ++c)
    bytes[c] = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               kMarks.find(static_cast<char>(c)) != kMarks.npos;
  return bytes;
}

// Asked of what is good nearly always, so all of it is looked at and judged once.
bool one_token(std::string_view text) {
  static constexpr std::array<unsigned char, 256> kBytes = token68_bytes();
  while (!text.empty() && text.back() == '=') text.remove_suffix(1);
  unsigned char good = !text.empty();
#pragma GCC unroll 8
  for (const char c : text) good &= kBytes[static_cast<unsigned char>(c)];
  return good != 0;
}

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

}  // namespace

Credential parse_authorization(std::string_view value) {
  value = trimmed(value);
  const std::size_t end = std::min(value.find_first_of(" \t,"), value.size());
  if (!is_bearer(value.substr(0, end))) return {};
  const std::string_view rest = value.substr(end);
  const std::string_view token = rest.substr(std::min(rest.find_first_not_of(' '), rest.size()));
  if (rest.size() == token.size() || !one_token(token)) return {Credential::Kind::malformed, {}};
  return Credential::bearer(token);
}

Credential parse_authorization(std::span<const std::string_view> values) {
  if (values.empty()) return {};
  if (values.size() > 1) return {Credential::Kind::malformed, {}};
  return parse_authorization(values.front());
}

}  // namespace sallyport::policy
