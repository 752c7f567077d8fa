// The path normaliser: one pass over the bytes, one over the segments of the result. See path.hpp.
#include "gateway/path.hpp"

#include <algorithm>
#include <cstdint>

#include "gateway/text.hpp"

namespace sallyport::gateway {
namespace {

// Well-formed UTF-8 (RFC 3629: no overlong forms, no surrogates, at most U+10FFFF), byte by byte.
class Utf8 {
 public:
  bool accept(unsigned char byte) {
    if (left_ > 0) {
      if (byte < low_ || byte > high_) return false;
      low_ = 0x80, high_ = 0xbf;
      --left_;
      return true;
    }
    if (byte < 0x80) return true;
    if (byte < 0xc2 || byte > 0xf4) return false;
    left_ = byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3;
    low_ = byte == 0xe0 ? 0xa0 : byte == 0xf0 ? 0x90 : 0x80;
    high_ = byte == 0xed ? 0x9f : byte == 0xf4 ? 0x8f : 0xbf;
    return true;
  }
  bool whole() const { return left_ == 0; }

 private:
  int left_ = 0;
  unsigned char low_ = 0x80, high_ = 0xbf;
};

void append_encoded(std::string& out, unsigned char byte) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  out += '%';
  out += digits[byte >> 4];
  out += digits[byte & 15];
}

// Decodes what is unreserved and upper-cases the rest. Returns a code where a byte or an escape is refused.
std::string_view decode(std::string_view raw, std::string& out) {
  Utf8 utf8;
  for (std::size_t i = 0; i < raw.size(); ++i) {
    if (raw[i] != '%') {
      if (!utf8.whole()) return "bad_utf8";
      out += raw[i];
      continue;
    }
    const int high = i + 2 < raw.size() ? hex_digit(raw[i + 1]) : -1;
    const int low = i + 2 < raw.size() ? hex_digit(raw[i + 2]) : -1;
    if (high < 0 || low < 0) return "bad_escape";
    i += 2;
    const auto byte = static_cast<unsigned char>(high << 4 | low);
    if (byte < 0x20 || byte == 0x7f) return "encoded_control";
    if (byte == '\\') return "encoded_backslash";
    if (!utf8.accept(byte)) return "bad_utf8";
    if (is_a(static_cast<char>(byte), kUnreserved))
      out += static_cast<char>(byte);
    else
      append_encoded(out, byte);
  }
  return utf8.whole() ? "" : "bad_utf8";
}

std::size_t parameters_of(std::string_view segment) {
  return std::min(segment.find(';'), segment.find("%3B"));
}

bool is_dots(std::string_view name) { return name == "." || name == ".."; }

// Dot segments also between encoded slashes and before parameters.
bool has_dots(std::string_view segment) {
  while (true) {
    const std::size_t slash = segment.find("%2F");
    const std::string_view part = segment.substr(0, slash);
    if (is_dots(part.substr(0, parameters_of(part)))) return true;
    if (slash == segment.npos) return false;
    segment.remove_prefix(slash + 3);
  }
}

// "%252e" is a dot for whoever decodes twice: no escaped percent sign may stand before two hexadecimal
// digits.
bool doubly_encoded(std::string_view path) {
  for (std::size_t at = 0; (at = path.find("%25", at)) != path.npos; at += 3)
    if (at + 4 < path.size() && hex_digit(path[at + 3]) >= 0 && hex_digit(path[at + 4]) >= 0) return true;
  return false;
}

void judge_segments(NormalPath& result) {
  std::string_view rest = result.path.substr(1);
  while (true) {
    const std::size_t slash = rest.find('/');
    const std::string_view segment = rest.substr(0, slash);
    const std::size_t name = parameters_of(segment);
    if (has_dots(segment)) result.refusal = "dot_segment";
    if (name != segment.npos) result.parameters = true;
    // An empty last segment is just a final slash; one of parameters alone may become "//" elsewhere.
    if (name == 0 || (segment.empty() && slash != rest.npos)) result.empty_segment = true;
    if (slash == rest.npos) return;
    rest.remove_prefix(slash + 1);
  }
}

enum class Look { canonical, plain_escapes, refused };

// Most paths have nothing to decode: they are judged where they lie.
Look look_at(std::string_view raw) {
  Look look = Look::canonical;
  for (const char c : raw) {
    if (c == '%') look = Look::plain_escapes;
    if (!is_a(c, kTargetChar) || c == '\\' || c == '?') return Look::refused;
  }
  return look;
}

}  // namespace

NormalPath normalise_path(std::string_view raw, std::string& scratch) {
  NormalPath result;
  result.path = raw;
  if (raw.empty() || raw.front() != '/') {
    result.refusal = "no_slash";
    return result;
  }
  const Look look = look_at(raw);
  if (look == Look::refused) {
    result.refusal = "bad_byte_in_path";
    return result;
  }
  if (look == Look::plain_escapes) {
    scratch.clear();
    result.refusal = decode(raw, scratch);
    result.path = scratch;
    if (!result.good()) return result;
    if (doubly_encoded(result.path)) result.refusal = "double_encoding";
    result.encoded_slash = result.path.find("%2F") != result.path.npos;
  }
  judge_segments(result);
  return result;
}

std::string read_as(std::string_view path, const Reading& reading) {
  std::string out;
  bool in_parameters = false;
  for (std::size_t i = 0; i < path.size(); ++i) {
    char c = path[i];
    const std::string_view escape = path.substr(i, 3);
    if (reading.decode_slashes && escape == "%2F") {
      c = '/';
      i += 2;
    }
    if (c == '/') in_parameters = false;
    if (reading.cut_parameters && (c == ';' || escape == "%3B")) in_parameters = true;
    if (in_parameters) continue;
    if (reading.merge_slashes && c == '/' && !out.empty() && out.back() == '/') continue;
    out += c;
  }
  return out;
}

std::string_view without_prefix(std::string_view path, std::string_view prefix) {
  while (!prefix.empty() && prefix.back() == '/') prefix.remove_suffix(1);
  if (prefix.empty() || path.substr(0, prefix.size()) != prefix) return path;
  const std::string_view rest = path.substr(prefix.size());
  if (rest.empty()) return "/";
  return rest.front() == '/' ? rest : path;
}

}  // namespace sallyport::gateway
