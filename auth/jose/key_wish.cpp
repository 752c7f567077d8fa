#include "auth/jose/key_wish.hpp"

#include "auth/jose/base64url.hpp"
#include "auth/jose/compact_jws.hpp"
#include "auth/jose/strict_json.hpp"

namespace sallyport::jose {

std::optional<KeyWish> key_wish(std::string_view token) {
  if (token.size() > kMaxToken) return std::nullopt;
  const auto parts = split_compact(token);
  if (!parts) return std::nullopt;
  const auto header_text = base64url_decode(parts->header);
  const auto claims_text = base64url_decode(parts->payload);
  if (!header_text || !claims_text) return std::nullopt;
  const auto header_json = parse_strict_json(*header_text);
  const auto claims = parse_strict_json(*claims_text);
  if (!header_json || !claims || !claims->is_object()) return std::nullopt;
  const auto header = read_jws_header(*header_json);
  const boost::json::value* issuer = claims->get_object().if_contains("iss");
  if (!header || issuer == nullptr || !issuer->is_string()) return std::nullopt;
  return KeyWish{std::string(issuer->get_string()), std::string(header->key_id)};
}

}  // namespace sallyport::jose
