// The contract of sessions::SessionStore, against every implementation.
#include <algorithm>
#include <atomic>

#include "tests/integration/stores/contract.hpp"

namespace sallyport::testing {
namespace {

using config::WhenFull;
using sessions::EndCause;
using sessions::Session;
using sessions::SessionId;
using sessions::SessionState;

class Sessions : public StoreContract {
 protected:
  Session login(const std::string& user, unsigned max = 0, WhenFull when_full = WhenFull::evict_oldest) {
    auto created = ask(sessions().create(new_session(user), max, when_full));
    EXPECT_FALSE(created.refused);
    // The next login is of a later millisecond, so that "oldest" means something.
    while (load(created.session.id).now <= created.session.created) {
    }
    return created.session;
  }
  sessions::Found load(const SessionId& id) { return ask(sessions().load(id)); }
  std::vector<SessionId> live(const std::string& user) {
    std::vector<SessionId> ids;
    for (const auto& session : ask(sessions().list(user)).sessions) ids.push_back(session.id);
    return ids;
  }
};
INSTANTIATE_TEST_SUITE_P(Stores, Sessions, kEveryStore, param_name);

Session rotated(const Session& session, UnixMillis now) {
  Session next = session;
  next.generation += 1;
  next.rotated = next.last_used = now;
  return next;
}

TEST_P(Sessions, GivesBackWhatWasCreatedWithTheStoresTimes) {
  auto wanted = new_session("user-1");
  wanted.global_epoch = 1'800'000'000'123;
  auto created = ask(sessions().create(wanted, 0, WhenFull::evict_oldest));
  const auto found = load(wanted.id);
  ASSERT_TRUE(found.session);
  const Session& session = *found.session;
  EXPECT_EQ(session.id, wanted.id);
  EXPECT_EQ(session.user_id, "user-1");
  EXPECT_EQ(session.device, "laptop");
  EXPECT_EQ(session.ip, "192.0.2.7");  // S4.4: the address is kept with the session
  EXPECT_EQ(session.user_agent, "test/1.0");
  EXPECT_EQ(session.created, session.last_used);
  EXPECT_EQ(session.created, session.rotated);
  EXPECT_LE(session.created, found.now);
  EXPECT_LT(found.now - session.created, 1min);
  EXPECT_EQ(session.generation, 0u);
  EXPECT_EQ(session.confirmed, 0u);
  EXPECT_EQ(session.user_epoch, found.user_epoch);
  EXPECT_EQ(session.global_epoch, wanted.global_epoch);
  EXPECT_EQ(session.state, SessionState::live);
  EXPECT_EQ(created.session.created, session.created);
  EXPECT_EQ(created.session.version, session.version);
  EXPECT_EQ(created.session.user_epoch, session.user_epoch);
}

TEST_P(Sessions, AnswersThatASessionIsUnknownWithoutAnError) {
  const auto found = await(sessions().load(new_session("nobody").id));
  ASSERT_TRUE(found) << found.error().detail;
  EXPECT_FALSE((*found).session);
  EXPECT_GT((*found).now.time_since_epoch().count(), 0);
}

TEST_P(Sessions, KeepsEveryByteOfText) {
  auto session = new_session(kHardText);
  session.device = session.user_agent = session.ip = kHardText;
  ask(sessions().create(session, 0, WhenFull::evict_oldest));
  const auto found = load(session.id);
  ASSERT_TRUE(found.session);
  EXPECT_EQ(found.session->user_id, kHardText);
  EXPECT_EQ(found.session->device, kHardText);
  EXPECT_EQ(found.session->ip, kHardText);
  EXPECT_EQ(found.session->user_agent, kHardText);
  EXPECT_EQ(live(kHardText), std::vector{session.id});
  EXPECT_TRUE(ask(sessions().end(kHardText, session.id, EndCause::logout)));
}

TEST_P(Sessions, KeepsEmptyTextEmpty) {
  auto session = new_session("user-1");
  session.device = session.user_agent = session.ip = "";
  ask(sessions().create(session, 0, WhenFull::evict_oldest));
  EXPECT_EQ(load(session.id).session->device, "");
}

TEST_P(Sessions, SwapsOnlyOverTheVersionThatWasRead) {
  const auto session = login("user-1");
  const auto now = load(session.id).now;
  EXPECT_TRUE(ask(sessions().compare_and_swap(rotated(session, now))));
  EXPECT_FALSE(ask(sessions().compare_and_swap(rotated(session, now))));
  const auto found = *load(session.id).session;
  EXPECT_EQ(found.generation, 1u);
  EXPECT_EQ(found.rotated, now);
  EXPECT_EQ(found.last_used, now);
  EXPECT_EQ(found.version, session.version + 1);
  EXPECT_EQ(found.created, session.created);
}

TEST_P(Sessions, SwapsNothingWhereThereIsNoSession) {
  EXPECT_FALSE(ask(sessions().compare_and_swap(new_session("user-1"))));
}

// SECURITY S3: rotation is one atomic step.
TEST_P(Sessions, LetsExactlyOneOf200ParallelRotationsWin) {
  const auto session = login("user-1");
  const auto next = rotated(session, session.created + 1s);
  std::atomic<int> wins = 0, answers = 0;
  on_gateways(2, [&](Gateway& gateway) {
    std::vector<Task<StoreResult<bool>>> tasks;
    for (int i = 0; i < 100; ++i) tasks.push_back(gateway.stores.sessions->compare_and_swap(next));
    for (const auto& result : await_all(gateway.context, std::move(tasks))) {
      answers += result.has_value();
      wins += result && *result;
    }
  });
  EXPECT_EQ(answers, 200);
  EXPECT_EQ(wins, 1);
  EXPECT_EQ(load(session.id).session->generation, 1u);
}

TEST_P(Sessions, LosesNoRotationBetweenTwoGateways) {
  const auto session = login("user-1");
  std::atomic<unsigned> wins = 0;
  on_gateways(2, [&](Gateway& gateway) {
    for (int round = 0; round < 50; ++round) {
      const auto found = gateway(gateway.stores.sessions->load(session.id));
      ASSERT_TRUE(found) << found.error().detail;
      const auto swapped =
          gateway(gateway.stores.sessions->compare_and_swap(rotated(*(*found).session, (*found).now)));
      ASSERT_TRUE(swapped) << swapped.error().detail;
      wins += *swapped;
    }
  });
  const auto found = *load(session.id).session;
  EXPECT_GE(wins, 50u);
  EXPECT_EQ(found.generation, wins);
  EXPECT_EQ(found.version, session.version + wins);
}

TEST_P(Sessions, KeepsTheHighestConfirmationAndMovesNoVersion) {
  const auto session = login("user-1");
  ask(sessions().confirm(session.id, 3));
  ask(sessions().confirm(session.id, 2));
  ask(sessions().confirm(session.id, 3));
  const auto found = *load(session.id).session;
  EXPECT_EQ(found.confirmed, 3u);
  EXPECT_EQ(found.version, session.version);
}

TEST_P(Sessions, TakesNoConfirmationBackBySwapping) {
  const auto session = login("user-1");
  ask(sessions().confirm(session.id, 1));  // arrives between the load and the swap of a rotation
  EXPECT_TRUE(ask(sessions().compare_and_swap(rotated(session, session.created + 1s))));
  EXPECT_EQ(load(session.id).session->confirmed, 1u);
}

TEST_P(Sessions, ConfirmsNothingWhereThereIsNoSession) {
  const auto id = new_session("user-1").id;
  ask(sessions().confirm(id, 1));
  EXPECT_FALSE(load(id).session);
}

TEST_P(Sessions, ListsTheLiveSessionsOfOneUserNewestFirst) {
  const auto first = login("user-1"), second = login("user-1"), third = login("user-1");
  login("user-2");
  ask(sessions().end("user-1", second.id, EndCause::logout));
  EXPECT_EQ(live("user-1"), (std::vector{third.id, first.id}));
  EXPECT_TRUE(live("user-3").empty());
}

TEST_P(Sessions, EndsASessionOnceAndForAll) {
  const auto session = login("user-1");
  EXPECT_TRUE(ask(sessions().end("user-1", session.id, EndCause::logout)));
  EXPECT_TRUE(ask(sessions().end("user-1", session.id, EndCause::administrator)));
  const auto found = load(session.id);
  EXPECT_TRUE(is_over(found));
  EXPECT_EQ(found.session->cause, EndCause::logout);
  EXPECT_FALSE(
      ask(sessions().compare_and_swap(rotated(session, found.now))));  // a refresh on its way finds it dead
  EXPECT_TRUE(is_over(load(session.id)));
}

TEST_P(Sessions, RefusesToEndTheSessionOfAnotherUser) {
  const auto session = login("user-1");
  EXPECT_FALSE(ask(sessions().end("user-2", session.id, EndCause::logout)));
  EXPECT_FALSE(ask(sessions().end("user-1", new_session("user-1").id, EndCause::logout)));
  EXPECT_FALSE(is_over(load(session.id)));
}

TEST_P(Sessions, EndsByASwapToo) {
  const auto session = login("user-1");
  auto next = session;
  next.state = SessionState::ended;
  next.cause = EndCause::reused;
  EXPECT_TRUE(ask(sessions().compare_and_swap(next)));
  EXPECT_EQ(load(session.id).session->cause, EndCause::reused);
  EXPECT_TRUE(live("user-1").empty());
}

// SECURITY S6, S1.24: all sessions of a user by an epoch; a login in the same second works.
TEST_P(Sessions, EndsAllOfAUserAndLetsTheNextLoginLive) {
  const auto first = login("user-1"), second = login("user-1"), other = login("user-2");
  auto ended = ask(sessions().end_all("user-1", std::nullopt, EndCause::password_changed)).ended;
  const auto after = login("user-1");
  std::sort(ended.begin(), ended.end());
  EXPECT_EQ(ended, (std::vector{std::min(first.id, second.id), std::max(first.id, second.id)}));
  EXPECT_TRUE(is_over(load(first.id)));
  EXPECT_TRUE(is_over(load(second.id)));
  EXPECT_FALSE(is_over(load(after.id)));
  EXPECT_FALSE(is_over(load(other.id)));
  EXPECT_GT(after.user_epoch, first.user_epoch);
  EXPECT_EQ(live("user-1"), std::vector{after.id});
}

TEST_P(Sessions, KeepsTheExceptedSessionWhenAllOthersEnd) {
  const auto mine = login("user-1"), other = login("user-1");
  const auto result = ask(sessions().end_all("user-1", mine.id, EndCause::logout));
  EXPECT_EQ(result.ended, std::vector{other.id});
  const auto found = load(mine.id);
  EXPECT_FALSE(is_over(found));
  EXPECT_EQ(found.session->user_epoch, found.user_epoch);
  EXPECT_EQ(live("user-1"), std::vector{mine.id});
}

TEST_P(Sessions, NamesOnlyThoseThatWereLiveWhenAllEnd) {
  const auto ended_before = login("user-1"), session = login("user-1");
  ask(sessions().end("user-1", ended_before.id, EndCause::logout));
  EXPECT_EQ(ask(sessions().end_all("user-1", std::nullopt, EndCause::disabled)).ended,
            std::vector{session.id});
  EXPECT_TRUE(ask(sessions().end_all("user-1", std::nullopt, EndCause::disabled)).ended.empty());
  EXPECT_TRUE(ask(sessions().end_all("user-without-any", std::nullopt, EndCause::disabled)).ended.empty());
}

TEST_P(Sessions, BringsNoSessionBackByASwapThatWasReadBeforeAllEnded) {
  const auto mine = login("user-1"), other = login("user-1");
  ask(sessions().end_all("user-1", mine.id, EndCause::password_changed));
  ask(sessions().compare_and_swap(rotated(other, other.created + 1s)));
  EXPECT_TRUE(is_over(load(other.id)));
  ask(sessions().compare_and_swap(rotated(mine, mine.created + 1s)));
  EXPECT_FALSE(is_over(load(mine.id)));  // nor is the excepted one lost by it
}

// S1.8, S0.6: one session per user is a limit of one.
TEST_P(Sessions, EndsTheOldestWhereTheLimitIsReached) {
  const auto first = login("user-1"), second = login("user-1");
  const auto created = ask(sessions().create(new_session("user-1"), 2, WhenFull::evict_oldest));
  EXPECT_FALSE(created.refused);
  EXPECT_EQ(created.evicted, std::vector{first.id});
  const auto found = load(first.id);
  EXPECT_TRUE(is_over(found));
  EXPECT_EQ(found.session ? found.session->cause : EndCause::evicted, EndCause::evicted);
  EXPECT_EQ(live("user-1"), (std::vector{created.session.id, second.id}));
}

TEST_P(Sessions, MakesRoomForALimitThatWasLowered) {
  login("user-1");
  login("user-1");
  login("user-1");
  const auto created = ask(sessions().create(new_session("user-1"), 1, WhenFull::evict_oldest));
  EXPECT_EQ(created.evicted.size(), 3u);
  EXPECT_EQ(live("user-1"), std::vector{created.session.id});
}

TEST_P(Sessions, RefusesWhereTheLimitIsReachedAndThePolicySaysSo) {
  const auto first = login("user-1", 2, WhenFull::refuse), second = login("user-1", 2, WhenFull::refuse);
  const auto refused = new_session("user-1");
  EXPECT_TRUE(ask(sessions().create(refused, 2, WhenFull::refuse)).refused);
  EXPECT_FALSE(load(refused.id).session);
  ask(sessions().end("user-1", first.id, EndCause::logout));
  const auto third = login("user-1", 2, WhenFull::refuse);  // an ended one doesn't count
  EXPECT_EQ(live("user-1"), (std::vector{third.id, second.id}));
}

TEST_P(Sessions, HoldsTheLimitAgainst40ParallelLogins) {
  for (const auto policy : {WhenFull::refuse, WhenFull::evict_oldest}) {
    const std::string user = policy == WhenFull::refuse ? "refuse" : "evict";
    std::atomic<int> refused = 0, evicted = 0, answers = 0;
    on_gateways(2, [&](Gateway& gateway) {
      std::vector<Task<StoreResult<sessions::Created>>> tasks;
      for (int i = 0; i < 20; ++i)
        tasks.push_back(gateway.stores.sessions->create(new_session(user), 3, policy));
      for (const auto& result : await_all(gateway.context, std::move(tasks))) {
        if (!result) continue;
        ++answers;
        refused += (*result).refused;
        evicted += static_cast<int>((*result).evicted.size());
      }
    });
    EXPECT_EQ(answers, 40);
    EXPECT_EQ(live(user).size(), 3u);
    EXPECT_EQ(refused + evicted, 37);
  }
}

class SharedSessions : public SharedStoreContract {};
INSTANTIATE_TEST_SUITE_P(Stores, SharedSessions, kSharedStores, param_name);

TEST_P(SharedSessions, AreThereForASecondGatewayAndAfterTheFirstIsGone) {
  const auto session = ask(sessions().create(new_session("user-1"), 0, WhenFull::evict_oldest)).session;
  {
    Gateway second(another_backend());
    auto found = second(second.stores.sessions->load(session.id));
    ASSERT_TRUE(found) << found.error().detail;
    ASSERT_TRUE((*found).session);
    EXPECT_TRUE(*second(second.stores.sessions->end("user-1", session.id, EndCause::administrator)));
  }
  EXPECT_TRUE(is_over(ask(sessions().load(session.id))));
  gateway_.reset();
  backend_.reset();
  Gateway third(world_->open(rules_));
  auto found = third(third.stores.sessions->load(session.id));
  ASSERT_TRUE(found) << found.error().detail;
  EXPECT_EQ((*found).session->cause, EndCause::administrator);
}

}  // namespace
}  // namespace sallyport::testing
