// Small words about ASCII text in messages: tokens, comparison without case, lists. No locale, no allocation.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace sallyport::gateway {

// What a byte may be part of. One look-up table serves every rule.
enum CharClass : std::uint8_t {
  kTokenChar = 1,    // RFC 9110 5.6.2 tchar
  kFieldChar = 2,    // a byte of a field value: HTAB, SP, VCHAR, obs-text
  kTargetChar = 4,   // VCHAR, but never '#': what a request target may hold
  kHostChar = 8,     // letters, digits, "-._~": what a registered name may hold here
  kUnreserved = 16,  // RFC 3986 2.3
};

constexpr std::array<std::uint8_t, 256> make_char_classes() {
  std::array<std::uint8_t, 256> classes{};
  constexpr std::string_view marks = "!#$%&'*+-.^_`|~";
  for (unsigned c = 0; c < 256; ++c) {
    const bool alnum = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    const bool visible = c > 0x20 && c < 0x7f;
    const bool unreserved = alnum || c == '-' || c == '.' || c == '_' || c == '~';
    std::uint8_t bits = 0;
    if (alnum || (c < 0x80 && marks.find(static_cast<char>(c)) != marks.npos && c != 0)) bits |= kTokenChar;
    if (c == '\t' || c == ' ' || visible || c >= 0x80) bits |= kFieldChar;
    if (visible && c != '#') bits |= kTargetChar;
    if (unreserved) bits |= kHostChar | kUnreserved;
    classes[c] = bits;
  }
  return classes;
}

inline constexpr std::array<std::uint8_t, 256> kCharClasses = make_char_classes();

constexpr bool is_a(char c, CharClass wanted) {
  return (kCharClasses[static_cast<unsigned char>(c)] & wanted) != 0;
}

// Asked of what is good nearly always, so all of it is looked at and judged once.
constexpr bool all_are(std::string_view text, CharClass wanted) {
  std::uint8_t common = wanted;
#pragma GCC unroll 8
  for (const char c : text) common &= kCharClasses[static_cast<unsigned char>(c)];
  return common == wanted;
}

constexpr bool is_token(std::string_view text) { return !text.empty() && all_are(text, kTokenChar); }

constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }

// Equal but for the case of ASCII letters. (beast::iequals reads past the end when only the case differs.)
constexpr bool iequals(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (lower(a[i]) != lower(b[i])) return false;
  return true;
}

constexpr bool istarts_with(std::string_view text, std::string_view prefix) {
  return text.size() >= prefix.size() && iequals(text.substr(0, prefix.size()), prefix);
}

constexpr std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

constexpr std::string_view as_view(std::string_view text) { return text; }
template <std::size_t N>
constexpr std::string_view as_view(const char (&literal)[N]) {  // its length is known: nothing to count
  return {literal, N - 1};
}

// All of them by one change of the string's length: every message is made of such pieces.
template <class... Parts>
void append(std::string& out, const Parts&... parts) {
  const std::size_t at = out.size();
  out.resize(at + (as_view(parts).size() + ...));
  char* to = out.data() + at;
  const auto copy = [&to](std::string_view part) { to = std::copy(part.begin(), part.end(), to); };
  (copy(as_view(parts)), ...);
}

// "name: value" and the end of the line.
inline void append_line(std::string& out, std::string_view name, std::string_view value) {
  append(out, name, ": ", value, "\r\n");
}

// Calls act(element) for each element of a comma separated list, blanks cut, empty ones skipped (RFC
// 9110 5.6.1.2).
template <class Act>
constexpr void for_each_element(std::string_view list, Act act) {
  while (!list.empty()) {
    const std::size_t comma = list.find(',');
    const std::string_view element = trim(list.substr(0, comma));
    if (!element.empty()) act(element);
    if (comma == list.npos) return;
    list.remove_prefix(comma + 1);
  }
}

constexpr bool list_contains(std::string_view list, std::string_view wanted) {
  bool found = false;
  for_each_element(list, [&](std::string_view element) { found = found || iequals(element, wanted); });
  return found;
}

// A number of decimal digits only, at most 2^63-1; false for anything else.
constexpr bool parse_decimal(std::string_view text, std::uint64_t& number) {
  if (text.empty() || text.size() > 19) return false;
  std::uint64_t sum = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return false;
    sum = sum * 10 + static_cast<std::uint64_t>(c - '0');
  }
  if (sum > 0x7fffffffffffffffULL) return false;
  number = sum;
  return true;
}

// The value of a hexadecimal digit, or -1.
constexpr int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace sallyport::gateway
