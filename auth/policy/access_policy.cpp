#include "auth/policy/access_policy.hpp"

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <charconv>
#include <concepts>
#include <string_view>

namespace sallyport::policy {
namespace {

namespace json = boost::json;
using Names = std::vector<std::string>;

bool contains(const Names& names, std::string_view name) {
  return std::any_of(names.begin(), names.end(), [&](const std::string& one) { return one == name; });
}

bool any_of(const Names& wanted, const Names& held) {
  return std::any_of(held.begin(), held.end(), [&](const std::string& one) { return contains(wanted, one); });
}

bool each_of(const Names& wanted, const Names& held) {
  return std::all_of(wanted.begin(), wanted.end(),
                     [&](const std::string& one) { return contains(held, one); });
}

bool is_number(std::string_view wanted, std::integral auto number) {
  char text[24];
  const auto [end, ec] = std::to_chars(std::begin(text), std::end(text), number);
  return ec == std::errc() && wanted == std::string_view(text, static_cast<std::size_t>(end - text));
}

// One value that isn't an array. A fraction has no single spelling, so it never equals a text.
bool equals(const json::value& value, std::string_view wanted) {
  if (const auto* text = value.if_string()) return wanted == std::string_view(text->data(), text->size());
  if (const bool* flag = value.if_bool()) return wanted == (*flag ? "true" : "false");
  if (const auto* number = value.if_int64()) return is_number(wanted, *number);
  if (const auto* number = value.if_uint64()) return is_number(wanted, *number);
  return false;
}

bool holds(const json::value& value, std::string_view wanted) {
  const auto* array = value.if_array();
  if (array == nullptr) return equals(value, wanted);
  return std::any_of(array->begin(), array->end(), [&](const auto& one) { return equals(one, wanted); });
}

bool holds_any(const json::value& value, const Names& wanted) {
  return std::any_of(wanted.begin(), wanted.end(), [&](const auto& one) { return holds(value, one); });
}

bool holds_each(const json::value& value, const Names& wanted) {
  return std::all_of(wanted.begin(), wanted.end(), [&](const auto& one) { return holds(value, one); });
}

bool says_nothing(const json::value& value) {
  const auto* text = value.if_string();
  const auto* array = value.if_array();
  const auto* object = value.if_object();
  return value.is_null() || (text && text->empty()) || (array && array->empty()) ||
         (object && object->empty());
}

bool judge(const config::Allow::Values& rules, const jose::Claims& claims,
           bool (*good)(const json::value&, const Names&)) {
  return std::all_of(rules.begin(), rules.end(), [&](const auto& rule) {
    const json::value* value = claims.find(rule.first);
    return value != nullptr && good(*value, rule.second);
  });
}

}  // namespace

bool AccessPolicy::permits(const jose::Claims& claims) const {
  if (!allow_.roles.empty() && !any_of(allow_.roles, claims.roles)) return false;
  if (!each_of(allow_.all_roles, claims.roles)) return false;
  if (!allow_.scopes.empty() && !any_of(allow_.scopes, claims.scopes)) return false;
  if (!each_of(allow_.all_scopes, claims.scopes)) return false;
  if (!allow_.issuers.empty() && !contains(allow_.issuers, claims.issuer)) return false;
  if (!judge(allow_.claims, claims, holds_any) || !judge(allow_.all_claims, claims, holds_each)) return false;
  return std::all_of(allow_.has.begin(), allow_.has.end(), [&](const std::string& path) {
    const json::value* value = claims.find(path);
    return value != nullptr && !says_nothing(*value);
  });
}

}  // namespace sallyport::policy
