#include "auth/sessions/access_claims.hpp"

#include <boost/json/array.hpp>
#include <boost/json/string.hpp>

#include <cstdint>

namespace sallyport::sessions {
namespace {

// Length of the UTF-8 character at the front of `text` (RFC 3629: no overlong form, no surrogate); 0: not
// one.
std::size_t character(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i)
    if ((byte(i) & 0xc0) != 0x80) return 0;
  const unsigned char second = byte(1);
  const bool wrong = (first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f) ||
                     (first == 0xf0 && second < 0x90) || (first == 0xf4 && second > 0x8f);
  return wrong ? 0 : length;
}

// C0, DEL, and C1 (U+0080 to U+009F, two bytes: c2 80 to c2 9f).
bool control(std::string_view one) {
  const auto first = static_cast<unsigned char>(one[0]);
  return first < 0x20 || first == 0x7f || (first == 0xc2 && static_cast<unsigned char>(one[1]) < 0xa0);
}

}  // namespace

boost::json::object access_claims(const users::User& user, const config::ClaimNames& names) {
  boost::json::object claims;
  for (const auto& [name, value] : user.claims) claims[name] = value;
  if (!names.id.empty()) claims[names.id] = user.id;
  if (!names.name.empty()) claims[names.name] = user.name;
  boost::json::array roles;
  for (const std::string& role : user.roles) roles.emplace_back(role);
  if (!names.roles.empty()) claims[names.roles] = std::move(roles);
  return claims;
}

std::string clean_text(std::string_view text, std::size_t max_bytes) {
  std::string out;
  while (!text.empty()) {
    const std::size_t length = character(text);
    const std::string_view one = text.substr(0, length == 0 ? 1 : length);
    text.remove_prefix(one.size());
    if (length == 0 || control(one)) continue;
    if (out.size() + one.size() > max_bytes) break;
    out.append(one);
  }
  return out;
}

}  // namespace sallyport::sessions
