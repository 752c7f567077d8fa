#include "gateway/cookies.hpp"

#include <algorithm>

#include "gateway/text.hpp"

namespace sallyport::gateway {
namespace {

// RFC 6265bis 5.6: browsers keep no cookie longer.
constexpr long long kLongest = 400LL * 86400;

bool is_ours(std::string_view name) { return iequals(name, kAccessCookie) || iequals(name, kRefreshCookie); }

// Calls act(pair, name, value) for each pair of a Cookie field.
template <class Act>
void for_each_cookie(std::string_view field, Act act) {
  while (!field.empty()) {
    const std::size_t end = field.find(';');
    const std::string_view pair = trim(field.substr(0, end));
    const std::size_t equals = std::min(pair.find('='), pair.size());
    if (!pair.empty())
      act(pair, trim(pair.substr(0, equals)), trim(pair.substr(std::min(equals + 1, pair.size()))));
    if (end == field.npos) return;
    field.remove_prefix(end + 1);
  }
}

// What tokens are made of: base64url and dots.
bool is_token_text(std::string_view value) {
  return !value.empty() && std::all_of(value.begin(), value.end(), [](char c) {
    return (lower(c) >= 'a' && lower(c) <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
  });
}

std::string line(std::string_view name, std::string_view value, long long max_age) {
  std::string text = "Set-Cookie: ";
  text.append(name).append("=").append(value);
  return text + "; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=" + std::to_string(max_age) + "\r\n";
}

constexpr std::string_view kPrivate = "Cache-Control: private, no-store\r\n";

// "https://a.example" of an authority that may have capitals and the scheme's own port.
std::string origin_of(std::string_view authority, bool https) {
  std::string origin = https ? "https://" : "http://";
  const std::string_view standard = https ? ":443" : ":80";
  if (authority.ends_with(standard)) authority.remove_suffix(standard.size());
  for (const char c : authority) origin += lower(c);
  return origin;
}

const Field* find_named(const RequestHead& head, std::string_view name) {
  for (const Field& field : head.fields)
    if (iequals(field.name, name)) return &field;
  return nullptr;
}

// Browsers say so since 2020 to 2023; older ones are known by what they want to see.
bool is_navigation(const RequestHead& head) {
  if (head.method != "GET" && head.method != "HEAD") return false;
  if (const Field* mode = find_named(head, "Sec-Fetch-Mode")) return mode->value == "navigate";
  const Field* accept = head.find(FieldId::accept);
  return accept != nullptr && accept->value.find("text/html") != std::string_view::npos;
}

void append_escaped(std::string& out, std::string_view text) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  for (const char c : text) {
    if (is_a(c, kUnreserved) || c == '/') {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += '%';
    out += digits[byte >> 4];
    out += digits[byte & 15];
  }
}

}  // namespace

SessionCookies read_cookies(const RequestHead& head) {
  SessionCookies cookies;
  bool malformed = false;
  for (const Field& field : head.fields) {
    if (field.id != FieldId::cookie) continue;
    for_each_cookie(field.value, [&](std::string_view, std::string_view name, std::string_view value) {
      if (name != kAccessCookie && name != kRefreshCookie) return;
      std::string_view& place = name == kAccessCookie ? cookies.access : cookies.refresh;
      malformed = malformed || !place.empty() || !is_token_text(value);
      place = value;
    });
  }
  if (malformed) return {SessionCookies::State::malformed, {}, {}};
  if (!cookies.access.empty() || !cookies.refresh.empty()) cookies.state = SessionCookies::State::good;
  return cookies;
}

std::string without_our_cookies(std::string_view value) {
  std::string left;
  for_each_cookie(value, [&](std::string_view pair, std::string_view name, std::string_view) {
    if (is_ours(name)) return;
    if (!left.empty()) left += "; ";
    left += pair;
  });
  return left;
}

bool sets_our_cookie(std::string_view value) {
  return is_ours(trim(value.substr(0, value.find_first_of("=;"))));
}

std::string cookie_lines(const sessions::TokenPair& pair) {
  const long long life =
      pair.refresh_expires_in ? std::min<long long>(pair.refresh_expires_in->count(), kLongest) : kLongest;
  // The access token's outlives it: what is expired is refreshed, what is missing was never there.
  return line(kAccessCookie, pair.access_token, life) + line(kRefreshCookie, pair.refresh_token, life) +
         std::string(kPrivate);
}

std::string clearing_lines() {
  return line(kAccessCookie, {}, 0) + line(kRefreshCookie, {}, 0) + std::string(kPrivate);
}

bool origin_allowed(const RequestHead& head, bool https, std::span<const std::string> also) {
  const Field* origin = nullptr;
  for (const Field& field : head.fields) {
    if (field.id != FieldId::origin) continue;
    if (origin != nullptr) return false;
    origin = &field;
  }
  if (origin == nullptr || head.authority.empty()) return false;
  return origin->value == origin_of(head.authority, https) ||
         std::find(also.begin(), also.end(), origin->value) != also.end();
}

bool needs_origin(const RequestHead& head) {
  return head.upgrade || (head.method != "GET" && head.method != "HEAD");
}

std::string login_page_of(const config::AuthEndpoints& auth) {
  if (!auth.cookies.on) return {};
  return auth.cookies.login_page == "own" ? auth.prefix + "/account" : auth.cookies.login_page;
}

std::optional<std::string> login_location(const RequestHead& head, const config::AuthEndpoints& auth,
                                          std::string_view query) {
  const std::string page = login_page_of(auth);
  if (page.empty() || !is_navigation(head) || head.find(FieldId::authorization) != nullptr)
    return std::nullopt;
  if (head.raw_path == std::string_view(page).substr(0, page.find_first_of("?#"))) return std::nullopt;
  std::string location = page;
  // A path that another reader may take for //host stays behind.
  if (head.raw_path.starts_with('/') && !head.raw_path.starts_with("//") &&
      head.raw_path.find('\\') == std::string_view::npos) {
    location += page.find('?') == std::string::npos ? "?return_to=" : "&return_to=";
    append_escaped(location, head.raw_path);
    if (!query.empty()) {
      location += "%3F";
      append_escaped(location, query);
    }
  }
  return location;
}

}  // namespace sallyport::gateway
