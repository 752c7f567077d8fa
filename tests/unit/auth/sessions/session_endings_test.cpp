// The service against stores in memory: how sessions end, and what is told and known of them; with a fault at
// every step.
#include "session_world.hpp"

namespace sallyport::sessions {
namespace {

using namespace std::chrono_literals;

// S0.6, S1.31: the limit of sessions.
TEST(SessionService, EvictsTheOldestSessionWithItsAccessToken) {
  World world;
  world.tokens.refresh.max_sessions_per_user = 1;
  const TokenPair first = world.opened();
  world.pass(1s);
  const TokenPair second = world.opened();
  EXPECT_EQ(world.record(first).cause, EndCause::evicted);
  EXPECT_TRUE(world.revoked(first));
  EXPECT_FALSE(world.revoked(second));
}

TEST(SessionService, RefusesALoginAboveTheLimitWhereToldTo) {
  World world;
  world.tokens.refresh.max_sessions_per_user = 1;
  world.tokens.refresh.when_full = config::WhenFull::refuse;
  ASSERT_TRUE(world.open());
  EXPECT_EQ(world.open().error().failure, OpenFailure::sessions_full);
}

TEST(SessionService, AnEvictionThatTheLogRefusesIsAnnouncedWithTheNextCall) {
  World world;
  world.tokens.refresh.max_sessions_per_user = 1;
  const TokenPair first = world.opened();
  world.faults.arm(2, Faults::How::refused);  // create, revoke
  EXPECT_EQ(world.open().error().failure, OpenFailure::store_unavailable);
  world.faults.disarm();
  EXPECT_FALSE(world.revoked(first));
  ASSERT_TRUE(world.open());
  EXPECT_TRUE(world.revoked(first));
  EXPECT_EQ(world.store.live_of("user-1").size(), 1u);
}

// S1.3, S2.3, S5.
TEST(SessionService, LogsOutByEitherTokenOrBoth) {
  for (const int by : {1, 2, 3}) {
    World world;
    const TokenPair pair = world.opened();
    const auto access = by & 1 ? world.claims(pair) : nullptr;
    const auto refresh = by & 2 ? std::optional(pair.refresh_token) : std::nullopt;
    ASSERT_TRUE(run(world.service().logout(access, refresh)));
    EXPECT_TRUE(world.revoked(pair));
    EXPECT_EQ(world.record(pair).cause, EndCause::logout);
    EXPECT_TRUE(fails_as(world.refresh(pair.refresh_token), RefreshFailure::revoked));
    EXPECT_TRUE(run(world.service().logout(access, refresh))) << "again is success too";
  }
}

TEST(SessionService, RefusesALogoutWithoutOrWithTwoDifferentSessions) {
  World world;
  const TokenPair one = world.opened(), two = world.opened();
  EXPECT_EQ(run(world.service().logout(nullptr, std::nullopt)).error().failure, LogoutFailure::invalid);
  EXPECT_EQ(run(world.service().logout(nullptr, "v1.junk")).error().failure, LogoutFailure::invalid);
  EXPECT_EQ(run(world.service().logout(world.claims(one), two.refresh_token)).error().failure,
            LogoutFailure::mismatch);
  EXPECT_EQ(world.store.live_of("user-1").size(), 2u);
}

// A minted token without a session ends by its own id.
TEST(SessionService, LogsOutATokenWithoutASession) {
  World world;
  auto claims = std::make_shared<jose::Claims>();
  claims->own = true;
  claims->issuer = kIssuer;
  claims->token_id = "jti-9";
  claims->expires = world.wall + 1h;
  ASSERT_TRUE(run(world.service().logout(claims, std::nullopt)));
  EXPECT_TRUE(world.revoker.index->revokes(*claims, revocation::digests_of(*claims), claims->expires));
}

// Order: in force first, then dead in the store; after any fault the repeat makes it whole.
TEST(SessionService, LogoutSurvivesAFaultAtEveryStep) {
  for (const auto how : {Faults::How::refused, Faults::How::not_sent, Faults::How::reply_lost})
    for (int step = 1; step <= 3; ++step) {
      World world;
      const TokenPair pair = world.opened();
      world.faults.arm(step, how);
      EXPECT_FALSE(run(world.service().logout(nullptr, pair.refresh_token))) << "no success that isn't one";
      if (world.record(pair).state == SessionState::ended) {
        EXPECT_TRUE(world.revoked(pair)) << "announced first";
      }
      world.faults.disarm();
      ASSERT_TRUE(run(world.service().logout(nullptr, pair.refresh_token)));
      EXPECT_TRUE(world.revoked(pair));
      EXPECT_EQ(world.record(pair).state, SessionState::ended);
    }
}

// S1.24, S8: password change ends the others; S6: a login in the same second works.
TEST(SessionService, EndsAllSessionsButOne) {
  World world;
  const TokenPair kept = world.opened(), other = world.opened();
  const auto count = run(world.service().end_all_of_user("user-1", SessionId::parse(kept.session_id),
                                                         EndCause::password_changed));
  ASSERT_TRUE(count);
  EXPECT_EQ(*count, 1u);
  EXPECT_TRUE(world.revoked(other));
  EXPECT_FALSE(world.revoked(kept));
  EXPECT_TRUE(world.refresh(kept.refresh_token));
  const TokenPair fresh = world.opened();
  EXPECT_FALSE(world.revoked(fresh));
  EXPECT_TRUE(world.refresh(fresh.refresh_token));
}

TEST(SessionService, EndsASessionThatBeganBetweenListAndEnd) {
  World world;
  const TokenPair first = world.opened();
  std::optional<TokenPair> late;
  world.store.before_end_all = [&] { late = world.opened(); };
  EXPECT_EQ(must(run(world.service().end_all_of_user("user-1", std::nullopt, EndCause::administrator))), 2u);
  EXPECT_TRUE(world.revoked(first));
  EXPECT_TRUE(world.revoked(*late));
}

TEST(SessionService, EndAllSurvivesAFaultAtEveryStep) {
  for (const auto how : {Faults::How::refused, Faults::How::not_sent, Faults::How::reply_lost})
    for (int step = 1; step <= 3; ++step) {
      World world;
      const TokenPair one = world.opened(), two = world.opened();
      world.faults.arm(step, how);
      EXPECT_FALSE(run(world.service().end_all_of_user("user-1", std::nullopt, EndCause::logout)));
      world.faults.disarm();
      ASSERT_TRUE(run(world.service().end_all_of_user("user-1", std::nullopt, EndCause::logout)));
      EXPECT_TRUE(world.revoked(one) && world.revoked(two)) << "step " << step;
      EXPECT_TRUE(world.store.live_of("user-1").empty());
    }
}

// S2.3, S0.5: one's own, by id.
TEST(SessionService, EndsOneSessionOfItsOwnUserOnly) {
  World world;
  const TokenPair pair = world.opened();
  EXPECT_FALSE(must(run(world.service().end_one("user-2", pair.session_id, EndCause::logout))));
  EXPECT_FALSE(must(run(world.service().end_one("user-1", "nonsense", EndCause::logout))));
  EXPECT_FALSE(world.revoked(pair));
  EXPECT_TRUE(must(run(world.service().end_one("user-1", pair.session_id, EndCause::logout))));
  EXPECT_TRUE(world.revoked(pair));
}

TEST(SessionService, ListsLiveSessionsNewestFirst) {
  World world;
  const TokenPair first = world.opened();
  world.pass(1s);
  const TokenPair second = world.opened();
  const auto sessions = must(run(world.service().list("user-1")));
  ASSERT_EQ(sessions.size(), 2u);
  EXPECT_EQ(sessions[0].id.text(), second.session_id);
  world.pass(7 * 24h);
  EXPECT_TRUE(must(run(world.service().list("user-1"))).empty()) << "idle ones aren't live";
}

// S7 of SECURITY: never shorter than the longest token that it can match.
TEST(SessionService, EventsOutliveEveryTokenOfTheSession) {
  World world;
  const TokenPair pair = world.opened();
  ASSERT_TRUE(run(world.service().logout(world.claims(pair), std::nullopt)));
  ASSERT_EQ(world.revoker.events.size(), 1u);
  const auto until = world.revoker.events[0].until;
  EXPECT_GE(until, pair.expires_at + world.tokens.clock_skew);
  EXPECT_LE(until, pair.expires_at + 1min);
}

TEST(SessionService, AClockThatWentBackEndsNoEventEarly) {
  World world;
  const auto ended = [&world](auto end) {
    const TokenPair pair = world.opened();
    world.wall -= 1h;
    end(pair);
    world.wall += 1h;
    const auto c = world.claims(pair);
    return world.revoker.index->revokes(*c, revocation::digests_of(*c), pair.expires_at + 5s);
  };
  EXPECT_TRUE(ended([&](const TokenPair& pair) {
    ASSERT_TRUE(run(world.service().logout(world.claims(pair), std::nullopt)));
  }));
  EXPECT_TRUE(ended([&](const TokenPair& pair) {
    ASSERT_TRUE(run(world.service().end_one("user-1", pair.session_id, EndCause::administrator)));
  }));
  EXPECT_TRUE(ended([&](const TokenPair&) {
    ASSERT_TRUE(run(world.service().end_all_of_user("user-1", std::nullopt, EndCause::administrator)));
  }));
  EXPECT_TRUE(ended([&](const TokenPair&) {
    world.tokens.refresh.max_sessions_per_user = 1;
    world.service().use(world.tokens);
    ASSERT_TRUE(world.open());
  }));
}

// A restored older snapshot (CONTRACT section 5): what was acknowledged stays so.
TEST(SessionService, ASessionThatTheIndexKnowsToBeOverIsNotRefreshedThoughTheStoreShowsItAlive) {
  World world;
  const TokenPair pair = world.opened();
  world.known_over = pair.session_id;
  EXPECT_TRUE(fails_as(world.refresh(pair.refresh_token), RefreshFailure::revoked));
  EXPECT_EQ(world.record(pair).state, SessionState::ended) << "for those that don't know it";
  world.known_over.clear();
  EXPECT_TRUE(fails_as(world.refresh(pair.refresh_token), RefreshFailure::revoked));
}

// A fail-over lost what the store had acknowledged: the token itself proves that it was given out.
TEST(SessionService, ARotationThatTheStoreLostCostsNobodyHisSession) {
  World world;
  const TokenPair first = world.opened();
  const Session before = world.record(first);
  const TokenPair second = must(world.refresh(first.refresh_token));
  world.record(first) = before;
  const TokenPair third = must(world.refresh(second.refresh_token));
  EXPECT_EQ(third.generation, 2u);
  EXPECT_EQ(world.record(first).confirmed, 1u);
  EXPECT_EQ(must(world.refresh(second.refresh_token)).refresh_token, third.refresh_token);
}

TEST(SessionService, FindsASessionByItsIdAlone) {
  World world;
  const TokenPair pair = world.opened();
  const auto found = must(run(world.service().find(pair.session_id)));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->user_id, "user-1");
  EXPECT_EQ(found->state, SessionState::live);
  ++world.store.epochs["user-1"];
  EXPECT_EQ(must(run(world.service().find(pair.session_id)))->state, SessionState::ended);
  EXPECT_EQ(must(run(world.service().find("junk"))), std::nullopt);
  EXPECT_EQ(must(run(world.service().find(std::string(32, 'A')))), std::nullopt);
}

TEST(SessionService, ConfirmsOnlyOwnTokensOfALaterGeneration) {
  World world;
  const TokenPair pair = world.opened();
  world.faults.step = 0;
  EXPECT_TRUE(run(world.service().confirm(world.claims(pair))));
  EXPECT_EQ(world.faults.step, 0) << "generation 0 has no predecessor";
  const TokenPair second = must(world.refresh(pair.refresh_token));
  EXPECT_TRUE(run(world.service().confirm(world.claims(second))));
  EXPECT_EQ(world.record(pair).confirmed, 1u);
}

// RFC 6749 6: a refresh token is good for the client that it was issued to.
TEST(SessionService, BindsASessionToItsOAuthClient) {
  World world;
  const auto as = [](std::string client) { return Client{"", "192.0.2.1", "browser", std::move(client)}; };
  const TokenPair pair = must(run(world.service().open(world.users.users.at("user-1"), as("shop"))));
  EXPECT_EQ(payload(pair.access_token).at("client_id").as_string(), "shop");
  EXPECT_FALSE(payload(world.opened().access_token).contains("client_id"));
  EXPECT_TRUE(world.service().is_of(pair.refresh_token, "shop"));
  EXPECT_FALSE(world.service().is_of(pair.refresh_token, ""));

  EXPECT_TRUE(fails_as(world.refresh(pair.refresh_token), RefreshFailure::invalid));
  EXPECT_TRUE(fails_as(run(world.service().refresh(pair.refresh_token, nullptr, as("app"))),
                       RefreshFailure::invalid));
  const TokenPair next = must(run(world.service().refresh(pair.refresh_token, nullptr, as("shop"))));
  EXPECT_EQ(payload(next.access_token).at("client_id").as_string(), "shop");
  EXPECT_FALSE(run(world.service().logout(nullptr, next.refresh_token)));
  EXPECT_TRUE(run(world.service().logout(nullptr, next.refresh_token, "shop")));
}

// RFC 7009: an access token can end alone.
TEST(SessionService, EndsOneAccessTokenAndNothingElse) {
  World world;
  const TokenPair pair = world.opened();
  auto one = std::make_shared<jose::Claims>(*world.claims(pair));
  one->token_id = "the-jti";
  EXPECT_TRUE(run(world.service().end_token(one)));
  EXPECT_TRUE(world.revoker.index->revokes(*one, revocation::digests_of(*one), world.wall));
  EXPECT_FALSE(world.revoked(pair));
  EXPECT_TRUE(world.refresh(pair.refresh_token));
}

// RFC 7662: what a refresh now would be answered with, without doing it.
TEST(SessionService, LooksUpARefreshTokenAndChangesNothing) {
  World world;
  const TokenPair first = world.opened();
  const auto found = must(run(world.service().look_up(first.refresh_token, "")));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->user_id, "user-1");
  EXPECT_EQ(world.service().end_of(*found), to_seconds(world.store.now + 7 * 24h));
  EXPECT_FALSE(must(run(world.service().look_up(first.refresh_token, "shop"))));
  EXPECT_FALSE(must(run(world.service().look_up("v1.x", ""))));
  EXPECT_EQ(world.record(first).generation, 0u);
  world.pass(8 * 24h);
  EXPECT_FALSE(must(run(world.service().look_up(first.refresh_token, ""))));  // idle for too long
}

}  // namespace
}  // namespace sallyport::sessions
