#include "auth/jose/claim_reader.hpp"

#include <boost/json/array.hpp>
#include <boost/json/string.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

namespace sallyport::jose {
namespace {

namespace json = boost::json;
using std::string_view;

// Beyond 2^53 seconds doubles skip integers, and adding a clock skew could overflow: no such moment is meant.
constexpr std::int64_t kLatest = std::int64_t{1} << 53;

// The members that have a fixed name; nullptr: absent.
struct Registered {
  const json::value *iss = nullptr, *sub = nullptr, *jti = nullptr, *sid = nullptr, *aud = nullptr,
                    *exp = nullptr, *iat = nullptr, *nbf = nullptr, *gen = nullptr, *epoch = nullptr,
                    *scope = nullptr, *scp = nullptr;
};

// One walk over all members costs less than a search for each name.
Registered registered_of(const json::object& all) {
  using Place = const json::value* Registered::*;
  static constexpr std::array<std::pair<string_view, Place>, 12> kPlaces{{{"iss", &Registered::iss},
                                                                          {"sub", &Registered::sub},
                                                                          {"jti", &Registered::jti},
                                                                          {"sid", &Registered::sid},
                                                                          {"aud", &Registered::aud},
                                                                          {"exp", &Registered::exp},
                                                                          {"iat", &Registered::iat},
                                                                          {"nbf", &Registered::nbf},
                                                                          {"gen", &Registered::gen},
                                                                          {"epoch", &Registered::epoch},
                                                                          {"scope", &Registered::scope},
                                                                          {"scp", &Registered::scp}}};
  Registered found;
  for (const auto& member : all) {
    const string_view name = member.key();
    if (name.size() < 3 || name.size() > 5) continue;
    for (const auto& [known, place] : kPlaces)
      if (name[0] == known[0] && name == known) found.*place = &member.value();
  }
  return found;
}

// Absent is fine and leaves `out`; false: there, but no string.
bool read_string(const json::value* value, std::string& out) {
  if (value == nullptr) return true;
  if (!value->is_string()) return false;
  out = string_view(value->get_string());
  return true;
}

template <typename T>
bool read_unsigned(const json::value* value, T& out) {
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
bool read_time(const json::value* value, std::optional<UnixSeconds>& out) {
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

void read_scopes(const json::value* value, std::vector<std::string>& out) {
  if (value == nullptr) return;
  if (value->is_string()) add_words(value->get_string(), out);
  add_strings(*value, out);
}

bool audience_is_well_formed(const json::value* value) {
  if (value == nullptr || value->is_string()) return true;
  if (!value->is_array()) return false;
  const json::array& array = value->get_array();
  return std::all_of(array.begin(), array.end(), [](const json::value& v) { return v.is_string(); });
}

}  // namespace

std::optional<ReadClaims> read_claims(json::object&& all, const ClaimPlaces& places, bool own) {
  ReadClaims read{std::make_shared<Claims>(std::move(all))};
  Claims& claims = *read.claims;
  const Registered named = registered_of(claims.all);
  std::optional<UnixSeconds> expires, issued;
  if (!read_string(named.iss, claims.issuer) || !read_string(named.sub, claims.subject) ||
      !read_string(named.jti, claims.token_id) || !read_string(named.sid, claims.session_id) ||
      !audience_is_well_formed(named.aud) || !read_time(named.exp, expires) ||
      !read_time(named.iat, issued) || !read_time(named.nbf, claims.not_before))
    return std::nullopt;
  // Foreign issuers may mean anything by these names.
  if (own && (!read_unsigned(named.gen, claims.generation) || !read_unsigned(named.epoch, claims.epoch)))
    return std::nullopt;
  claims.own = own;
  read.has_expiry = expires.has_value();
  claims.expires = expires.value_or(UnixSeconds{});
  claims.issued_at = issued.value_or(UnixSeconds{});
  if (const json::value* roles = find_claim(claims.all, places.roles)) {
    if (roles->is_string()) claims.roles.emplace_back(string_view(roles->get_string()));
    add_strings(*roles, claims.roles);
  }
  const json::value* const usual = named.scope != nullptr ? named.scope : named.scp;
  read_scopes(places.scopes.empty() ? usual : find_claim(claims.all, places.scopes), claims.scopes);
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
