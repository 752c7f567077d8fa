#include "auth/jose/compact_jws.hpp"

#include <boost/json/object.hpp>
#include <boost/json/string.hpp>

namespace sallyport::jose {
namespace {

namespace json = boost::json;
using std::string_view;

// False: the member is there, but no string.
bool read_member(const json::object& object, const char* name, string_view& out, bool* present = nullptr) {
  const json::value* value = object.if_contains(name);
  if (present != nullptr) *present = value != nullptr;
  if (value == nullptr) return true;
  if (!value->is_string()) return false;
  out = value->get_string();
  return true;
}

}  // namespace

std::optional<CompactJws> split_compact(string_view token) {
  const std::size_t first = token.find('.');
  if (first == token.npos) return std::nullopt;
  const std::size_t second = token.find('.', first + 1);
  if (second == token.npos || token.find('.', second + 1) != token.npos) return std::nullopt;
  CompactJws parts{token.substr(0, first), token.substr(first + 1, second - first - 1),
                   token.substr(second + 1), token.substr(0, second)};
  if (parts.header.empty() || parts.payload.empty() || parts.signature.empty()) return std::nullopt;
  return parts;
}

boost::system::result<JwsHeader, TokenError> read_jws_header(const json::value& value) {
  if (!value.is_object()) return TokenError::bad_header;
  const json::object& object = value.get_object();
  for (const char* name : {"crit", "b64", "zip", "enc"})
    if (object.contains(name)) return TokenError::critical_header;
  JwsHeader header;
  if (!read_member(object, "alg", header.algorithm) || header.algorithm.empty() ||
      !read_member(object, "kid", header.key_id, &header.has_key_id) ||
      !read_member(object, "typ", header.type, &header.has_type))
    return TokenError::bad_header;
  return header;
}

boost::system::result<const Key*, TokenError> choose_key(const JwsHeader& header, const KeySet& set) {
  const auto algorithm = parse_algorithm(header.algorithm);
  if (!algorithm) return TokenError::wrong_algorithm;  // "none" too
  if (header.has_key_id && header.key_id.empty()) return TokenError::unknown_key;
  const Key* key = set.find(header.key_id, *algorithm);
  if (key == nullptr) {
    const auto& keys = set.keys();
    const bool other_algorithm =
        !header.has_key_id && keys.size() == 1 && keys.front().algorithm != *algorithm;
    return other_algorithm ? TokenError::wrong_algorithm : TokenError::unknown_key;
  }
  if (key->algorithm != *algorithm) return TokenError::wrong_algorithm;
  return key;
}

}  // namespace sallyport::jose
