#include "auth/policy/credential.hpp"

#include <algorithm>

namespace sallyport::policy {
namespace {

constexpr std::string_view kScheme = "bearer";

bool is_bearer(std::string_view scheme) {
  return std::equal(scheme.begin(), scheme.end(), kScheme.begin(), kScheme.end(), [](char a, char b) {
    return (a >= 'A' && a <= 'Z' ? static_cast<char>(a + 32) : a) == b;
  });
}

// token68 of RFC 9110 11.2 without its padding.
bool token_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
         c == '_' || c == '~' || c == '+' || c == '/';
}

bool one_token(std::string_view text) {
  const auto padding = std::find_if_not(text.begin(), text.end(), token_char);
  return padding != text.begin() && std::all_of(padding, text.end(), [](char c) { return c == '='; });
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
