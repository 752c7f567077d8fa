#include "auth/policy/access_policy.hpp"

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <charconv>
#include <concepts>
#include <string_view>

namespace sallyport::policy {
namespace {

using Names = std::vector<std::string>;

bool contains(const Names& names, std::string_view name) {
  return std::any_of(names.begin(), names.end(), [&](const std::string& one) { return one == name; });
}

bool any_of(const Names& wanted, const Names& held) {
  return std::any_of(held.begin(), held.end(), [&](const std::string& one) { return contains(wanted, one); });
}

bool contains_number(const Names& wanted, std::integral auto number) {
  char text[24];
  const auto [end, ec] = std::to_chars(std::begin(text), std::end(text), number);
  return ec == std::errc() && contains(wanted, std::string_view(text, static_cast<std::size_t>(end - text)));
}

// One value that isn't an array. A fraction has no single spelling, so it never equals a text.
bool scalar_is_any(const boost::json::value& value, const Names& wanted) {
  if (const auto* text = value.if_string()) return contains(wanted, {text->data(), text->size()});
  if (const bool* flag = value.if_bool()) return contains(wanted, *flag ? "true" : "false");
  if (const auto* number = value.if_int64()) return contains_number(wanted, *number);
  if (const auto* number = value.if_uint64()) return contains_number(wanted, *number);
  return false;
}

bool is_any(const boost::json::value& value, const Names& wanted) {
  const auto* array = value.if_array();
  if (array == nullptr) return scalar_is_any(value, wanted);
  return std::any_of(array->begin(), array->end(),
                     [&](const auto& element) { return scalar_is_any(element, wanted); });
}

}  // namespace

AccessPolicy::AccessPolicy(const config::Allow& allow)
    : roles_(allow.roles),
      scopes_(allow.scopes),
      issuers_(allow.issuers),
      claims_(allow.claims.begin(), allow.claims.end()) {}

bool AccessPolicy::permits(const jose::Claims& claims) const {
  if (!roles_.empty() && !any_of(roles_, claims.roles)) return false;
  if (!scopes_.empty() && !any_of(scopes_, claims.scopes)) return false;
  if (!issuers_.empty() && !contains(issuers_, claims.issuer)) return false;
  return std::all_of(claims_.begin(), claims_.end(), [&](const auto& rule) {
    const boost::json::value* value = claims.find(rule.first);
    return value != nullptr && is_any(*value, rule.second);
  });
}

}  // namespace sallyport::policy
