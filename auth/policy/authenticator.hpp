// Decides about one request to a route: who is it, and may it pass (CONTRACT sections 3 and 5)? Synchronous,
// no I/O, no clock. One per worker. A token that is in the cache costs one hash and no allocation.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "auth/jose/token_verifier.hpp"
#include "auth/policy/access_policy.hpp"
#include "auth/policy/credential.hpp"
#include "auth/policy/verified_cache.hpp"
#include "auth/revocation/revocation_set.hpp"
#include "config/config.hpp"

namespace sallyport::policy {

enum class Verdict : std::uint8_t {
  allowed,            // `claims` says who
  anonymous,          // allowed without an identity: `none`, or `optional` without a token
  token_missing,      // 401
  token_malformed,    // 400
  token_invalid,      // 401; `reason` is for the log
  token_expired,      // 401 with Token-Expired; `claims` for the log
  token_revoked,      // 401; `claims` for the log
  forbidden,          // 403; `claims` for the log
  store_unavailable,  // 503
};
std::string_view to_string(Verdict verdict);  // the `error` of CONTRACT section 3; "allowed", "anonymous"
inline bool passes(Verdict verdict) { return verdict == Verdict::allowed || verdict == Verdict::anonymous; }

struct Decision {
  Verdict verdict = Verdict::store_unavailable;
  std::optional<jose::TokenError> reason;  // token_invalid
  std::shared_ptr<const jose::Claims> claims;
  revocation::Digests digests;  // of `claims`: a stream asks the index again with them
  bool first_seen = false;      // verified just now, at least once of a token: confirm its generation
  bool unchecked = false;       // passed without the index (degraded: open): counted, loudly
};

struct RoutePolicy {
  config::AuthMode auth = config::AuthMode::required;
  AccessPolicy access;
  config::Degraded degraded = config::Degraded::closed;
};

// How old what we know of revocations is.
struct Freshness {
  bool ready = false;                // the log has been read whole once
  std::chrono::milliseconds age{0};  // LogFollower::staleness
};

class Authenticator {
 public:
  using Issuers = std::shared_ptr<const std::vector<jose::Issuer>>;
  using Tell = std::string (*)(const jose::Claims&);
  // `tell` writes Claims::lines of each token that is verified; nullptr: nobody needs them.
  Authenticator(Issuers issuers, std::chrono::milliseconds max_staleness, std::size_t cache_bytes,
                Tell tell = nullptr);

  // New keys or issuers: what was verified under the old ones is verified again.
  void use(Issuers issuers);
  void use(std::chrono::milliseconds max_staleness) { max_staleness_ = max_staleness; }
  // The follower's newest index.
  void use(std::shared_ptr<const revocation::RevocationSet> index) { index_ = std::move(index); }

  Decision decide(const Credential& credential, const RoutePolicy& policy, UnixSeconds now,
                  Freshness freshness);
  // The same for claims of a token that was verified before (a one-time ticket carries them).
  Decision decide(std::shared_ptr<const jose::Claims> claims, const RoutePolicy& policy, UnixSeconds now,
                  Freshness freshness);

  // The claims of a token that is good but for expiry and revocation (logout, refresh with both tokens).
  boost::system::result<std::shared_ptr<const jose::Claims>, jose::TokenError> claims_of(
      std::string_view token, UnixSeconds now);

  // The moment from which a token of these claims is expired, the issuer's clock skew granted.
  UnixSeconds end_of(const jose::Claims& claims) const;
  const revocation::RevocationSet& index() const { return *index_; }
  const VerifiedCache& cache() const { return cache_; }

 private:
  struct Known;
  Known know(std::string_view token, UnixSeconds now);
  Decision judge(Known known, const RoutePolicy& policy, UnixSeconds now, Freshness freshness);

  Issuers issuers_;
  jose::TokenVerifier verifier_;
  std::chrono::milliseconds max_staleness_;
  VerifiedCache cache_;
  Tell tell_;
  std::uint64_t key_generation_ = 0;
  std::shared_ptr<const revocation::RevocationSet> index_ = revocation::RevocationSet::empty();
};

}  // namespace sallyport::policy
