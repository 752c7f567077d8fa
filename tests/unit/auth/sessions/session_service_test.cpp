// The service against stores in memory, from the login to each outcome of a refresh (CONTRACT section 2):
// lost races, and a fault at every step.
#include "session_world.hpp"

namespace sallyport::sessions {
namespace {

using namespace std::chrono_literals;

// S0.1, S0.2, S1.26, S1.25: what a login answers with.
TEST(SessionService, OpensASessionWithAPair) {
  World world;
  const TokenPair pair = world.opened();
  EXPECT_EQ(pair.expires_in, 600s);
  EXPECT_EQ(pair.expires_at, world.wall + 600s);
  EXPECT_EQ(pair.refresh_expires_in, std::optional(7 * 24h));
  EXPECT_EQ(pair.generation, 0u);
  EXPECT_TRUE(pair.user.password_hash.empty());
  EXPECT_EQ(world.record(pair).device, "laptop");

  const auto claims = payload(pair.access_token);
  EXPECT_EQ(claims.at("sub").as_string(), "user-1");
  EXPECT_EQ(claims.at("sid").as_string(), pair.session_id);
  EXPECT_EQ(claims.at("name").as_string(), "ada");
  EXPECT_EQ(claims.at("tenant").as_string(), "acme");
  EXPECT_EQ(claims.at("roles"), boost::json::array({"clerk"})) << "a claim can't pose as a role";
  ASSERT_EQ(world.audits.size(), 1u);
  EXPECT_EQ(world.audits[0].act, Audit::Act::opened);
}

TEST(SessionService, TakesTheSessionIdFromTheUsersTagAndChance) {
  World world;
  const SessionId one = *SessionId::parse(world.opened().session_id),
                  two = *SessionId::parse(world.opened().session_id);
  EXPECT_NE(one, two);
  EXPECT_TRUE(std::equal(one.bytes.begin(), one.bytes.begin() + 8, user_tag("user-1").begin()));
}

TEST(SessionService, CutsAndCleansWhatStrangersSay) {
  World world;
  const auto pair = run(world.service().open(
      world.users.users.at("user-1"), {std::string(127, 'x') + "\xc3\xa9", "::1", "a\r\nb\xff\xc2\x85z"}));
  ASSERT_TRUE(pair);
  EXPECT_EQ(world.record(*pair).device, std::string(127, 'x')) << "never half a character";
  EXPECT_EQ(world.record(*pair).user_agent, "abz");
}

// S0.9, S1.22, S1.5, S2.
TEST(SessionService, RefreshRotatesWithTheRefreshTokenAlone) {
  World world;
  const TokenPair first = world.opened();
  world.pass(1h);
  const auto second = world.refresh(first.refresh_token);
  ASSERT_TRUE(second);
  EXPECT_EQ(second->generation, 1u);
  EXPECT_NE(second->refresh_token, first.refresh_token);
  EXPECT_EQ(second->session_id, first.session_id);
  EXPECT_EQ(payload(second->access_token).at("gen").to_number<int>(), 1);
  EXPECT_EQ(second->expires_at, world.wall + 600s);
}

// S4.4, S4.15: the address of the last refresh, never an empty one.
TEST(SessionService, RemembersWhereASessionWasLastRefreshedFrom) {
  World world;
  const TokenPair first = world.opened();
  EXPECT_EQ(world.record(first).ip, "192.0.2.1");
  world.address = "198.51.100.7";
  world.agent = "phone\r\n";
  const TokenPair second = must(world.refresh(first.refresh_token));
  EXPECT_EQ(world.record(first).ip, "198.51.100.7");
  EXPECT_EQ(world.record(first).user_agent, "phone");
  EXPECT_EQ(world.record(first).device, "laptop");
  world.address.clear(), world.agent.clear();
  ASSERT_TRUE(world.refresh(second.refresh_token));
  EXPECT_EQ(world.record(first).ip, "198.51.100.7");
  EXPECT_EQ(world.record(first).user_agent, "phone");
}

// S0.13, S1.23.
TEST(SessionService, RefreshKeepsTheTokenWhereRotationIsOff) {
  World world;
  world.tokens.refresh.rotation = config::RotationMode::never;
  const TokenPair first = world.opened();
  world.pass(1h);
  const auto second = world.refresh(first.refresh_token);
  ASSERT_TRUE(second);
  EXPECT_EQ(second->refresh_token, first.refresh_token);
  EXPECT_EQ(world.record(first).last_used, world.store.now);
}

// S1.27, S4: three tabs, and a lost reply.
TEST(SessionService, RefreshGivesAPredecessorTheSameSuccessor) {
  World world;
  const TokenPair first = world.opened();
  world.pass(1h);
  const auto second = world.refresh(first.refresh_token);
  world.pass(5min);
  const auto again = world.refresh(first.refresh_token);
  ASSERT_TRUE(second && again);
  EXPECT_EQ(again->refresh_token, second->refresh_token);
  EXPECT_NE(again->access_token, second->access_token);
  EXPECT_EQ(world.store.swaps, 1) << "re-issue writes nothing";
  EXPECT_EQ(world.audits.back().act, Audit::Act::reissued);
}

// S1.17, S2: reuse kills the session, its access tokens too, and is told.
TEST(SessionService, ReuseEndsTheSessionAndItsAccessTokens) {
  World world;
  const TokenPair first = world.opened();
  const TokenPair other = world.opened();
  const TokenPair second = must(world.refresh(first.refresh_token));
  ASSERT_TRUE(run(world.service().confirm(world.claims(second))));
  world.pass(11s);
  EXPECT_TRUE(fails_as(world.refresh(first.refresh_token), RefreshFailure::reused));
  EXPECT_EQ(world.record(first).cause, EndCause::reused);
  EXPECT_TRUE(world.revoked(second));
  EXPECT_FALSE(world.revoked(other)) << "other devices live on";
  EXPECT_EQ(world.audits.back().act, Audit::Act::reused);
  EXPECT_EQ(world.audits.back().presented, 0u);
  EXPECT_TRUE(fails_as(world.refresh(second.refresh_token), RefreshFailure::revoked));
}

TEST(SessionService, ReuseEndsTheSessionThoughItsClientRefreshesAtThatMoment) {
  World world;
  const TokenPair first = world.opened();
  const TokenPair second = must(world.refresh(first.refresh_token));
  ASSERT_TRUE(run(world.service().confirm(world.claims(second))));
  world.pass(1h);
  // Once the thief's token was read, the client is faster to the store.
  world.revoker.before_revoke = [&] {
    Session next = world.record(first);
    next.generation = 2, next.rotated = world.store.now, ++next.version;
    world.record(first) = next;
  };
  EXPECT_TRUE(fails_as(world.refresh(first.refresh_token), RefreshFailure::reused));
  EXPECT_EQ(world.record(first).state, SessionState::ended) << "its tokens are revoked, so it must not live";
}

TEST(SessionService, AnUnconfirmedPredecessorPastItsGraceEndsTheSession) {
  World world;
  const TokenPair first = world.opened();
  ASSERT_TRUE(world.refresh(first.refresh_token));
  world.pass(10min);
  EXPECT_TRUE(fails_as(world.refresh(first.refresh_token), RefreshFailure::reused));
  EXPECT_EQ(world.record(first).cause, EndCause::grace_over);
}

TEST(SessionService, AnOlderTokenRightAfterARotationIsSupersededOnly) {
  World world;
  const TokenPair first = world.opened();
  const TokenPair second = must(world.refresh(first.refresh_token));
  ASSERT_TRUE(world.refresh(second.refresh_token));
  EXPECT_TRUE(fails_as(world.refresh(first.refresh_token), RefreshFailure::superseded));
  EXPECT_EQ(world.record(first).state, SessionState::live);
  EXPECT_TRUE(world.revoker.events.empty());
}

// S0.11, S1.13, S1.15: unknown, expired and idle are three answers.
TEST(SessionService, TellsIdleFromExpiredFromUnknown) {
  World world;
  const TokenPair pair = world.opened();
  world.pass(7 * 24h);
  EXPECT_TRUE(fails_as(world.refresh(pair.refresh_token), RefreshFailure::idle));
  world.pass(23 * 24h);
  EXPECT_TRUE(fails_as(world.refresh(pair.refresh_token), RefreshFailure::expired));
  world.store.records.clear();
  EXPECT_TRUE(fails_as(world.refresh(pair.refresh_token), RefreshFailure::invalid));
}

// S1 of SECURITY: a bad MAC is refused without asking the store.
TEST(SessionService, RefusesAForgedTokenWithoutAskingTheStore) {
  World world;
  std::string forged = world.opened().refresh_token;
  forged[20] = forged[20] == 'A' ? 'B' : 'A';
  world.faults.step = 0;
  EXPECT_TRUE(fails_as(world.refresh(forged), RefreshFailure::invalid));
  EXPECT_TRUE(fails_as(world.refresh(""), RefreshFailure::invalid));  // S1.21
  EXPECT_EQ(world.faults.step, 0);
}

// S1.2, S3.2, S4.7: both tokens, then of one session.
TEST(SessionService, RefusesAnAccessTokenOfAnotherSession) {
  World world;
  const TokenPair one = world.opened(), two = world.opened();
  EXPECT_TRUE(fails_as(world.refresh(one.refresh_token, world.claims(two)), RefreshFailure::invalid));
  EXPECT_TRUE(world.refresh(one.refresh_token, world.claims(one)));
}

// S0.12.
TEST(SessionService, ChecksTheAccountAtEachRefresh) {
  World world;
  const TokenPair pair = world.opened();
  world.users.users["user-1"].disabled = true;
  EXPECT_TRUE(fails_as(world.refresh(pair.refresh_token), RefreshFailure::account_disabled));
  EXPECT_EQ(world.record(pair).generation, 0u) << "nothing was rotated";
  world.users.users.clear();
  EXPECT_TRUE(fails_as(world.refresh(pair.refresh_token), RefreshFailure::account_disabled));
}

TEST(SessionService, TakesRolesFromTheAccountAsItIsNow) {
  World world;
  const TokenPair pair = world.opened();
  world.users.users["user-1"].roles = {"manager"};
  EXPECT_EQ(payload(must(world.refresh(pair.refresh_token)).access_token).at("roles"),
            boost::json::array({"manager"}));
}

// CONTRACT section 4: never past its session.
TEST(SessionService, AnAccessTokenNeverOutlivesItsSession) {
  World world;
  world.tokens.refresh.absolute_ttl = 15min;
  const TokenPair pair = world.opened();
  world.pass(10min);
  const TokenPair second = must(world.refresh(pair.refresh_token));
  EXPECT_EQ(second.expires_in, 5min);
  EXPECT_EQ(second.expires_at, world.wall + 5min);
  EXPECT_EQ(second.refresh_expires_in, std::optional<std::chrono::seconds>(5min));
}

// S1.24: all in one moment; the clocks of whoever revokes and of the store have no say.
TEST(SessionService, EverySessionFromBeforeTheGlobalEpochIsOverAndNoneFromAfterIt) {
  World world;
  const TokenPair before = world.opened();
  world.epoch = {9, {}};
  EXPECT_TRUE(must(run(world.service().list("user-1"))).empty());
  EXPECT_TRUE(fails_as(world.refresh(before.refresh_token), RefreshFailure::revoked));
  EXPECT_FALSE(must(run(world.service().look_up(before.refresh_token, ""))));
  EXPECT_EQ(must(run(world.service().find(before.session_id)))->state, SessionState::ended);

  const TokenPair after = world.opened();
  EXPECT_EQ(payload(after.access_token).at("epoch").to_number<int>(), 9);
  const TokenPair next = must(world.refresh(after.refresh_token));
  EXPECT_EQ(payload(next.access_token).at("epoch").to_number<int>(), 9);
  EXPECT_EQ(must(run(world.service().list("user-1"))).size(), 1u);
}

TEST(SessionService, EverySessionFromBeforeAMomentIsOver) {
  World world;
  const TokenPair before = world.opened();
  world.pass(1s);
  world.epoch = {0, world.wall};
  const TokenPair after = world.opened();
  EXPECT_TRUE(fails_as(world.refresh(before.refresh_token), RefreshFailure::revoked));
  EXPECT_TRUE(world.refresh(after.refresh_token));
}

// What is revoked while a refresh is under way was judged by the epoch of before, so its token must say so.
TEST(SessionService, ATokenCarriesTheEpochByWhichItsSessionWasJudged) {
  World world;
  const TokenPair first = world.opened();
  world.store.before_swap = [&] { world.epoch = {9, {}}; };
  const auto pair = world.refresh(first.refresh_token);
  ASSERT_TRUE(pair);
  EXPECT_FALSE(payload(pair->access_token).contains("epoch"));
  EXPECT_TRUE(fails_as(world.refresh(pair->refresh_token), RefreshFailure::revoked));
}

// S3: a lost race is read again.
TEST(SessionService, ALostRaceIsReadAgainAndGivesTheWinnersSuccessor) {
  World world;
  const TokenPair first = world.opened();
  std::string winner;
  world.store.before_swap = [&] { winner = must(world.refresh(first.refresh_token)).refresh_token; };
  const auto loser = world.refresh(first.refresh_token);
  ASSERT_TRUE(loser);
  EXPECT_EQ(loser->refresh_token, winner);
  EXPECT_EQ(world.store.swaps, 1);
}

TEST(SessionService, ARefreshThatLosesToALogoutIsRefused) {
  World world;
  const TokenPair pair = world.opened();
  world.store.before_swap = [&] { (void)run(world.service().logout(nullptr, pair.refresh_token)); };
  EXPECT_TRUE(fails_as(world.refresh(pair.refresh_token), RefreshFailure::revoked));
}

// An unknown outcome is read again, never guessed; even where the rule would give a predecessor no time at
// all.
TEST(SessionService, ASwapWithALostReplyIsRecognisedAsOurs) {
  for (const auto window : {10s, 0s}) {
    World world;
    world.tokens.refresh.concurrency_window = world.tokens.refresh.rotation_grace = window;
    const TokenPair pair = world.opened();
    world.faults.arm(3, Faults::How::reply_lost);  // load, find_by_id, compare_and_swap
    const auto second = world.refresh(pair.refresh_token);
    ASSERT_TRUE(second) << to_string(second.error().failure);
    EXPECT_EQ(second->generation, 1u);
    EXPECT_EQ(world.store.swaps, 1);
  }
}

// Fail at step N for all N: a failed refresh is store_unavailable, nobody is logged out, and the retry works.
TEST(SessionService, RefreshSurvivesAFaultAtEveryStep) {
  for (const auto how : {Faults::How::refused, Faults::How::not_sent, Faults::How::reply_lost})
    for (int step = 1; step <= 6; ++step) {
      World world;
      const TokenPair pair = world.opened();
      world.faults.arm(step, how);
      const auto result = world.refresh(pair.refresh_token);
      if (!result) {
        EXPECT_TRUE(fails_as(result, RefreshFailure::store_unavailable));
      }
      world.faults.disarm();
      const auto retry = world.refresh(pair.refresh_token);
      ASSERT_TRUE(retry) << "step " << step;
      EXPECT_EQ(retry->generation, 1u) << "never two lineages";
      EXPECT_LE(world.store.swaps, 1);
    }
}

TEST(SessionService, ReuseIsActedOnThoughAFaultComesAtEveryStep) {
  for (const auto how : {Faults::How::refused, Faults::How::not_sent, Faults::How::reply_lost})
    for (int step = 1; step <= 5; ++step) {
      World world;
      const TokenPair first = world.opened();
      const TokenPair second = must(world.refresh(first.refresh_token));
      (void)run(world.service().confirm(world.claims(second)));
      world.pass(1min);
      world.faults.arm(step, how);
      const auto result = world.refresh(first.refresh_token);
      world.faults.disarm();
      if (result.error().failure == RefreshFailure::store_unavailable) {
        (void)world.refresh(first.refresh_token);  // repeating is safe
      } else {
        EXPECT_TRUE(fails_as(result, RefreshFailure::reused)) << "step " << step;
      }
      EXPECT_TRUE(world.revoked(second));
      EXPECT_EQ(world.record(first).state, SessionState::ended);
    }
}

}  // namespace
}  // namespace sallyport::sessions
