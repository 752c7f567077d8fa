// The contract of revocation::RevocationLog, against every implementation.
#include <atomic>

#include "tests/integration/stores/contract.hpp"

namespace sallyport::testing {
namespace {

using revocation::Batch;
using revocation::Event;

const UnixSeconds kFar{4'000'000'000s};

Event session_event(const std::string& id, UnixSeconds until = kFar) {
  Event event;
  event.kind = revocation::Kind::session;
  event.issuer = "https://auth.example.com";
  event.id = id;
  event.until = until;
  event.reason = "logout";
  return event;
}

class Log : public StoreContract {
 protected:
  void append(std::vector<Event> events) { ask(log().append(std::move(events))); }
  Batch read(const std::string& from = "", std::size_t limit = 100, std::chrono::milliseconds wait = 0ms) {
    return ask(log().read(from, limit, wait));
  }
  static std::vector<std::string> ids(const Batch& batch) {
    std::vector<std::string> ids;
    for (const auto& entry : batch.entries) ids.push_back(entry.event.id);
    return ids;
  }
};
INSTANTIATE_TEST_SUITE_P(Stores, Log, kEveryStore, param_name);

TEST_P(Log, IsEmptyAtFirstAndHasAMarker) {
  const auto batch = read();
  EXPECT_TRUE(batch.entries.empty());
  EXPECT_FALSE(batch.more);
  EXPECT_FALSE(batch.gap);
  EXPECT_FALSE(batch.marker.id.empty());
  EXPECT_LE(batch.marker.created, to_seconds(batch.now) + 1s);
  EXPECT_GT(batch.marker.created, to_seconds(batch.now) - 60s);
  EXPECT_EQ(read().marker, batch.marker);
}

TEST_P(Log, GivesBackEveryFieldOfEveryKindInOrder) {
  Event token = session_event("t");
  token.kind = revocation::Kind::token;
  Event user = session_event(kHardText);
  user.kind = revocation::Kind::user;
  user.before = UnixSeconds(1'700'000'001s);
  user.issuer = kHardText;
  user.reason = kHardText;
  Event key = session_event("kid-1");
  key.kind = revocation::Kind::key;
  Event everything = session_event("");
  everything.kind = revocation::Kind::everything;
  everything.epoch = 1ULL << 40;
  everything.reason = "";
  const std::vector<Event> events{session_event("s1"), token, user, key, everything};
  append(events);
  const auto batch = read();
  ASSERT_EQ(batch.entries.size(), events.size());
  for (std::size_t i = 0; i < events.size(); ++i) EXPECT_EQ(batch.entries[i].event, events[i]) << i;
  EXPECT_EQ(batch.cursor, batch.entries.back().cursor);
}

TEST_P(Log, IsReadInPagesWithoutLossOrRepetition) {
  std::vector<std::string> wanted;
  for (int i = 0; i < 25; ++i) {
    wanted.push_back("s" + std::to_string(i));
    append({session_event(wanted.back())});
  }
  std::vector<std::string> seen;
  std::string cursor;
  bool more = true;
  for (int page = 0; more && page < 10; ++page) {
    const auto batch = read(cursor, 10);
    EXPECT_LE(batch.entries.size(), 10u);
    for (const auto& id : ids(batch)) seen.push_back(id);
    cursor = batch.cursor;
    more = batch.more;
  }
  EXPECT_EQ(seen, wanted);
  EXPECT_FALSE(more);
}

TEST_P(Log, GoesOnFromACursor) {
  append({session_event("s1")});
  const auto first = read();
  append({session_event("s2")});
  const auto second = read(first.cursor);
  EXPECT_EQ(ids(second), std::vector<std::string>{"s2"});
  EXPECT_FALSE(second.gap);
  const auto third = read(second.cursor);
  EXPECT_TRUE(third.entries.empty());
  EXPECT_EQ(third.cursor, second.cursor);
}

TEST_P(Log, AnswersEmptyWhenNothingCameWithinTheWait) {
  append({session_event("s1")});
  const auto cursor = read().cursor;
  const auto begin = std::chrono::steady_clock::now();
  const auto batch = read(cursor, 100, 100ms);
  EXPECT_GE(std::chrono::steady_clock::now() - begin, 50ms);
  EXPECT_TRUE(batch.entries.empty());
  EXPECT_EQ(batch.cursor, cursor);
  EXPECT_FALSE(batch.marker.id.empty());
  EXPECT_GT(batch.now.time_since_epoch().count(), 0);
}

TEST_P(Log, WakesAWaitingReaderOfTheSameGateway) {
  std::optional<StoreResult<Batch>> woken;
  spawn(gateway_->context, log().read("", 100, 60s),
        [&](std::exception_ptr, StoreResult<Batch> batch) { woken = std::move(batch); });
  append({session_event("s1")});
  const auto begin = std::chrono::steady_clock::now();
  while (!woken && gateway_->context.run_one() > 0) {
  }
  ASSERT_TRUE(woken && *woken);
  EXPECT_EQ(ids(**woken), std::vector<std::string>{"s1"});
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 10s);  // woken, not timed out
}

TEST_P(Log, WakesAReaderThatWaitsInAnotherGateway) {
  std::atomic<bool> read_before = false;
  std::thread other([&, backend = another_backend()] {
    Gateway gateway(backend);
    EXPECT_TRUE(gateway(gateway.stores.log->read("", 100, 0ms)));
    read_before = true;
    read_before.notify_one();
    const auto begin = std::chrono::steady_clock::now();
    const auto batch = gateway(gateway.stores.log->read("", 100, 60s));
    EXPECT_LT(std::chrono::steady_clock::now() - begin, 10s);
    ASSERT_TRUE(batch) << batch.error().detail;
    EXPECT_EQ(ids(*batch), std::vector<std::string>{"s1"});
  });
  read_before.wait(false);
  append({session_event("s1")});
  other.join();
}

TEST_P(Log, DropsOnlyWhatIsOverWhenTrimmed) {
  const auto now = to_seconds(read().now);
  append({session_event("over", now - 10s), session_event("alive"), session_event("over too", now - 5s)});
  const auto cursor = read().cursor;
  ask(log().trim(now));
  EXPECT_EQ(ids(read()), std::vector<std::string>{"alive"});
  append({session_event("next")});
  const auto batch = read(cursor);
  EXPECT_EQ(ids(batch), std::vector<std::string>{"next"});
  EXPECT_FALSE(batch.gap);
}

TEST_P(Log, GoesOnWhereEverythingWasTrimmed) {
  const auto now = to_seconds(read().now);
  append({session_event("over", now - 10s)});
  const auto before = read();
  ask(log().trim(now));
  EXPECT_EQ(read().marker, before.marker);
  append({session_event("next")});
  EXPECT_EQ(ids(read(before.cursor)), std::vector<std::string>{"next"});
  EXPECT_EQ(ids(read()), std::vector<std::string>{"next"});
}

TEST_P(Log, TakesAnEmptyAppendAndARepeatedOne) {
  append({});
  EXPECT_TRUE(read().entries.empty());
  append({session_event("s1")});
  append({session_event("s1")});
  EXPECT_GE(read().entries.size(), 1u);
}

TEST_P(Log, KeepsAllThatGatewaysAppendAtOnce) {
  std::atomic<int> serial = 0;
  on_gateways(2, [&](Gateway& gateway) {
    std::vector<Task<StoreResult<void>>> tasks;
    for (int i = 0; i < 50; ++i)
      tasks.push_back(gateway.stores.log->append({session_event("s" + std::to_string(++serial))}));
    for (const auto& result : await_all(gateway.context, std::move(tasks))) EXPECT_TRUE(result);
  });
  EXPECT_EQ(read("", 1000).entries.size(), 100u);
}

class SharedLog : public Log {};
INSTANTIATE_TEST_SUITE_P(Stores, SharedLog, kSharedStores, param_name);

TEST_P(SharedLog, IsTheSameForASecondGateway) {
  append({session_event("s1")});
  const auto mine = read();
  Gateway second(another_backend());
  const auto theirs = second(second.stores.log->read("", 100, 0ms));
  ASSERT_TRUE(theirs) << theirs.error().detail;
  EXPECT_EQ((*theirs).marker, mine.marker);
  EXPECT_EQ((*theirs).cursor, mine.cursor);
  EXPECT_EQ(ids(*theirs), ids(mine));
}

}  // namespace
}  // namespace sallyport::testing
