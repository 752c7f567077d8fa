// What the SQLite store does as time passes, what a gap in its log is, and how it shares commits.
#include <gmock/gmock.h>

#include "auth/stores/sqlite/log_table.hpp"
#include "auth/stores/sqlite/schema.hpp"
#include "auth/stores/sqlite/session_table.hpp"
#include "tests/unit/auth/stores/sqlite/fixture.hpp"

namespace sallyport::stores {
namespace {

using SqliteTime = SqliteStore;

TEST_F(SqliteTime, ListsNoSessionPastItsIdleOrAbsoluteLimit) {
  rules_.idle_ttl = 1h;
  rules_.absolute_ttl = 3h;
  open();
  auto session = login("user-1");
  advance(59min);
  EXPECT_EQ(ask(stores_.sessions->list("user-1")).sessions.size(), 1u);
  advance(1min);
  EXPECT_TRUE(ask(stores_.sessions->list("user-1")).sessions.empty());
  EXPECT_TRUE(
      ask(stores_.sessions->end_all("user-1", std::nullopt, sessions::EndCause::disabled)).ended.empty());
}

TEST_F(SqliteTime, CountsNoSessionPastItsLimitAgainstTheNextLogin) {
  rules_.idle_ttl = 1h;
  open();
  login("user-1");
  advance(2h);
  const auto created = ask(stores_.sessions->create(new_session("user-1"), 1, config::WhenFull::refuse));
  EXPECT_FALSE(created.refused);
}

TEST_F(SqliteTime, OpensANewWindowOfAttemptsAtTheMomentTheOldOneEnds) {
  open();
  ask(stores_.attempts->add("ada", 60s));
  advance(59'999ms);
  EXPECT_EQ(ask(stores_.attempts->add("ada", 60s)), 2u);
  advance(1ms);
  EXPECT_EQ(ask(stores_.attempts->count("ada")), 0u);
  EXPECT_EQ(ask(stores_.attempts->add("ada", 60s)), 1u);
}

TEST_F(SqliteTime, ReportsAGapWhereUnexpiredEntriesWereTrimmed) {
  open();
  const auto start = to_seconds(now());
  ask(stores_.log->append({event("s1", start)}));
  const auto cursor = ask(stores_.log->read("", 10, 0ms)).cursor;
  ask(stores_.log->append({event("s2", start + 1h)}));
  ask(stores_.log->trim(start + 2h));  // by somebody whose clock is two hours ahead
  EXPECT_TRUE(ask(stores_.log->read(cursor, 10, 0ms)).gap);
  advance(3h);
  EXPECT_FALSE(ask(stores_.log->read(cursor, 10, 0ms)).gap);  // now it could not matter any more
}

TEST_F(SqliteTime, ReportsAGapForACursorOfAnotherOrANewerLog) {
  open();
  ask(stores_.log->append({event("s1", to_seconds(now()) + 1h)}));
  for (const char* cursor : {"4711", "1700000000000-0", "x", "-1"}) {
    const auto batch = ask(stores_.log->read(cursor, 10, 0ms));
    EXPECT_TRUE(batch.gap) << cursor;
    EXPECT_EQ(batch.entries.size(), 1u) << cursor;  // from the beginning
  }
}

TEST_F(SqliteTime, SharesCommitsBetweenWritesThatWaitTogether) {
  open();
  const auto before = backend_->commits();
  std::vector<Task<StoreResult<unsigned>>> tasks;
  for (int i = 0; i < 200; ++i) tasks.push_back(stores_.attempts->add("k" + std::to_string(i), 60s));
  for (const auto& result : sallyport::testing::await_all(context_, std::move(tasks))) EXPECT_TRUE(result);
  const auto after = backend_->commits();
  EXPECT_EQ(after.operations - before.operations, 200u);
  EXPECT_LT(after.transactions - before.transactions, 50u);
}

class Purge : public ::testing::Test {
 protected:
  Purge() : database_(std::move(*sqlite::open_database({":memory:"}, now_))) {}
  void add(sqlite::SessionTable& table, unsigned char number) {
    sessions::Session session;
    session.id.bytes[0] = number;
    session.user_id = "user-" + std::to_string(number);
    table.create(session, 0, config::WhenFull::evict_oldest, now_);
    if (number % 2 == 0) table.end_all(session.user_id, std::nullopt, sessions::EndCause::logout, now_);
  }
  UnixMillis now_{1'700'000'000'000ms};
  std::unique_ptr<sqlite::Database> database_;
  config::Refresh rules_;
};

TEST_F(Purge, DeletesADayAfterTheLimitInBoundedSteps) {
  rules_.idle_ttl = 1h;
  sqlite::SessionTable table(*database_, rules_);
  for (unsigned char i = 0; i < 10; ++i) add(table, i);
  EXPECT_EQ(table.purge(100, now_ + 25h), 0u);
  EXPECT_EQ(table.purge(6, now_ + 25h + 1ms), 6u);
  EXPECT_EQ(table.purge(6, now_ + 25h + 1ms), 4u);
  EXPECT_EQ(database_->number("SELECT count(*) FROM sessions"), 0);
  EXPECT_EQ(database_->number("SELECT count(*) FROM epochs"), 0);
}

TEST_F(Purge, KeepsForEverWhatLivesWithoutLimitsAndAMonthWhatWasEnded) {
  rules_.idle_ttl = rules_.absolute_ttl = 0s;
  sqlite::SessionTable table(*database_, rules_);
  for (unsigned char i = 0; i < 10; ++i) add(table, i);
  table.purge(100, now_ + 24h * 29);
  EXPECT_EQ(database_->number("SELECT count(*) FROM sessions"), 10);
  table.purge(100, now_ + 24h * 400);
  EXPECT_EQ(database_->number("SELECT count(*) FROM sessions"), 5);
}

TEST_F(Purge, AsksTheRulesOfTodayBeforeItDeletes) {
  rules_.idle_ttl = 1h;
  {
    sqlite::SessionTable table(*database_, rules_);
    add(table, 1);
  }
  rules_.idle_ttl = 240h;  // the operator gave more time
  sqlite::SessionTable table(*database_, rules_);
  EXPECT_EQ(table.purge(100, now_ + 48h), 1u);
  EXPECT_EQ(database_->number("SELECT count(*) FROM sessions"), 1);
  EXPECT_EQ(table.purge(100, now_ + 48h), 0u);  // and it isn't looked at again until then
}

}  // namespace
}  // namespace sallyport::stores
