// The claims of a token behind a good signature: any JSON that an issuer may write. Reading them ends, keeps
// within what clocks and headers can show, and finds the same by every way.
// Covers: auth/jose/claim_reader.cpp, auth/jose/strict_json.cpp
#include <boost/json/serialize.hpp>

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "auth/jose/claim_reader.hpp"
#include "auth/jose/strict_json.hpp"

namespace {

using namespace sallyport;
using namespace sallyport::jose;

constexpr std::int64_t kLastSecond = std::int64_t{1} << 53;  // beyond it a double isn't exact

void require(bool held) {
  if (!held) std::abort();
}

// Fractions may differ in the last place: Boost.JSON before 1.84 reads them no more exactly than that.
bool same(const boost::json::value& a, const boost::json::value& b) {
  if (a.is_double() && b.is_double())
    return std::abs(a.get_double() - b.get_double()) <= 1e-12 * std::abs(a.get_double());
  if (a.is_object() && b.is_object() && a.get_object().size() == b.get_object().size()) {
    for (const auto& [name, member] : a.get_object()) {
      const auto* other = b.get_object().if_contains(name);
      if (other == nullptr || !same(member, *other)) return false;
    }
    return true;
  }
  if (a.is_array() && b.is_array() && a.get_array().size() == b.get_array().size()) {
    for (std::size_t i = 0; i < a.get_array().size(); ++i)
      if (!same(a.get_array()[i], b.get_array()[i])) return false;
    return true;
  }
  return a == b;
}

void require_time(UnixSeconds time) {
  require(time.time_since_epoch().count() >= -kLastSecond && time.time_since_epoch().count() <= kLastSecond);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto value = parse_strict_json(text);
  if (!value) return 0;
  // What was read is written so that it reads as the same: no second meaning for an upstream.
  const std::string written = boost::json::serialize(*value);
  const auto again = parse_strict_json(written);
  require(again.has_value());
  require(same(*value, *again));
  if (!value->is_object()) return 0;
  const boost::json::object& all = value->get_object();
  for (const bool own : {true, false}) {
    const auto read = read_claims(boost::json::object(all), {.roles = "realm_access.roles"}, own);
    if (!read) continue;
    const Claims& claims = *read->claims;
    const boost::json::value* expiry = all.if_contains("exp");
    require(read->has_expiry == (expiry != nullptr));
    require_time(claims.expires);
    require_time(claims.issued_at);
    if (claims.not_before) require_time(*claims.not_before);
    for (const auto* name : {"iss", "sub", "jti"})
      if (const auto* member = all.if_contains(name)) require(member->is_string());
    if (!own) require(claims.generation == 0 && claims.epoch == 0);
    for (const auto& [name, member] : all) require(find_claim(all, name) == &member);
    if (names_audience(all, "aud", {"api"})) {
      const auto* audience = all.if_contains("aud");
      require(audience != nullptr && (audience->is_string() || audience->is_array()));
    }
  }
  return 0;
}
