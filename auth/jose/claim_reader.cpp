#include "auth/jose/claim_reader.hpp"

#include <boost/json/array.hpp>
#include <boost/json/string.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <cmath>
#include <limits>

namespace sallyport::jose {
namespace {

namespace json = boost::json;
using std::string_view;

// Beyond 2^53 seconds doubles skip integers, and adding a clock skew could overflow: no such moment is meant.
constexpr std::int64_t kLatest = std::int64_t{1} << 53;

// Absent is fine and leaves `out`; false: there, but no string.
bool read_string(const json::object& all, const char* name, std::string& out) {
  const json::value* value = all.if_contains(name);
  if (value == nullptr) return true;
  if (!value->is_string()) return false;
  out = string_view(value->get_string());
  return true;
}

template <typename T>
bool read_unsigned(const json::object& all, const char* name, T& out) {
  const json::value* value = all.if_contains(name);
  if (value == nullptr) return true;
  std::uint64_t number = 0;
  if (value->is_uint64()) {
    number = value->get_uint64();
  } else if (value->is_int64() && value->get_int64() >= 0) {
    number = static_cast<std::uint64_t>(value->get_int64());
  } else {
    return false;
  }
  if (number > std::numeric_limits<T>::max()) return false;
  out = static_cast<T>(number);
  return true;
}

// A NumericDate, cut to whole seconds (RFC 7519 section 2 allows fractions).
bool read_time(const json::object& all, const char* name, std::optional<UnixSeconds>& out) {
  const json::value* value = all.if_contains(name);
  if (value == nullptr) return true;
  std::int64_t seconds = 0;
  if (value->is_int64()) {
    seconds = value->get_int64();
  } else if (value->is_double()) {
    const double d = std::floor(value->get_double());
    if (!(d >= -static_cast<double>(kLatest) && d <= static_cast<double>(kLatest))) return false;
    seconds = static_cast<std::int64_t>(d);
  } else {
    return false;
  }
  if (seconds < -kLatest || seconds > kLatest) return false;
  out = UnixSeconds(std::chrono::seconds(seconds));
  return true;
}

void add_words(string_view text, std::vector<std::string>& out) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    if (end > 0) out.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

void add_strings(const json::value& value, std::vector<std::string>& out) {
  if (!value.is_array()) return;
  for (const json::value& one : value.get_array())
    if (one.is_string()) out.emplace_back(string_view(one.get_string()));
}

void read_scopes(const json::object& all, string_view claim, std::vector<std::string>& out) {
  const json::value* value = claim.empty() ? all.if_contains("scope") : find_claim(all, claim);
  if (value == nullptr && claim.empty()) value = all.if_contains("scp");
  if (value == nullptr) return;
  if (value->is_string()) add_words(value->get_string(), out);
  add_strings(*value, out);
}

bool audience_is_well_formed(const json::object& all) {
  const json::value* value = all.if_contains("aud");
  if (value == nullptr || value->is_string()) return true;
  if (!value->is_array()) return false;
  const json::array& array = value->get_array();
  return std::all_of(array.begin(), array.end(), [](const json::value& v) { return v.is_string(); });
}

}  // namespace

std::optional<ReadClaims> read_claims(const json::object& all, const ClaimPlaces& places, bool own) {
  ReadClaims read{std::make_shared<Claims>()};
  Claims& claims = *read.claims;
  std::optional<UnixSeconds> expires, issued;
  if (!read_string(all, "iss", claims.issuer) || !read_string(all, "sub", claims.subject) ||
      !read_string(all, "jti", claims.token_id) || !read_string(all, "sid", claims.session_id) ||
      !audience_is_well_formed(all) || !read_time(all, "exp", expires) || !read_time(all, "iat", issued) ||
      !read_time(all, "nbf", claims.not_before))
    return std::nullopt;
  // Foreign issuers may mean anything by these names.
  if (own && (!read_unsigned(all, "gen", claims.generation) || !read_unsigned(all, "epoch", claims.epoch)))
    return std::nullopt;
  claims.own = own;
  read.has_expiry = expires.has_value();
  claims.expires = expires.value_or(UnixSeconds{});
  claims.issued_at = issued.value_or(UnixSeconds{});
  if (const json::value* roles = find_claim(all, places.roles)) {
    if (roles->is_string()) claims.roles.emplace_back(string_view(roles->get_string()));
    add_strings(*roles, claims.roles);
  }
  read_scopes(all, places.scopes, claims.scopes);
  return read;
}

bool names_audience(const json::object& all, string_view claim, const std::vector<std::string>& wanted) {
  const json::value* value = find_claim(all, claim);
  if (value == nullptr) return false;
  const auto is_wanted = [&](const json::value& one) {
    return one.is_string() &&
           std::find(wanted.begin(), wanted.end(), string_view(one.get_string())) != wanted.end();
  };
  if (!value->is_array()) return is_wanted(*value);
  const json::array& array = value->get_array();
  return std::any_of(array.begin(), array.end(), is_wanted);
}

}  // namespace sallyport::jose
