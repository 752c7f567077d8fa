#include "gateway/key_handover.hpp"

#include <openssl/evp.h>

#include <algorithm>

#include "auth/jose/stored_keys.hpp"
#include "gateway/issuers.hpp"

namespace sallyport::gateway {
namespace {

bool same_keys(const jose::KeySet& a, const jose::KeySet& b) {
  return std::equal(a.keys().begin(), a.keys().end(), b.keys().begin(), b.keys().end(), same_key);
}

bool same_issuer(const jose::Issuer& a, const jose::Issuer& b) {
  return a.issuer == b.issuer && a.audience == b.audience && a.types == b.types &&
         a.places.roles == b.places.roles && a.places.scopes == b.places.scopes &&
         a.places.audience == b.places.audience && a.clock_skew == b.clock_skew &&
         a.max_lifetime == b.max_lifetime && a.own == b.own && same_keys(*a.keys, *b.keys);
}

bool same_source(const config::ForeignIssuer& a, const config::ForeignIssuer& b) {
  return a.issuer == b.issuer && a.jwks == b.jwks && a.discovery == b.discovery &&
         a.algorithms == b.algorithms;
}

// The keys of an issuer with a URL, which its configuration doesn't hold: known from before, where they came
// from the same place.
bool known_before(const std::string& issuer, const config::Tokens& before, const config::Tokens& after) {
  const auto named = [&](const config::ForeignIssuer& one) { return one.issuer == issuer; };
  const auto old_one = std::find_if(before.issuers.begin(), before.issuers.end(), named);
  const auto new_one = std::find_if(after.issuers.begin(), after.issuers.end(), named);
  return old_one != before.issuers.end() && new_one != after.issuers.end() && has_key_url(*new_one) &&
         same_source(*old_one, *new_one);
}

}  // namespace

bool same_key(const jose::Key& a, const jose::Key& b) {
  if (a.id != b.id || a.algorithm != b.algorithm || a.can_sign != b.can_sign) return false;
  if (!a.pkey || !b.pkey) return !a.pkey && !b.pkey && a.secret.equals(b.secret.reveal());
  return EVP_PKEY_eq(a.pkey.get(), b.pkey.get()) == 1;
}

KeySnapshot keys_after_reload(const KeySnapshot& current, const config::Tokens& before,
                              const KeySnapshot& loaded, const config::Tokens& after) {
  KeySnapshot next = loaded;
  const bool from_store = !after.issuer.empty() && jose::keys_in_store(after);
  if (from_store) {
    next.signing = current.signing;
    next.refresh = current.refresh;
    next.jwks = current.jwks;
  } else if (next.signing && current.signing && same_key(*next.signing, *current.signing)) {
    next.signing = current.signing;
  }
  auto issuers = std::make_shared<std::vector<jose::Issuer>>(*loaded.issuers);
  for (jose::Issuer& issuer : *issuers) {
    const auto old_one = std::find_if(current.issuers->begin(), current.issuers->end(),
                                      [&](const jose::Issuer& one) { return one.issuer == issuer.issuer; });
    if (old_one == current.issuers->end()) continue;
    if ((issuer.own && from_store) || (!issuer.own && known_before(issuer.issuer, before, after)))
      issuer.keys = old_one->keys;
  }
  const bool same = std::equal(issuers->begin(), issuers->end(), current.issuers->begin(),
                               current.issuers->end(), same_issuer);
  next.issuers = same ? current.issuers : policy::Authenticator::Issuers(std::move(issuers));
  return next;
}

}  // namespace sallyport::gateway
