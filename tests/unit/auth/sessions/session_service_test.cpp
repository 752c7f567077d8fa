// The service against stores in memory: each outcome of CONTRACT section 2, lost races, and a fault at every
// step.
#include "auth/sessions/session_service.hpp"

#include <gtest/gtest.h>

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>

#include <string>
#include <vector>

#include "auth/jose/base64url.hpp"
#include "tests/support/fake_stores.hpp"

namespace sallyport::sessions {
namespace {

using namespace std::chrono_literals;
using test::Faults;
using test::must;
using test::run;

constexpr const char* kIssuer = "https://auth.example.com";

std::vector<jose::MacKey> mac_keys() { return {{"keyAAAAA", config::Secret(std::string(32, 'a'))}}; }

std::shared_ptr<const jose::Key> signing_key() {
  auto key = jose::key_from_secret(config::Secret(std::string(32, 's')), jose::Algorithm::hs256, "k1");
  return std::make_shared<const jose::Key>(std::move(*key));
}

boost::json::object payload(const std::string& token) {
  const auto first = token.find('.'), second = token.find('.', first + 1);
  return boost::json::parse(*jose::base64url_decode(token.substr(first + 1, second - first - 1))).as_object();
}

// One gateway process with its stores.
struct World {
  Faults faults;
  test::FakeSessionStore store{faults};
  test::FakeUserStore users{faults};
  test::FakeRevoker revoker{faults};
  jose::TokenIssuer issuer{signing_key()};
  RefreshCodec codec{mac_keys()};
  config::Tokens tokens;
  UnixSeconds wall{std::chrono::seconds(1'800'000'000)};
  GlobalEpoch epoch;
  unsigned char next_random = 1;
  std::string address, agent;  // of who refreshes
  std::string known_over;      // a session that the index knows to be revoked
  std::vector<Audit> audits;
  std::optional<SessionService> service_;

  World() {
    tokens.issuer = kIssuer;
    tokens.audience = {"api"};
    users::User user;
    user.id = "user-1";
    user.name = "ada";
    user.roles = {"clerk"};
    user.claims = {{"tenant", "acme"}, {"roles", "admin"}};
    user.password_hash = "$argon2id$...";
    users.users["user-1"] = user;
  }

  SessionService& service() {
    if (!service_)
      service_.emplace(
          SessionService::Parts{
              .sessions = store,
              .revoker = revoker,
              .users = users,
              .issuer = issuer,
              .refresh_tokens = codec,
              .clock = [this] { return wall; },
              .random =
                  [this](std::span<unsigned char> out) { std::fill(out.begin(), out.end(), next_random++); },
              .epoch = [this] { return epoch; },
              .audit = [this](const Audit& audit) { audits.push_back(audit); },
              .revoked = [this](const std::string& session) { return session == known_over; }},
          tokens);
    return *service_;
  }

  void pass(std::chrono::seconds time) { wall += time, store.now += time; }

  boost::system::result<TokenPair, OpenError> open() {
    return run(service().open(users.users.at("user-1"), {"laptop", "192.0.2.1", "browser"}));
  }
  TokenPair opened() { return must(open()); }
  boost::system::result<TokenPair, RefreshError> refresh(
      const std::string& token, std::shared_ptr<const jose::Claims> access = nullptr) {
    return run(service().refresh(token, std::move(access), {"", address, agent}));
  }
  Session& record(const TokenPair& pair) { return store.records.at(*SessionId::parse(pair.session_id)); }

  std::shared_ptr<const jose::Claims> claims(const TokenPair& pair) const {
    auto out = std::make_shared<jose::Claims>();
    out->issuer = kIssuer;
    out->own = true;
    out->subject = "user-1";
    out->session_id = pair.session_id;
    out->generation = pair.generation;
    out->issued_at = pair.expires_at - pair.expires_in;
    out->expires = pair.expires_at;
    return out;
  }
  bool revoked(const TokenPair& pair) const {
    const auto c = claims(pair);
    return revoker.index->revokes(*c, revocation::digests_of(*c), wall);
  }
};

testing::AssertionResult fails_as(const boost::system::result<TokenPair, RefreshError>& result,
                                  RefreshFailure failure) {
  if (result) return testing::AssertionFailure() << "it worked";
  if (result.error().failure == failure) return testing::AssertionSuccess();
  return testing::AssertionFailure() << to_string(result.error().failure);
}

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
