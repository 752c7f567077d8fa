// What the SQLite store does when the disk, the file, another process or the caller fails it.
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "tests/unit/auth/stores/sqlite/fixture.hpp"

namespace sallyport::stores {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ErrorKind = StoreError::Kind;

using SqliteFaults = SqliteStore;

TEST_F(SqliteFaults, RefuseWhatNoLongerFitsOnTheDiskAndStillEndSessions) {
  options_.max_pages = 40;
  open();
  const auto session = login("user-1");
  StoreResult<sessions::Created> last;
  for (int i = 0; i < 500 && last; ++i) {
    auto big = new_session("user-2");
    big.user_agent.assign(4000, 'x');
    last = await(stores_.sessions->create(big, 0, config::WhenFull::evict_oldest));
  }
  ASSERT_FALSE(last);
  EXPECT_EQ(last.error().kind, ErrorKind::refused);
  EXPECT_THAT(last.error().detail, AllOf(HasSubstr(options_.path), HasSubstr("disk is full")));
  // A logout needs no new page.
  EXPECT_TRUE(ask(stores_.sessions->end("user-1", session.id, sessions::EndCause::logout)));
}

TEST_F(SqliteFaults, DoNotTakeTheSmallWritesOfATransactionDownWithABigOne) {
  options_.max_pages = 60;
  open();
  const auto session = login("user-1");
  auto big = new_session("user-2");
  big.user_agent.assign(1 << 20, 'x');
  std::vector<Task<StoreResult<bool>>> tasks;
  std::optional<StoreResult<sessions::Created>> refused;
  spawn(context_, stores_.sessions->create(big, 0, config::WhenFull::evict_oldest),
        [&](std::exception_ptr, StoreResult<sessions::Created> result) { refused = std::move(result); });
  for (int i = 0; i < 20; ++i)
    tasks.push_back(stores_.sessions->end("user-1", session.id, sessions::EndCause::logout));
  for (const auto& result : sallyport::testing::await_all(context_, std::move(tasks)))
    EXPECT_TRUE(result && *result);
  while (!refused) context_.run_one();
  ASSERT_FALSE(*refused);
  EXPECT_EQ(refused->error().kind, ErrorKind::refused);
}

TEST_F(SqliteFaults, TellThatAnotherProcessHoldsTheLock) {
  options_.timeout = 200ms;
  open();
  sqlite3* other = nullptr;
  ASSERT_EQ(sqlite3_open(options_.path.c_str(), &other), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(other, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr), SQLITE_OK);
  const auto refused =
      await(stores_.sessions->create(new_session("user-1"), 0, config::WhenFull::evict_oldest));
  ASSERT_FALSE(refused);
  EXPECT_FALSE(refused.error().detail.empty());
  EXPECT_TRUE(await(stores_.sessions->load(new_session("user-1").id)));  // readers go on
  sqlite3_exec(other, "COMMIT", nullptr, nullptr, nullptr);
  sqlite3_close(other);
  EXPECT_TRUE(await(stores_.sessions->create(new_session("user-1"), 0, config::WhenFull::evict_oldest)));
}

TEST_F(SqliteFaults, WriteNothingIntoAFileThatWasRemoved) {
  open();
  std::filesystem::remove(options_.path);
  const auto refused =
      await(stores_.sessions->create(new_session("user-1"), 0, config::WhenFull::evict_oldest));
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().detail, HasSubstr("removed or replaced"));
  const auto health = await(backend_->probe(context_.get_executor()));
  EXPECT_FALSE(health.ok);
  EXPECT_THAT(health.message, HasSubstr("restart the gateway"));
}

TEST_F(SqliteFaults, SayCorruptWhereARowIsNotOurs) {
  open();
  const auto session = login("user-1");
  sql("UPDATE users SET roles = 'x'; INSERT INTO users VALUES('u1', 'ada', 'ada', '', '', 0, 0, 'no json', "
      "'{}', '{}', 0, 1)");
  const auto found = await(stores_.users->find_by_id("u1"));
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().kind, ErrorKind::corrupt);
  EXPECT_TRUE(ask(stores_.sessions->load(session.id)).session);
}

TEST_F(SqliteFaults, TellWhenTheQueueIsFull) {
  options_.queue = 8;
  open();
  std::vector<Task<StoreResult<unsigned>>> tasks;
  for (int i = 0; i < 2000; ++i) tasks.push_back(stores_.attempts->add("ada", 60s));
  unsigned counted = 0, overloaded = 0;
  for (const auto& result : sallyport::testing::await_all(context_, std::move(tasks))) {
    counted += result.has_value();
    overloaded += !result && result.error().kind == ErrorKind::overloaded;
  }
  EXPECT_EQ(counted + overloaded, 2000u);
  EXPECT_GT(overloaded, 0u);
  EXPECT_EQ(ask(stores_.attempts->count("ada")), counted);  // none was half done
}

TEST_F(SqliteFaults, LetAnIoContextGoWhileAnswersAreOnTheirWay) {
  open();
  for (int round = 0; round < 50; ++round) {
    net::io_context context;
    auto stores = backend_->connect(context.get_executor());
    for (int i = 0; i < 20; ++i) {
      spawn(context, stores.attempts->add("ada", 3600s),
            [](std::exception_ptr, const StoreResult<unsigned>&) {});
      spawn(context, stores.log->read("", 10, 60s),
            [](std::exception_ptr, const StoreResult<revocation::Batch>&) {});
    }
    context.run_for(1ms);
    stores = {};
  }
  EXPECT_LE(ask(stores_.attempts->count("ada")), 1000u);
}

// A child writes and tells each acknowledgement; then it is killed without warning.
TEST_F(SqliteFaults, LoseNothingAcknowledgedWhenTheProcessIsKilled) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    open();
    for (unsigned i = 0;; ++i) {
      ask(stores_.log->append({event("s" + std::to_string(i), UnixSeconds(4'000'000'000s))}));
      if (::write(ends[1], &i, sizeof i) != sizeof i) ::_exit(1);
    }
  }
  ::close(ends[1]);
  unsigned acknowledged = 0;
  while (acknowledged < 100)
    ASSERT_EQ(::read(ends[0], &acknowledged, sizeof acknowledged), static_cast<ssize_t>(sizeof acknowledged));
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  while (::read(ends[0], &acknowledged, sizeof acknowledged) > 0) {
  }
  ::close(ends[0]);
  open();
  const auto entries = ask(stores_.log->read("", 1'000'000, 0ms)).entries;
  ASSERT_GT(entries.size(), acknowledged);
  for (unsigned i = 0; i <= acknowledged; ++i) ASSERT_EQ(entries[i].event.id, "s" + std::to_string(i));
}

TEST_F(SqliteFaults, LoseNoSwapBetweenTwoProcesses) {
  open();
  const auto session = login("user-1");
  close();
  constexpr unsigned kRounds = 100;
  const auto rotate = [&] {
    open();
    for (unsigned wins = 0; wins < kRounds;) {
      auto next = *ask(stores_.sessions->load(session.id)).session;
      ++next.generation;
      wins += ask(stores_.sessions->compare_and_swap(next));
    }
  };
  const pid_t child = ::fork();
  if (child == 0) {
    rotate();
    ::_exit(0);
  }
  rotate();
  int status = 1;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(ask(stores_.sessions->load(session.id)).session->generation, 2 * kRounds);
}

}  // namespace
}  // namespace sallyport::stores
