// JSON that strangers send: what is taken says the same when it is written and read again (a number with an
// exponent but for its last digits: Boost reads those as fast as it can), is no deeper than allowed, and
// names no member twice; the same parser used again gives the same answer.
// Covers: auth/jose/strict_json.cpp
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "auth/jose/strict_json.hpp"

namespace {

using namespace sallyport::jose;
namespace json = boost::json;

void require(bool held) {
  if (!held) std::abort();
}

std::size_t depth_of(const json::value& value) {
  std::size_t deepest = 0;
  if (const auto* object = value.if_object())
    for (const auto& member : *object) deepest = std::max(deepest, depth_of(member.value()));
  else if (const auto* array = value.if_array())
    for (const auto& element : *array) deepest = std::max(deepest, depth_of(element));
  else
    return 0;
  return deepest + 1;
}

bool same(const json::value& a, const json::value& b) {
  if (a.is_double() && b.is_double())
    return std::abs(a.get_double() - b.get_double()) <= 1e-14 * std::abs(a.get_double());
  if (a.is_array() && b.is_array())
    return std::equal(a.get_array().begin(), a.get_array().end(), b.get_array().begin(), b.get_array().end(),
                      same);
  if (!a.is_object() || !b.is_object()) return a == b;
  const json::object& other = b.get_object();
  return a.get_object().size() == other.size() &&
         std::all_of(a.get_object().begin(), a.get_object().end(), [&](const json::key_value_pair& member) {
           const json::value* value = other.if_contains(member.key());
           return value != nullptr && same(member.value(), *value);
         });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  static StrictJsonParser kept;
  const auto value = parse_strict_json(text);
  const auto again = kept.parse(text);
  require(value.has_value() == again.has_value());
  if (!value) return 0;
  require(*value == *again);
  require(depth_of(*value) <= kMaxJsonDepth);
  const auto twice = parse_strict_json(json::serialize(*value));
  require(twice.has_value() && same(*twice, *value));
  return 0;
}
