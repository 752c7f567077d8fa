#include "auth/policy/authenticator.hpp"

#include <algorithm>
#include <utility>

namespace sallyport::policy {
namespace {

using config::AuthMode;
using config::Degraded;

// A client asks with its expired token until it has been refused, and all that it sends at once does.
constexpr std::chrono::seconds kKeptAfterExpiry{60};

Decision verdict_only(Verdict verdict) {
  Decision decision;
  decision.verdict = verdict;
  return decision;
}

}  // namespace

// What a token is, before any policy.
struct Authenticator::Known {
  std::optional<jose::TokenError> error;
  VerifiedToken token;
  VerifiedToken* cached = nullptr;  // its place in the cache, until the next use of that
  bool expired = false;
};

Authenticator::Authenticator(Issuers issuers, std::chrono::milliseconds max_staleness,
                             std::size_t cache_bytes, Tell tell)
    : issuers_(issuers),
      verifier_(std::move(issuers)),
      max_staleness_(max_staleness),
      cache_(cache_bytes),
      tell_(tell) {}

void Authenticator::use(Issuers issuers) {
  issuers_ = issuers;
  verifier_ = jose::TokenVerifier(std::move(issuers));
  ++key_generation_;
}

UnixSeconds Authenticator::end_of(const jose::Claims& claims) const {
  constexpr std::chrono::seconds kFar{
      1LL << 53};  // no time that a token can name overflows when the skew is added
  for (const jose::Issuer& issuer : *issuers_)
    if (issuer.issuer == claims.issuer)
      return std::min(claims.expires, UnixSeconds(kFar)) + issuer.clock_skew;
  return claims.expires;
}

// At most one signature check. The verifier is asked without regard to expiry, since an expired token must
// still be looked up among the revoked ones.
Authenticator::Known Authenticator::know(std::string_view token, UnixSeconds now) {
  if (token.size() > jose::kMaxToken) return {.error = jose::TokenError::too_long};
  const VerifiedCache::Key key = cache_.key_of(token);
  if (VerifiedToken* hit = cache_.find(key, now, key_generation_))
    return {.token = *hit, .cached = hit, .expired = now >= hit->expires};

  auto verified = verifier_.verify_ignoring_expiry(token, now);
  if (!verified) return {.error = verified.error()};
  if (tell_ != nullptr) (*verified)->lines = tell_(**verified);
  Known known;
  known.token.claims = std::move(*verified);
  known.token.digests = revocation::digests_of(*known.token.claims);
  known.token.expires = end_of(*known.token.claims);
  known.expired = now >= known.token.expires;
  const UnixSeconds dies = std::max(known.token.expires, now) + kKeptAfterExpiry;
  known.cached = cache_.insert(key, known.token, dies, key_generation_, token.size());
  return known;
}

Decision Authenticator::decide(const Credential& credential, const RoutePolicy& policy, UnixSeconds now,
                               Freshness freshness) {
  if (policy.auth == AuthMode::none) return verdict_only(Verdict::anonymous);
  if (credential.kind == Credential::Kind::malformed) return verdict_only(Verdict::token_malformed);
  if (credential.kind == Credential::Kind::none)
    return verdict_only(policy.auth == AuthMode::optional ? Verdict::anonymous : Verdict::token_missing);

  return judge(know(credential.token, now), policy, now, freshness);
}

Decision Authenticator::decide(std::shared_ptr<const jose::Claims> claims, const RoutePolicy& policy,
                               UnixSeconds now, Freshness freshness) {
  Known known;
  known.token.digests = revocation::digests_of(*claims);
  known.expired = now >= end_of(*claims);
  known.token.claims = std::move(claims);
  return judge(std::move(known), policy, now, freshness);
}

Decision Authenticator::judge(Known known, const RoutePolicy& policy, UnixSeconds now, Freshness freshness) {
  Decision decision;
  decision.reason = known.error;
  decision.claims = std::move(known.token.claims);
  decision.digests = known.token.digests;
  const auto as = [&decision](Verdict verdict) {
    decision.verdict = verdict;
    return std::move(decision);
  };
  if (known.error) return as(Verdict::token_invalid);

  // What is known to be revoked stays revoked, however old the index is; only `open` doesn't ask.
  const bool stale = !freshness.ready || freshness.age > max_staleness_;
  decision.unchecked = freshness.ready && stale && policy.degraded == Degraded::open;
  if (!decision.unchecked && index_->revokes(*decision.claims, decision.digests, now))
    return as(Verdict::token_revoked);
  if (known.expired) return as(Verdict::token_expired);
  if (!freshness.ready || (stale && policy.degraded == Degraded::closed))
    return as(Verdict::store_unavailable);

  decision.first_seen = known.cached == nullptr || !std::exchange(known.cached->reported, true);
  return as(policy.access.permits(*decision.claims) ? Verdict::allowed : Verdict::forbidden);
}

boost::system::result<std::shared_ptr<const jose::Claims>, jose::TokenError> Authenticator::claims_of(
    std::string_view token, UnixSeconds now) {
  Known known = know(token, now);
  if (known.error) return *known.error;
  return std::move(known.token.claims);
}

std::string_view to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::allowed:
      return "allowed";
    case Verdict::anonymous:
      return "anonymous";
    case Verdict::token_missing:
      return "token_missing";
    case Verdict::token_malformed:
      return "token_malformed";
    case Verdict::token_invalid:
      return "token_invalid";
    case Verdict::token_expired:
      return "token_expired";
    case Verdict::token_revoked:
      return "token_revoked";
    case Verdict::forbidden:
      return "forbidden";
    case Verdict::store_unavailable:
      return "store_unavailable";
  }
  return "token_invalid";
}

}  // namespace sallyport::policy
