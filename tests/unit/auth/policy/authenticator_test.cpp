// The table of CONTRACT section 3, with the freshness of section 5.
#include "auth/policy/authenticator.hpp"

#include <gtest/gtest.h>

#include <boost/json/object.hpp>

#include <array>
#include <string>

#include "auth/jose/token_issuer.hpp"
#include "tests/unit/counted_allocations.hpp"

namespace sallyport::policy {
namespace {

using namespace std::chrono_literals;
using config::AuthMode;
using config::Degraded;

constexpr UnixSeconds kNow{std::chrono::seconds(1'800'000'000)};
constexpr const char* kIssuer = "https://auth.example.com";
constexpr Freshness kFresh{true, 100ms}, kStale{true, 5001ms}, kUnread{false, 0ms};

std::shared_ptr<const jose::Key> key(char fill, std::string id) {
  auto made =
      jose::key_from_secret(config::Secret(std::string(32, fill)), jose::Algorithm::hs256, std::move(id));
  return std::make_shared<const jose::Key>(std::move(*made));
}

Authenticator::Issuers issuers(const std::shared_ptr<const jose::Key>& with) {
  jose::Issuer own;
  own.issuer = kIssuer;
  own.audience = {"api"};
  own.types = {"at+jwt"};
  own.clock_skew = 5s;
  own.own = true;
  own.keys = std::make_shared<const jose::KeySet>(std::vector<jose::Key>{*with});
  return std::make_shared<const std::vector<jose::Issuer>>(std::vector{own});
}

struct Gate {
  std::shared_ptr<const jose::Key> signing = key('s', "k1");
  jose::TokenIssuer issuer{signing};
  Authenticator authenticator{issuers(signing), 5000ms, 1 << 20};

  std::string token(std::chrono::seconds life = 600s, std::string sid = "sid-1", unsigned generation = 0) {
    jose::AccessToken t;
    t.issuer = kIssuer;
    t.audience = {"api"};
    t.subject = "user-1";
    t.token_id = "jti-" + sid;
    t.session_id = std::move(sid);
    t.generation = generation;
    t.issued_at = kNow - 60s;
    t.expires = kNow + life;
    t.extra = {{"roles", {"clerk"}}};
    return issuer.issue(t);
  }
  void revoke(const std::string& sid) {
    const std::array events{revocation::Event{
        .kind = revocation::Kind::session, .issuer = kIssuer, .id = sid, .until = kNow + 1h}};
    authenticator.use(authenticator.index().with(events));
  }
  Decision decide(const Credential& credential, const RoutePolicy& policy, Freshness freshness = kFresh,
                  UnixSeconds now = kNow) {
    return authenticator.decide(credential, policy, now, freshness);
  }
};

RoutePolicy route(AuthMode mode, Degraded degraded = Degraded::closed, config::Allow allow = {}) {
  return {.auth = mode, .access = AccessPolicy(allow), .degraded = degraded};
}

enum class Sent { nothing, malformed, junk, good, expired, revoked, revoked_and_expired, wrong_role };

struct Row {
  const char* name;
  Sent sent;
  AuthMode mode;
  Freshness freshness;
  Degraded degraded;
  Verdict verdict;
};
class Table : public testing::TestWithParam<Row> {};

TEST_P(Table, IsKept) {
  const Row& row = GetParam();
  Gate gate;
  std::string token;
  switch (row.sent) {
    case Sent::nothing:
    case Sent::malformed:
      break;
    case Sent::junk:
      token = "a.b.c";
      break;
    case Sent::good:
    case Sent::wrong_role:
      token = gate.token();
      break;
    case Sent::expired:
      token = gate.token(-6s);
      break;
    case Sent::revoked:
      token = gate.token(600s, "dead");
      break;
    case Sent::revoked_and_expired:
      token = gate.token(-6s, "dead");
      break;
  }
  gate.revoke("dead");
  Credential credential = Credential::bearer(token);
  if (row.sent == Sent::nothing) credential = {};
  if (row.sent == Sent::malformed) credential = {Credential::Kind::malformed, {}};
  const config::Allow allow =
      row.sent == Sent::wrong_role ? config::Allow{.roles = {"admin"}} : config::Allow{};

  const RoutePolicy policy = route(row.mode, row.degraded, allow);
  for (int time = 0; time < 2; ++time) {  // the second time from the cache
    const Decision decision = gate.decide(credential, policy, row.freshness);
    EXPECT_EQ(to_string(decision.verdict), to_string(row.verdict));
    EXPECT_EQ(decision.reason.has_value(), row.verdict == Verdict::token_invalid);
    if (row.verdict == Verdict::allowed) {
      ASSERT_NE(decision.claims, nullptr);
      EXPECT_EQ(decision.claims->subject, "user-1");
    }
    if (row.verdict == Verdict::anonymous) {
      EXPECT_EQ(decision.claims, nullptr);
    }
  }
}

constexpr auto kRequired = AuthMode::required, kOptional = AuthMode::optional, kNone = AuthMode::none;
constexpr auto kClosed = Degraded::closed, kLast = Degraded::stale, kOpen = Degraded::open;
// J9, J10 of SECURITY, S0.11, S1.9.
INSTANTIATE_TEST_SUITE_P(
    Contract, Table,
    testing::Values(
        Row{"required_good", Sent::good, kRequired, kFresh, kClosed, Verdict::allowed},
        Row{"required_none", Sent::nothing, kRequired, kFresh, kClosed, Verdict::token_missing},
        Row{"required_malformed", Sent::malformed, kRequired, kFresh, kClosed, Verdict::token_malformed},
        Row{"required_junk", Sent::junk, kRequired, kFresh, kClosed, Verdict::token_invalid},
        Row{"required_expired", Sent::expired, kRequired, kFresh, kClosed, Verdict::token_expired},
        Row{"required_revoked", Sent::revoked, kRequired, kFresh, kClosed, Verdict::token_revoked},
        Row{"revoked_beats_expired", Sent::revoked_and_expired, kRequired, kFresh, kClosed,
            Verdict::token_revoked},
        Row{"required_forbidden", Sent::wrong_role, kRequired, kFresh, kClosed, Verdict::forbidden},
        Row{"optional_none", Sent::nothing, kOptional, kFresh, kClosed, Verdict::anonymous},
        Row{"optional_good", Sent::good, kOptional, kFresh, kClosed, Verdict::allowed},
        Row{"optional_junk", Sent::junk, kOptional, kFresh, kClosed, Verdict::token_invalid},
        Row{"optional_malformed", Sent::malformed, kOptional, kFresh, kClosed, Verdict::token_malformed},
        Row{"optional_expired", Sent::expired, kOptional, kFresh, kClosed, Verdict::token_expired},
        Row{"optional_revoked", Sent::revoked, kOptional, kFresh, kClosed, Verdict::token_revoked},
        Row{"none_ignores_junk", Sent::junk, kNone, kFresh, kClosed, Verdict::anonymous},
        Row{"none_ignores_malformed", Sent::malformed, kNone, kFresh, kClosed, Verdict::anonymous},
        Row{"none_never_needs_the_store", Sent::good, kNone, kUnread, kClosed, Verdict::anonymous},
        Row{"stale_closed", Sent::good, kRequired, kStale, kClosed, Verdict::store_unavailable},
        Row{"stale_closed_junk", Sent::junk, kRequired, kStale, kClosed, Verdict::token_invalid},
        Row{"stale_closed_revoked", Sent::revoked, kRequired, kStale, kClosed, Verdict::token_revoked},
        Row{"stale_closed_expired", Sent::expired, kRequired, kStale, kClosed, Verdict::token_expired},
        Row{"stale_closed_optional_none", Sent::nothing, kOptional, kStale, kClosed, Verdict::anonymous},
        Row{"stale_last_known_good", Sent::good, kRequired, kStale, kLast, Verdict::allowed},
        Row{"stale_last_known_revoked", Sent::revoked, kRequired, kStale, kLast, Verdict::token_revoked},
        Row{"stale_open_good", Sent::good, kRequired, kStale, kOpen, Verdict::allowed},
        Row{"stale_open_is_unchecked", Sent::revoked, kRequired, kStale, kOpen, Verdict::allowed},
        Row{"stale_open_forbidden", Sent::wrong_role, kRequired, kStale, kOpen, Verdict::forbidden},
        Row{"fresh_open_is_checked", Sent::revoked, kRequired, kFresh, kOpen, Verdict::token_revoked},
        Row{"unread_closed", Sent::good, kRequired, kUnread, kClosed, Verdict::store_unavailable},
        Row{"unread_last_known", Sent::good, kRequired, kUnread, kLast, Verdict::store_unavailable},
        Row{"unread_open", Sent::good, kRequired, kUnread, kOpen, Verdict::store_unavailable},
        Row{"unread_optional_good", Sent::good, kOptional, kUnread, kOpen, Verdict::store_unavailable}),
    [](const auto& row) { return row.param.name; });

TEST(Authenticator, GrantsTheClockSkewAndNotASecondMore) {
  for (const bool seen_before : {false, true}) {
    Gate gate;
    const std::string token = gate.token(60s);
    const RoutePolicy policy = route(AuthMode::required);
    if (seen_before) gate.decide(Credential::bearer(token), policy);
    EXPECT_EQ(gate.decide(Credential::bearer(token), policy, kFresh, kNow + 64s).verdict, Verdict::allowed);
    EXPECT_EQ(gate.decide(Credential::bearer(token), policy, kFresh, kNow + 65s).verdict,
              Verdict::token_expired);
  }
}

TEST(Authenticator, RefusesATokenRevokedAfterItWasCached) {
  Gate gate;
  const std::string token = gate.token();
  const RoutePolicy policy = route(AuthMode::required);
  EXPECT_EQ(gate.decide(Credential::bearer(token), policy).verdict, Verdict::allowed);
  gate.revoke("sid-1");
  EXPECT_EQ(gate.decide(Credential::bearer(token), policy).verdict, Verdict::token_revoked);
}

// Removal of a key takes effect at once, for cached tokens too.
TEST(Authenticator, RefusesACachedTokenWhoseKeyIsGone) {
  Gate gate;
  const std::string token = gate.token();
  const RoutePolicy policy = route(AuthMode::required);
  EXPECT_EQ(gate.decide(Credential::bearer(token), policy).verdict, Verdict::allowed);
  gate.authenticator.use(issuers(key('x', "k2")));
  EXPECT_EQ(gate.decide(Credential::bearer(token), policy).verdict, Verdict::token_invalid);
}

TEST(Authenticator, SaysOnceThatATokenIsFirstSeen) {
  Gate gate;
  const std::string token = gate.token(600s, "sid-1", 1);
  const RoutePolicy policy = route(AuthMode::required);
  ASSERT_TRUE(gate.authenticator.claims_of(token, kNow));  // a logout's look at it doesn't count
  EXPECT_FALSE(gate.decide(Credential::bearer(token), policy, kUnread).first_seen)
      << "nor a request that was refused";
  EXPECT_TRUE(gate.decide(Credential::bearer(token), policy).first_seen);
  EXPECT_FALSE(gate.decide(Credential::bearer(token), policy).first_seen);
}

TEST(Authenticator, TellsClaimsOfAnExpiredToken) {
  Gate gate;
  const auto claims = gate.authenticator.claims_of(gate.token(-1h), kNow);
  ASSERT_TRUE(claims);
  EXPECT_EQ((*claims)->session_id, "sid-1");
  EXPECT_EQ(gate.authenticator.claims_of("a.b.c", kNow).has_value(), false);
}

TEST(Authenticator, WritesTheLinesOfATokenOnceForAllItsRequests) {
  static int written = 0;
  written = 0;
  Gate gate;
  Authenticator authenticator{issuers(gate.signing), 5000ms, 1 << 20, [](const jose::Claims& claims) {
                                ++written;
                                return "Subject: " + claims.subject + "\r\n";
                              }};
  const std::string token = gate.token();
  for (int i = 0; i < 3; ++i) {
    const Decision decision =
        authenticator.decide(Credential::bearer(token), route(AuthMode::required), kNow, kFresh);
    ASSERT_TRUE(decision.claims);
    EXPECT_EQ(decision.claims->lines, "Subject: user-1\r\n");
  }
  EXPECT_EQ(written, 1);
}

TEST(Authenticator, NeverHashesAMonster) {
  Gate gate;
  const Decision decision =
      gate.decide(Credential::bearer(std::string(jose::kMaxToken + 1, 'a')), route(AuthMode::required));
  EXPECT_EQ(decision.verdict, Verdict::token_invalid);
  EXPECT_EQ(decision.reason, jose::TokenError::too_long);
  EXPECT_EQ(gate.authenticator.cache().counters().misses, 0u);
}

TEST(Authenticator, NeverCachesATokenThatIsNotGood) {
  Gate gate;
  gate.decide(Credential::bearer("a.b.c"), route(AuthMode::required));
  EXPECT_EQ(gate.authenticator.cache().size(), 0u);
}

TEST(Authenticator, VerifiesAnExpiredTokenOnceAMinute) {
  Gate gate;
  const std::string token = gate.token(-1h);
  const RoutePolicy policy = route(AuthMode::required);
  for (const auto later : {0s, 59s, 60s, 61s}) {
    const Decision decision = gate.decide(Credential::bearer(token), policy, kFresh, kNow + later);
    EXPECT_EQ(decision.verdict, Verdict::token_expired) << later.count();
    EXPECT_FALSE(decision.first_seen);
    EXPECT_EQ(decision.claims->session_id, "sid-1") << "for the log";
  }
  EXPECT_EQ(gate.authenticator.cache().counters().misses, 2u);
}

TEST(Authenticator, TellsARevokedTokenFromAnExpiredOneThatItKnows) {
  Gate gate;
  const std::string token = gate.token(-1s);
  const RoutePolicy policy = route(AuthMode::required);
  const UnixSeconds later = kNow + 10s;
  EXPECT_EQ(gate.decide(Credential::bearer(token), policy, kFresh, later).verdict, Verdict::token_expired);
  gate.revoke("sid-1");
  EXPECT_EQ(gate.decide(Credential::bearer(token), policy, kFresh, later).verdict, Verdict::token_revoked);
}

TEST(Authenticator, AllocatesNothingForATokenSeenBefore) {
  Gate gate;
  const std::string token = gate.token();
  const RoutePolicy policy = route(AuthMode::required, Degraded::closed, {.roles = {"clerk"}});
  gate.revoke("another");
  gate.decide(Credential::bearer(token), policy);
  const std::size_t before = test::allocations;
  const Decision decision = gate.decide(Credential::bearer(token), policy);
  const std::size_t after = test::allocations;
  EXPECT_EQ(decision.verdict, Verdict::allowed);
  EXPECT_EQ(after - before, 0u);
}

}  // namespace
}  // namespace sallyport::policy
