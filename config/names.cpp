#include "config/names.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "config/suggest.hpp"
#include "config/urls.hpp"

namespace sallyport::config {
namespace {

bool is_alnum(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }

std::string lower(std::string_view text) {
  std::string out(text);
  for (auto& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

int hex(char c) {
  c = upper(c);
  if (c >= '0' && c <= '9') return c - '0';
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

// Segments . and .. in clear; their encoded spellings decode to these first.
bool has_dot_segment(std::string_view path) {
  for (std::size_t at = 0; at < path.size();) {
    const auto end = std::min(path.find('/', at + 1), path.size());
    const auto segment = path.substr(at + 1, end - at - 1);
    if (segment == "." || segment == "..") return true;
    at = end;
  }
  return false;
}

// Unreserved characters decoded, hex in upper case; nothing for a broken escape or one that no request may
// hold.
std::optional<std::string> normalised(std::string_view path) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  constexpr std::string_view kUnreserved = "-._~";
  std::string out;
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (path[i] != '%') {
      out += path[i];
      continue;
    }
    const int high = i + 2 < path.size() ? hex(path[i + 1]) : -1;
    const int low = i + 2 < path.size() ? hex(path[i + 2]) : -1;
    if (high < 0 || low < 0) return std::nullopt;
    const auto byte = static_cast<char>(high * 16 + low);
    if (is_alnum(byte) || kUnreserved.find(byte) != std::string_view::npos) {
      out += byte;
    } else {
      const auto value = static_cast<unsigned char>(byte);
      if (value < 0x20 || value == 0x7f || byte == '/' || byte == '\\' || byte == '%') return std::nullopt;
      out += '%';
      out += kHex[static_cast<std::size_t>(high)];
      out += kHex[static_cast<std::size_t>(low)];
    }
    i += 2;
  }
  return out;
}

}  // namespace

std::string path_flaw(std::string_view path) {
  constexpr std::string_view kSegment = "/-._~!$&'()+,=:@%";
  if (!path.starts_with('/')) return "a path begins with /";
  if (path.find('*') != std::string_view::npos)
    return "there are no wildcards: /x/ covers /x and everything below it";
  for (const char c : path)
    if (!is_alnum(c) && kSegment.find(c) == std::string_view::npos)
      return "a path holds no " +
             (static_cast<signed char>(c) > 0x20 ? in_quotes({&c, 1}) : std::string("such byte")) +
             (c == ';' || c == '?' || c == '#' ? "" : "; write it as %XX");
  const auto normal = normalised(path);
  if (!normal) return "it holds a % that no request path may hold";
  if (has_dot_segment(*normal)) return "it has a . or .. segment";
  if (normal->find("//") != std::string::npos) return "it has an empty segment (//)";
  if (*normal != path) return "it is not in normal form; write " + in_quotes(*normal);
  return {};
}

bool is_token(std::string_view text) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return is_alnum(c) || kMarks.find(c) != std::string_view::npos;
  });
}

bool is_hop_by_hop(std::string_view field) {
  constexpr std::array<std::string_view, 13> kFields{"connection",
                                                     "keep-alive",
                                                     "proxy-connection",
                                                     "proxy-authenticate",
                                                     "proxy-authorization",
                                                     "te",
                                                     "trailer",
                                                     "transfer-encoding",
                                                     "upgrade",
                                                     "content-length",
                                                     "host",
                                                     "expect",
                                                     "http2-settings"};
  return std::find(kFields.begin(), kFields.end(), lower(field)) != kFields.end();
}

std::string claim_header_flaw(std::string_view field) {
  const auto name = lower(field);
  if (!is_token(field)) return "is no header name";
  if (is_hop_by_hop(field)) return "belongs to the connection or frames the message";
  if (name.find('_') != std::string::npos)
    return "holds an underscore, which servers fold into a hyphen; write a hyphen";
  if (name.starts_with("x-auth-")) return "is the gateway's own (X-Auth-*); choose another";
  if (name.starts_with("x-forwarded-") || name == "forwarded" || name == "x-request-id" ||
      name == "x-real-ip" || name == "traceparent" || name == "tracestate" || name == "authorization" ||
      name == "cookie" || name == "sallyport-response")
    return "has a meaning of its own; choose another";
  return {};
}

bool is_origin(std::string_view text) {
  const auto colon = text.find("://");
  if (colon == std::string_view::npos || colon == 0 || lower(text) != text) return false;
  const auto rest = text.substr(colon + 3);
  if (rest.empty() || rest.find_first_of("/?#@ \\\"<>,;") != std::string_view::npos) return false;
  return std::all_of(rest.begin(), rest.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

bool covers(std::string_view outer, std::string_view inner) {
  if (outer == inner) return true;
  if (!outer.ends_with('/')) return false;
  return inner.starts_with(outer) || inner == outer.substr(0, outer.size() - 1);
}

}  // namespace sallyport::config
