// What the follower of the log makes of each answer.
#include "auth/revocation/log_follower.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sallyport::revocation {
namespace {

using namespace std::chrono_literals;

constexpr UnixSeconds kNow{std::chrono::seconds(1'800'000'000)};
constexpr SteadyTime kStart{std::chrono::hours(1)};
constexpr const char* kOwn = "https://auth.example.com";

Event session(std::string id, std::chrono::seconds life = 600s) {
  return {.kind = Kind::session, .issuer = kOwn, .id = std::move(id), .until = kNow + life};
}

Batch batch(std::vector<std::string> ids, std::string cursor, bool more = false) {
  Batch out;
  for (std::string& id : ids) out.entries.push_back({cursor, session(std::move(id))});
  out.cursor = std::move(cursor);
  out.more = more;
  out.marker = {"m1", kNow - 1h};
  out.now = kNow;
  return out;
}

bool revoked(const LogFollower& follower, std::string sid, UnixSeconds issued_at = kNow) {
  jose::Claims claims;
  claims.issuer = kOwn;
  claims.own = true;
  claims.session_id = std::move(sid);
  claims.issued_at = issued_at;
  return follower.set()->revokes(claims, digests_of(claims), kNow);
}

LogFollower follower() { return LogFollower({.own_issuer = kOwn}); }

// One read sent at `sent` and answered at once.
LogFollower::Step turn(LogFollower& follower, const Batch& answer, SteadyTime sent = kStart) {
  follower.next_read(sent);
  return follower.answered(answer, sent, kNow);
}

// Asks for a compaction and carries it out.
bool compact(LogFollower& follower, SteadyTime now) {
  const auto due = follower.compaction(now);
  return due && follower.compacted(due->set->compacted(due->time));
}

TEST(LogFollower, IsReadyWhenTheLogHasBeenReadWhole) {
  LogFollower f = follower();
  EXPECT_EQ(f.next_read(kStart).from, "");
  EXPECT_EQ(f.next_read(kStart).wait, 0ms) << "while behind it doesn't wait";
  EXPECT_TRUE(turn(f, batch({"a"}, "1", true)).changed);
  EXPECT_FALSE(f.ready());
  EXPECT_EQ(f.staleness(kStart), std::nullopt);
  EXPECT_EQ(f.next_read(kStart).from, "1");
  turn(f, batch({"b"}, "2"));
  EXPECT_TRUE(f.ready());
  EXPECT_TRUE(revoked(f, "a"));
  EXPECT_TRUE(revoked(f, "b"));
  EXPECT_EQ(f.next_read(kStart).from, "2");
  EXPECT_EQ(f.next_read(kStart).wait, 1000ms);
  EXPECT_EQ(f.entries_read(), 2u);
}

// A page that can't be read in time is never read, and nobody would ever be ready.
TEST(LogFollower, AsksForLessAfterEachFailureAndForMoreAfterEachFullPage) {
  LogFollower f({.own_issuer = kOwn, .page = 100});
  EXPECT_EQ(f.next_read(kStart).limit, 100u);
  f.failed();
  EXPECT_EQ(f.next_read(kStart).limit, 50u);
  for (int i = 0; i < 5; ++i) f.failed();
  EXPECT_EQ(f.next_read(kStart).limit, 16u);
  turn(f, batch({"a"}, "1"));
  EXPECT_EQ(f.next_read(kStart).limit, 16u) << "that was no full page";
  std::string cursor = "1";
  for (const std::size_t next : {32, 48, 64, 80, 96, 100, 100}) {
    std::vector<std::string> full(f.next_read(kStart).limit, "id");
    turn(f, batch(full, cursor += "0", true));
    EXPECT_EQ(f.next_read(kStart).limit, next);
  }
}

TEST(LogFollower, CountsStalenessFromTheSendingOfTheLastAnsweredRead) {
  LogFollower f = follower();
  f.next_read(kStart);
  f.answered(batch({}, "1"), kStart + 900ms, kNow);
  EXPECT_EQ(f.staleness(kStart + 900ms), 900ms);
  f.next_read(kStart + 1s);
  f.failed();
  EXPECT_EQ(f.staleness(kStart + 3s), 3s) << "a failed read renews nothing";
  EXPECT_TRUE(f.ready()) << "and forgets nothing";
}

TEST(LogFollower, TellsNoChangeWhenNothingNewCame) {
  LogFollower f = follower();
  turn(f, batch({"a"}, "1"));
  const auto set = f.set();
  EXPECT_FALSE(turn(f, batch({"a"}, "2")).changed);
  EXPECT_EQ(f.set(), set);
}

TEST(LogFollower, ReadsFromTheBeginningAfterAGap) {
  LogFollower f = follower();
  turn(f, batch({"a"}, "1"));
  Batch gap = batch({"z"}, "9");
  gap.gap = true;
  EXPECT_TRUE(turn(f, gap, kStart + 1s).resynced);
  EXPECT_EQ(f.next_read(kStart + 2s).from, "");
  EXPECT_EQ(f.staleness(kStart + 2s), 2s) << "not up to date until the log is read whole again";
  EXPECT_TRUE(revoked(f, "a"));
  turn(f, batch({"b"}, "10"), kStart + 2s);
  EXPECT_EQ(f.staleness(kStart + 2s), 0s);
}

TEST(LogFollower, TakesAGapAtTheBeginningForNone) {
  LogFollower f = follower();
  Batch first = batch({"a"}, "1");
  first.gap = true;
  EXPECT_FALSE(turn(f, first).resynced);
  EXPECT_TRUE(f.ready());
}

// CONTRACT section 5, SECURITY section 6: flushed or replaced store.
TEST(LogFollower, OfAnotherStoreKeepsItsEntriesAndRefusesOwnTokensFromBefore) {
  LogFollower f = follower();
  turn(f, batch({"a"}, "7"));
  EXPECT_FALSE(revoked(f, "x", kNow - 10s));
  Batch other = batch({}, "1");
  other.marker = {"m2", kNow};
  const auto step = turn(f, other, kStart + 1s);
  EXPECT_TRUE(step.changed);
  EXPECT_TRUE(step.resynced);
  EXPECT_EQ(f.next_read(kStart + 1s).from, "");
  EXPECT_TRUE(revoked(f, "a"));
  EXPECT_TRUE(revoked(f, "x", kNow - 10s));
  EXPECT_FALSE(revoked(f, "x", kNow));
  EXPECT_FALSE(turn(f, other, kStart + 2s).resynced) << "only once";
}

TEST(LogFollower, RefusesOwnTokensFromBeforeTheFirstMarkerToo) {
  LogFollower f = follower();
  turn(f, batch({}, "1"));
  EXPECT_TRUE(revoked(f, "x", kNow - 2h));
  EXPECT_FALSE(revoked(f, "x", kNow - 1h));
}

TEST(LogFollower, PutsWhatThisProcessAcknowledgedInForceAtOnce) {
  LogFollower f = follower();
  EXPECT_TRUE(f.acknowledged({session("a")}, kStart));
  EXPECT_TRUE(revoked(f, "a"));
  EXPECT_FALSE(f.acknowledged({session("a")}, kStart));
}

TEST(LogFollower, AppendsAgainWhatItAcknowledgedInTheLastMinuteAfterAReconnect) {
  LogFollower f = follower();
  turn(f, batch({}, "1"));
  f.acknowledged({session("old")}, kStart);
  turn(f, batch({"old"}, "2"), kStart + 61s);
  f.acknowledged({session("new")}, kStart + 61s);
  EXPECT_TRUE(turn(f, batch({}, "2"), kStart + 62s).reappend.empty()) << "no reconnect";
  f.next_read(kStart + 63s);
  f.failed();
  // An outage of minutes: what was acknowledged just before it is still kept.
  const auto step = turn(f, batch({}, "2"), kStart + 300s);
  EXPECT_EQ(step.reappend, std::vector{session("new")});
  EXPECT_EQ(turn(f, batch({}, "2"), kStart + 301s).reappend, std::vector{session("new")})
      << "until it worked";
  f.reappended();
  EXPECT_TRUE(turn(f, batch({}, "2"), kStart + 302s).reappend.empty());
}

TEST(LogFollower, AppendsAgainToAReplacedStoreButNotWhatIsOver) {
  LogFollower f = follower();
  turn(f, batch({}, "1"));
  f.acknowledged({session("a"), session("over", -1s)}, kStart + 1s);
  Batch other = batch({}, "1");
  other.marker = {"m2", kNow};
  EXPECT_EQ(turn(f, other, kStart + 2s).reappend, std::vector{session("a")});
}

TEST(LogFollower, DropsWhatIsOverNowAndThen) {
  LogFollower f = follower();
  Batch first = batch({}, "1");
  for (int i = 0; i < 100; ++i)
    first.entries.push_back({"1", session(std::to_string(i), i < 90 ? -1s : 600s)});
  turn(f, first);
  EXPECT_EQ(f.set()->size(), 100u);
  EXPECT_TRUE(compact(f, kStart));
  EXPECT_EQ(f.set()->size(), 10u);
  EXPECT_TRUE(revoked(f, "95"));
  turn(f, batch({"new"}, "2"), kStart + 1s);
  EXPECT_FALSE(f.compaction(kStart + 61s)) << "little has come since";
  EXPECT_TRUE(f.compaction(kStart + 601s));
}

TEST(LogFollower, KeepsWhatComesWhileACompactionIsUnderWay) {
  LogFollower f = follower();
  turn(f, batch({"a"}, "1"));
  const auto due = f.compaction(kStart);
  ASSERT_TRUE(due);
  EXPECT_FALSE(f.compaction(kStart + 1h)) << "one at a time";
  turn(f, batch({"b"}, "2"), kStart + 1s);
  f.acknowledged({session("c")}, kStart + 1s);
  EXPECT_TRUE(f.compacted(due->set->compacted(due->time)));
  for (const char* sid : {"a", "b", "c"}) EXPECT_TRUE(revoked(f, sid)) << sid;
  EXPECT_FALSE(f.compacted(RevocationSet::empty())) << "nobody asked";
}

TEST(LogFollower, GivesUpACompactionThatANewMarkerOvertook) {
  LogFollower f = follower();
  turn(f, batch({"a"}, "1"));
  const auto due = f.compaction(kStart);
  Batch other = batch({}, "1");
  other.marker = {"m2", kNow};
  turn(f, other, kStart + 1s);
  EXPECT_FALSE(f.compacted(due->set->compacted(due->time)));
  EXPECT_TRUE(revoked(f, "x", kNow - 10s));
  EXPECT_TRUE(revoked(f, "a"));
}

// "A clock that jumps": what would be forgotten for being over is missed when the clock goes back.
TEST(LogFollower, ForgetsNothingForAClockThatJumpedAhead) {
  for (const bool ours : {true, false}) {
    LogFollower f = follower();
    turn(f, batch({"a", "b", "c", "d"}, "1"));
    f.next_read(kStart + 20min);
    Batch later = batch({}, "1");
    if (!ours) later.now = kNow + 48h;
    f.answered(later, kStart + 20min, ours ? kNow + 48h : kNow);
    EXPECT_EQ(f.believed_now(), kNow);
    EXPECT_TRUE(compact(f, kStart + 20min));
    EXPECT_EQ(f.set()->size(), 4u);
  }
}

TEST(BelievedTime, FollowsAClockThatGoesOn) {
  BelievedTime time;
  EXPECT_EQ(time.look(kNow, kStart), kNow);
  EXPECT_EQ(time.look(kNow + 10s, kStart + 9s), kNow + 10s);
  EXPECT_EQ(time.look(kNow + 3s, kStart + 10s), kNow + 3s) << "a step back at once";
}

TEST(BelievedTime, BelievesAJumpOnceItHasStood) {
  BelievedTime time;
  time.look(kNow, kStart);
  EXPECT_EQ(time.look(kNow + 48h, kStart + 1s), kNow + 1s);
  EXPECT_EQ(time.look(kNow + 48h + 59min, kStart + 59min), kNow + 59min);
  EXPECT_EQ(time.look(kNow + 49h + 1s, kStart + 1h + 1s), kNow + 49h + 1s);
  EXPECT_EQ(time.look(kNow + 49h + 2s, kStart + 1h + 2s), kNow + 49h + 2s);
}

TEST(BelievedTime, ForgetsAJumpThatWasTakenBack) {
  BelievedTime time;
  time.look(kNow, kStart);
  time.look(kNow + 48h, kStart + 1s);
  EXPECT_EQ(time.look(kNow + 2s, kStart + 2s), kNow + 2s);
  EXPECT_EQ(time.look(kNow + 48h + 90min, kStart + 90min), kNow + 90min) << "it stands only since now";
}

}  // namespace
}  // namespace sallyport::revocation
