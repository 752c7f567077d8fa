#include "auth/jose/claims.hpp"

#include <boost/json/value.hpp>

namespace sallyport::jose {

// At each level the whole rest of the path is tried as a name first, then each prefix that ends before a dot:
// claim names of the field are URLs ("https://example.com/roles"), so dots in names are common.
const boost::json::value* find_claim(const boost::json::object& claims, std::string_view path) {
  if (const auto* whole = claims.if_contains(path)) return whole;
  for (std::size_t dot = path.find('.'); dot != path.npos; dot = path.find('.', dot + 1)) {
    const auto* inner = claims.if_contains(path.substr(0, dot));
    if (inner == nullptr || !inner->is_object()) continue;
    if (const auto* found = find_claim(inner->get_object(), path.substr(dot + 1))) return found;
  }
  return nullptr;
}

}  // namespace sallyport::jose
