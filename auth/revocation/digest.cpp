// The keyed hash under which the index knows a token, a session, a user or a key.
#include <openssl/rand.h>

#include <stdexcept>

#include "auth/revocation/revocation_set.hpp"
#include "auth/revocation/siphash.hpp"

namespace sallyport::revocation {
namespace {

SipHash128::Key draw_key() {
  SipHash128::Key key;
  if (RAND_bytes(reinterpret_cast<unsigned char*>(key.data()), sizeof key) != 1)
    throw std::runtime_error("no random bytes for the key of the revocation index");
  return key;
}

// Drawn once; constant from then on, so every worker may read it.
const SipHash128::Key& process_key() {
  static const SipHash128::Key key = draw_key();
  return key;
}

}  // namespace

Digest digest(Kind kind, std::string_view issuer, std::string_view id) {
  // The issuer's length comes first: ("ab", "c") and ("a", "bc") are two things.
  const std::uint64_t head = static_cast<std::uint64_t>(kind) << 56 | issuer.size();
  SipHash128 hash(process_key());
  hash.add({reinterpret_cast<const char*>(&head), sizeof head});
  hash.add(issuer);
  hash.add(id);
  const SipHash128::Result result = hash.finish();
  return {result.first, result.second};
}

Digests digests_of(const jose::Claims& claims) {
  Digests digests;
  digests.has_token = !claims.token_id.empty();
  digests.has_session = !claims.session_id.empty();
  if (digests.has_token) digests.token = digest(Kind::token, claims.issuer, claims.token_id);
  if (digests.has_session) digests.session = digest(Kind::session, claims.issuer, claims.session_id);
  digests.user = digest(Kind::user, claims.issuer, claims.subject);
  digests.key = digest(Kind::key, claims.issuer, claims.key_id);
  return digests;
}

}  // namespace sallyport::revocation
