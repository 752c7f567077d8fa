// The files that keys are loaded from, damaged in every way: the first byte chooses a PEM (for no algorithm,
// or a certain one) or the state.json of a key folder.
// Covers: auth/jose/key_state.cpp, auth/jose/key_rotation.cpp, auth/jose/key_checks.cpp
#include <openssl/evp.h>

#include <cstdint>
#include <cstdlib>
#include <set>
#include <string_view>

#include "auth/jose/key_checks.hpp"
#include "auth/jose/key_rotation.hpp"
#include "auth/jose/key_state.hpp"

namespace {

using namespace sallyport;
using namespace sallyport::jose;

void require(bool held) {
  if (!held) std::abort();
}

void load_pem(std::string_view pem, std::optional<Algorithm> algorithm) {
  const auto key = key_from_pem(pem, algorithm);
  if (!key) {
    require(!key.error().empty());
    return;
  }
  require(key->pkey != nullptr && !symmetric(key->algorithm) && (!algorithm || key->algorithm == *algorithm));
  require(key->id == thumbprint(*key) && good_key_id(key->id));
  if (EVP_PKEY_get_base_id(key->pkey.get()) == EVP_PKEY_RSA)
    require(EVP_PKEY_get_bits(key->pkey.get()) >= kMinRsaBits);
  if (!key->can_sign) require(private_pem(*key).empty());
}

void load_state(std::string_view text) {
  const auto entries = parse_state(text);
  if (!entries) {
    require(!entries.error().empty());
    return;
  }
  require(entries->size() <= kMaxKeys);
  std::set<std::string> ids;
  int current = 0, next = 0;
  for (const KeyInfo& key : *entries) {
    require(ids.insert(key.id).second);
    require(file_of(key).find('/') == std::string::npos && file_of(key).front() != '.');
    require(key.is_retired() == key.retired.has_value());
    current += !key.is_refresh() && key.is_current();
    next += key.is_next();
  }
  require(current <= 1 && next <= 1);
  const std::string written = write_state(*entries);
  const auto again = parse_state(written);
  require(again.has_value() && write_state(*again) == written);
  // Whatever ages stand there, the plan names keys of the folder alone, and never the one that signs.
  const RotationRules rules{std::chrono::hours(1), std::chrono::seconds(600), std::chrono::hours(24)};
  const RotationPlan plan =
      plan_rotation(*entries, Algorithm::es256, rules, UnixSeconds(std::chrono::seconds(1'800'000'000)));
  for (const std::string& id : plan.drop) {
    require(ids.count(id) == 1);
    for (const KeyInfo& key : *entries) require(key.id != id || !key.is_current());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 4) {
    case 0:
      load_state(rest);
      break;
    case 1:
      load_pem(rest, std::nullopt);
      break;
    case 2:
      load_pem(rest, Algorithm::rs256);
      break;
    default:
      load_pem(rest, Algorithm::es256);
  }
  return 0;
}
