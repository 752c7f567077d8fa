// The index of what is revoked: each kind of event, its end, and the whole against a naive model.
#include "auth/revocation/revocation_set.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace sallyport::revocation {
namespace {

using namespace std::chrono_literals;

constexpr UnixSeconds kNow{std::chrono::seconds(1'800'000'000)};
constexpr const char* kOwn = "https://auth.example.com";
constexpr const char* kForeign = "https://idp.example.com/";

jose::Claims own_claims() {
  jose::Claims claims;
  claims.issuer = kOwn;
  claims.subject = "user-1";
  claims.token_id = "jti-1";
  claims.session_id = "sid-1";
  claims.key_id = "kid-1";
  claims.own = true;
  claims.issued_at = kNow - 60s;
  claims.expires = kNow + 540s;
  return claims;
}

bool revoked(const RevocationSet& set, const jose::Claims& claims, UnixSeconds now = kNow) {
  return set.revokes(claims, digests_of(claims), now);
}

std::shared_ptr<const RevocationSet> set_of(const std::vector<Event>& events) {
  return RevocationSet::empty()->with(events);
}

Event event(Kind kind, std::string id, const char* issuer = kOwn) {
  return {.kind = kind, .issuer = issuer, .id = std::move(id), .until = kNow + 600s};
}

TEST(RevocationSet, RevokesNothingWhenEmpty) { EXPECT_FALSE(revoked(*RevocationSet::empty(), own_claims())); }

// CONTRACT section 5: by token, session, user, key.
TEST(RevocationSet, RevokesByEachKindOfId) {
  EXPECT_TRUE(revoked(*set_of({event(Kind::token, "jti-1")}), own_claims()));
  EXPECT_TRUE(revoked(*set_of({event(Kind::session, "sid-1")}), own_claims()));
  EXPECT_TRUE(revoked(*set_of({event(Kind::user, "user-1")}), own_claims()));
  EXPECT_TRUE(revoked(*set_of({event(Kind::key, "kid-1")}), own_claims()));
}

TEST(RevocationSet, NeverMixesKindsIssuersOrIds) {
  EXPECT_FALSE(revoked(*set_of({event(Kind::token, "sid-1")}), own_claims()));
  EXPECT_FALSE(revoked(*set_of({event(Kind::session, "jti-1")}), own_claims()));
  EXPECT_FALSE(revoked(*set_of({event(Kind::user, "sid-1")}), own_claims()));
  EXPECT_FALSE(revoked(*set_of({event(Kind::session, "sid-1", kForeign)}), own_claims()));
  EXPECT_FALSE(revoked(*set_of({event(Kind::session, "sid-2")}), own_claims()));
  EXPECT_NE(digest(Kind::token, "ab", "c"), digest(Kind::token, "a", "bc"));
}

// A token without jti must not meet an event with an empty id.
TEST(RevocationSet, LooksUpNoIdThatTheTokenHasNot) {
  jose::Claims claims = own_claims();
  claims.token_id.clear();
  claims.session_id.clear();
  EXPECT_FALSE(revoked(*set_of({event(Kind::token, ""), event(Kind::session, "")}), claims));
}

// S7 of SECURITY: exactly as long as the longest token that it can match.
TEST(RevocationSet, ForgetsAfterUntil) {
  const auto set = set_of({event(Kind::session, "sid-1")});
  EXPECT_TRUE(revoked(*set, own_claims(), kNow + 600s));
  EXPECT_FALSE(revoked(*set, own_claims(), kNow + 601s));
  EXPECT_EQ(set->compacted(kNow + 600s)->size(), 1u);
  EXPECT_EQ(set->compacted(kNow + 601s)->size(), 0u);
  EXPECT_EQ(set->compacted(kNow + 601s)->memory_bytes(), 0u);
}

TEST(RevocationSet, KeepsTheLongerUntil) {
  Event longer = event(Kind::session, "sid-1");
  longer.until = kNow + 900s;
  for (const auto& order :
       {std::vector{longer, event(Kind::session, "sid-1")}, {event(Kind::session, "sid-1"), longer}}) {
    EXPECT_TRUE(revoked(*set_of(order), own_claims(), kNow + 900s));
    EXPECT_TRUE(
        revoked(*RevocationSet::empty()->with({{order[0]}})->with({{order[1]}}), own_claims(), kNow + 900s));
  }
}

TEST(RevocationSet, OfAUserBeforeAMomentSparesLaterTokens) {
  Event before = event(Kind::user, "user-1");
  before.before = kNow;
  const auto set = set_of({before});
  jose::Claims claims = own_claims();
  claims.issued_at = kNow - 1s;
  EXPECT_TRUE(revoked(*set, claims));
  claims.issued_at = kNow;  // S6: a login in the same second works
  EXPECT_FALSE(revoked(*set, claims));
}

TEST(RevocationSet, KeepsAUserWithTwoDifferentMoments) {
  Event any = event(Kind::user, "user-1");
  any.until = kNow + 10s;
  Event before = event(Kind::user, "user-1");
  before.before = kNow;
  before.until = kNow + 100s;
  const auto set = set_of({any, before});
  jose::Claims late = own_claims();
  late.issued_at = kNow + 1s;
  EXPECT_TRUE(revoked(*set, late, kNow + 10s));
  EXPECT_FALSE(revoked(*set, late, kNow + 11s));
  EXPECT_TRUE(revoked(*set, own_claims(), kNow + 11s));
}

TEST(RevocationSet, EverythingOfOwnTokensGoesByEpoch) {
  Event all = event(Kind::everything, "");
  all.epoch = 5;
  all.before = kNow + 1s;
  const auto set = set_of({all});
  jose::Claims claims = own_claims();
  claims.epoch = 4;
  EXPECT_TRUE(revoked(*set, claims));
  claims.epoch = 5;  // issued in the same second, after it
  EXPECT_FALSE(revoked(*set, claims));
  ASSERT_NE(set->everything(kOwn), nullptr);
  EXPECT_EQ(set->everything(kOwn)->epoch, 5u);
  EXPECT_EQ(set->everything(kForeign), nullptr);
}

TEST(RevocationSet, EverythingBeforeAMomentSparesLaterTokensOfTheSameEpoch) {
  Event all = event(Kind::everything, "");
  all.before = kNow - 60s;
  const auto set = set_of({all});
  jose::Claims claims = own_claims();
  claims.issued_at = kNow - 61s;
  EXPECT_TRUE(revoked(*set, claims));
  claims.issued_at = kNow - 60s;
  EXPECT_FALSE(revoked(*set, claims));
  EXPECT_TRUE(set->covers(all));
}

TEST(RevocationSet, EverythingOfAForeignIssuerGoesByTime) {
  Event all = event(Kind::everything, "", kForeign);
  all.before = kNow;
  const auto set = set_of({all});
  jose::Claims claims = own_claims();
  EXPECT_FALSE(revoked(*set, claims));
  claims.issuer = kForeign;
  claims.own = false;
  EXPECT_TRUE(revoked(*set, claims));
  EXPECT_FALSE(revoked(*set, claims, kNow + 601s));
  claims.issued_at = kNow;
  EXPECT_FALSE(revoked(*set, claims));
}

TEST(RevocationSet, OfAnewStoreRefusesOwnTokensFromBeforeIt) {
  const auto set = RevocationSet::empty()->with_own_before(kOwn, kNow);
  jose::Claims claims = own_claims();
  EXPECT_TRUE(revoked(*set, claims));
  claims.issued_at = kNow;
  EXPECT_FALSE(revoked(*set, claims));
  claims.issued_at = kNow - 60s;
  claims.own = false;
  EXPECT_FALSE(revoked(*set, claims));
}

TEST(RevocationSet, KnowsASessionByItsIdAlone) {
  const auto set = set_of({event(Kind::session, "sid-1"), event(Kind::token, "sid-2")});
  EXPECT_TRUE(set->revokes_session(digest(Kind::session, kOwn, "sid-1"), kNow));
  EXPECT_FALSE(set->revokes_session(digest(Kind::session, kOwn, "sid-1"), kNow + 601s));
  EXPECT_FALSE(set->revokes_session(digest(Kind::session, kOwn, "sid-2"), kNow));
  EXPECT_FALSE(set->revokes_session(digest(Kind::session, kForeign, "sid-1"), kNow));
}

TEST(RevocationSet, LeavesItsPredecessorAsItWas) {
  const auto first = set_of({event(Kind::session, "sid-2")});
  const auto second = first->with({{event(Kind::session, "sid-1")}});
  EXPECT_FALSE(revoked(*first, own_claims()));
  EXPECT_TRUE(revoked(*second, own_claims()));
}

TEST(RevocationSet, GrowsByNothingWhenEventsComeAgain) {
  std::vector<Event> events;
  for (int i = 0; i < 100; ++i) events.push_back(event(Kind::session, "sid-" + std::to_string(i)));
  for (int i = 0; i < 50; ++i) events.push_back(event(Kind::session, "sid-" + std::to_string(i)));
  auto set = set_of(events);
  EXPECT_EQ(set->size(), 100u);
  for (const Event& again : events) {
    EXPECT_TRUE(set->covers(again));
    set = set->with({{again}});
  }
  EXPECT_EQ(set->size(), 100u);
}

// A limit of ours: 40 bytes per revoked id.
TEST(RevocationSet, NeedsAtMostFortyBytesPerId) {
  std::vector<Event> events;
  for (int i = 0; i < 100'000; ++i) events.push_back(event(Kind::session, std::to_string(i)));
  const auto set = set_of(events);
  EXPECT_LE(set->memory_bytes(), 40u * events.size());
}

TEST(RevocationSet, BuiltOneByOneStaysInFewTables) {
  auto set = RevocationSet::empty();
  for (int i = 0; i < 3000; ++i) set = set->with({{event(Kind::session, std::to_string(i))}});
  EXPECT_EQ(set->size(), 3000u);
  EXPECT_LE(set->memory_bytes(), 40u * 3000);
  jose::Claims claims = own_claims();
  for (int i = 0; i < 3000; ++i) {
    claims.session_id = std::to_string(i);
    ASSERT_TRUE(revoked(*set, claims)) << i;
  }
  claims.session_id = "3000";
  EXPECT_FALSE(revoked(*set, claims));
}

// The naive model: the list of all events.
struct Model {
  std::vector<Event> events;
  bool revokes(const jose::Claims& claims, UnixSeconds now) const {
    for (const Event& e : events) {
      if (e.issuer != claims.issuer || now > e.until) continue;
      const bool earlier = !e.before || claims.issued_at < *e.before;
      if (e.kind == Kind::token && e.id == claims.token_id) return true;
      if (e.kind == Kind::session && e.id == claims.session_id) return true;
      if (e.kind == Kind::key && e.id == claims.key_id) return true;
      if (e.kind == Kind::user && e.id == claims.subject && earlier) return true;
    }
    return false;
  }
};

TEST(RevocationSet, AgreesWithANaiveModelUnderRandomUse) {
  std::mt19937 random(7);
  const auto id = [&](const char* prefix) { return prefix + std::to_string(random() % 40); };
  for (int round = 0; round < 40; ++round) {
    Model model;
    auto set = RevocationSet::empty();
    UnixSeconds now = kNow;
    for (int step = 0; step < 120; ++step) {
      now += std::chrono::seconds(random() % 20);
      std::vector<Event> batch;
      for (std::size_t n = random() % 6; n > 0; --n) {
        Event e{.kind = static_cast<Kind>(random() % 4), .issuer = random() % 4 ? kOwn : kForeign};
        e.id = e.kind == Kind::token     ? id("j")
               : e.kind == Kind::session ? id("s")
               : e.kind == Kind::user    ? id("u")
                                         : id("k");
        e.until = now + std::chrono::seconds(random() % 400) - 50s;
        if (e.kind == Kind::user && random() % 2) e.before = now - std::chrono::seconds(random() % 200);
        batch.push_back(e);
      }
      set = set->with(batch);
      model.events.insert(model.events.end(), batch.begin(), batch.end());
      if (random() % 15 == 0) set = set->compacted(now);
      for (int probe = 0; probe < 20; ++probe) {
        jose::Claims claims;
        claims.issuer = random() % 4 ? kOwn : kForeign;
        claims.token_id = id("j"), claims.session_id = id("s"), claims.subject = id("u"),
        claims.key_id = id("k");
        claims.issued_at = now - std::chrono::seconds(random() % 300);
        ASSERT_EQ(revoked(*set, claims, now), model.revokes(claims, now))
            << "round " << round << " step " << step;
      }
    }
  }
}

}  // namespace
}  // namespace sallyport::revocation
