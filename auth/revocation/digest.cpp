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

// Hashes ids of one issuer, whose name goes in once. Its length comes first: ("ab", "c") and ("a", "bc") are
// two things.
class IssuersDigests {
 public:
  explicit IssuersDigests(std::string_view issuer) : issuer_(process_key()) {
    add(issuer_, issuer.size());
    issuer_.add(issuer);
  }
  Digest of(Kind kind, std::string_view id) const {
    SipHash128 hash = issuer_;
    add(hash, static_cast<std::uint64_t>(kind));
    hash.add(id);
    const SipHash128::Result result = hash.finish();
    return {result.first, result.second};
  }

 private:
  static void add(SipHash128& hash, std::uint64_t number) {
    hash.add({reinterpret_cast<const char*>(&number), sizeof number});
  }
  SipHash128 issuer_;
};

}  // namespace

Digest digest(Kind kind, std::string_view issuer, std::string_view id) {
  return IssuersDigests(issuer).of(kind, id);
}

Digests digests_of(const jose::Claims& claims) {
  const IssuersDigests issuer(claims.issuer);
  Digests digests;
  digests.has_token = !claims.token_id.empty();
  digests.has_session = !claims.session_id.empty();
  if (digests.has_token) digests.token = issuer.of(Kind::token, claims.token_id);
  if (digests.has_session) digests.session = issuer.of(Kind::session, claims.session_id);
  digests.user = issuer.of(Kind::user, claims.subject);
  digests.key = issuer.of(Kind::key, claims.key_id);
  return digests;
}

}  // namespace sallyport::revocation
