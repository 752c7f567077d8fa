// When an issuer's keys are fetched, and which stay in use: moments and answers as values.
#include "auth/jose/key_refresher.hpp"

#include <gtest/gtest.h>

namespace sallyport::jose {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const SteadyTime kStart{seconds(1000)};

const Key& key(int number) {
  static const std::vector<Key> keys = [] {
    std::vector<Key> made;
    for (int i = 0; i < 3; ++i) made.push_back(*generate_key(Algorithm::es256));
    return made;
  }();
  return keys[static_cast<std::size_t>(number)];
}

KeyResult<ParsedKeySet> keys(std::initializer_list<int> numbers) {
  std::vector<Key> list;
  for (const int number : numbers) list.push_back(key(number));
  ParsedKeySet set;
  set.keys = std::make_shared<const KeySet>(std::move(list));
  return set;
}

KeyResult<ParsedKeySet> failure(std::string why = "cannot connect") {
  return KeyResult<ParsedKeySet>(boost::system::in_place_error, std::move(why));
}

struct Refresher {
  KeyRefresher refresher{KeyRefresher::Rules{}, kStart};
  KeyRefresher::Answer fetch(KeyResult<ParsedKeySet> result, SteadyTime now) {
    refresher.begin();
    return refresher.answered(std::move(result), now);
  }
};

TEST(KeyRefresher, FetchesAtOnceAndThenInTheBackground) {
  Refresher r;
  EXPECT_EQ(r.refresher.due(), kStart);
  EXPECT_FALSE(r.refresher.keys());
  EXPECT_FALSE(r.refresher.problem().empty());
  r.refresher.begin();
  EXPECT_FALSE(r.refresher.due()) << "one fetch at a time";
  const auto answer = r.refresher.answered(keys({0}), kStart + seconds(1));
  EXPECT_TRUE(answer.changed);
  EXPECT_EQ(answer.message, "loaded 1 key");
  EXPECT_TRUE(r.refresher.problem().empty());
  EXPECT_EQ(r.refresher.due(), kStart + seconds(301));
}

TEST(KeyRefresher, TheSameKeysAgainAreNoChangeAndNotToldTwice) {
  Refresher r;
  r.fetch(keys({0, 1}), kStart);
  const auto before = r.refresher.keys();
  const auto answer = r.fetch(keys({0, 1}), kStart + seconds(300));
  EXPECT_FALSE(answer.changed);
  EXPECT_EQ(answer.message, "");
  EXPECT_EQ(r.refresher.keys(), before) << "what was verified under them stays so";
}

// Issue 4: last good kept on failure.
TEST(KeyRefresher, KeepsTheLastGoodKeysWhateverFails) {
  Refresher r;
  r.fetch(keys({0}), kStart);
  const auto answer = r.fetch(failure("its key URL answers with an HTML page"), kStart + seconds(300));
  EXPECT_TRUE(answer.failed);
  EXPECT_FALSE(answer.changed);
  EXPECT_EQ(answer.message, "its key URL answers with an HTML page; the last good keys stay in use");
  ASSERT_TRUE(r.refresher.keys());
  EXPECT_NE(r.refresher.keys()->find(key(0).id, Algorithm::es256), nullptr);
  EXPECT_EQ(r.refresher.problem(), "its key URL answers with an HTML page");
}

TEST(KeyRefresher, SaysAFailureOnceAndThatItIsOver) {
  Refresher r;
  r.fetch(keys({0}), kStart);
  EXPECT_NE(r.fetch(failure(), kStart + seconds(300)).message, "");
  EXPECT_EQ(r.fetch(failure(), kStart + seconds(301)).message, "");
  EXPECT_NE(r.fetch(failure("it answers 503"), kStart + seconds(303)).message, "") << "another reason";
  EXPECT_EQ(r.fetch(keys({0}), kStart + seconds(310)).message, "its keys can be fetched again, unchanged");
}

TEST(KeyRefresher, RetriesAFailureSoonThenLessOften) {
  Refresher r;
  SteadyTime now = kStart;
  for (const int wait : {1, 2, 4, 8, 16, 32, 60, 60}) {
    r.fetch(failure(), now);
    EXPECT_EQ(r.refresher.due(), now + seconds(wait));
    now += seconds(wait);
  }
  r.fetch(keys({0}), now);
  EXPECT_EQ(r.refresher.due(), now + seconds(300));
}

TEST(KeyRefresher, AnUnknownKeyIsAskedForAtOnce) {
  Refresher r;
  r.fetch(keys({0}), kStart);
  const SteadyTime now = kStart + seconds(100);
  EXPECT_TRUE(r.refresher.wish(key(1).id, now));
  EXPECT_EQ(r.refresher.due(), now);
  const auto answer = r.fetch(keys({0, 1}), now + milliseconds(50));
  EXPECT_TRUE(answer.changed);
  EXPECT_EQ(answer.message, "its keys changed: 2 keys");
}

// Issue 4: single flight.
TEST(KeyRefresher, WishesShareTheFetchThatIsUnderWay) {
  Refresher r;
  r.fetch(keys({0}), kStart);
  EXPECT_TRUE(r.refresher.wish("a", kStart + seconds(100)));
  r.refresher.begin();
  EXPECT_TRUE(r.refresher.wish("a", kStart + seconds(100)));
  EXPECT_TRUE(r.refresher.wish("b", kStart + seconds(101)));
  EXPECT_FALSE(r.refresher.due());
}

// Issue 4: at most every 30 s. A stranger who invents key ids costs the issuer two requests a minute.
TEST(KeyRefresher, WishesSetOffAFetchAtMostEveryThirtySeconds) {
  Refresher r;
  r.fetch(keys({0}), kStart);
  SteadyTime now = kStart + seconds(100);
  int fetches = 0;
  for (int i = 0; i < 6000; ++i, now += milliseconds(10)) {  // a minute of an id of its own each 10 ms
    r.refresher.wish("invented-" + std::to_string(i), now);
    if (r.refresher.due() && *r.refresher.due() <= now) {
      ++fetches;
      r.fetch(keys({0}), now);
    }
  }
  EXPECT_EQ(fetches, 2);
}

// Issue 4: negative cache.
TEST(KeyRefresher, AnIdThatWasAskedForInVainIsNotAskedForAgainForAWhile) {
  Refresher r;
  r.fetch(keys({0}), kStart);
  const SteadyTime now = kStart + seconds(100);
  ASSERT_TRUE(r.refresher.wish("gone", now));
  r.fetch(keys({0}), now);
  EXPECT_FALSE(r.refresher.wish("gone", now + seconds(31)));
  EXPECT_TRUE(r.refresher.wish("another", now + seconds(31)));
  EXPECT_TRUE(r.refresher.wish("gone", now + seconds(301)));
}

TEST(KeyRefresher, AChangeOfKeysForgetsWhatWasAskedForInVain) {
  Refresher r;
  r.fetch(keys({0}), kStart);
  const SteadyTime now = kStart + seconds(100);
  ASSERT_TRUE(r.refresher.wish("soon", now));
  r.fetch(keys({0}), now);
  r.fetch(keys({0, 1}), now + seconds(60));
  EXPECT_TRUE(r.refresher.wish("soon", now + seconds(61)));
}

TEST(KeyRefresher, AFailedFetchProvesNoAbsence) {
  Refresher r;
  r.fetch(keys({0}), kStart);
  const SteadyTime now = kStart + seconds(100);
  ASSERT_TRUE(r.refresher.wish(key(1).id, now));
  r.fetch(failure(), now);
  EXPECT_TRUE(r.refresher.wish(key(1).id, now + seconds(31)));
}

// The answer may have left the issuer before the key was there.
TEST(KeyRefresher, AFetchThatBeganBeforeTheWishProvesNoAbsence) {
  Refresher r;
  r.fetch(keys({0}), kStart);
  r.refresher.begin();
  ASSERT_TRUE(r.refresher.wish(key(1).id, kStart + seconds(300)));
  r.refresher.answered(keys({0}), kStart + seconds(301));
  EXPECT_TRUE(r.refresher.wish(key(1).id, kStart + seconds(301)));
}

TEST(KeyRefresher, AnIdThatNoIssuerWouldGiveIsNeverAskedFor) {
  Refresher r;
  r.fetch(keys({0}), kStart);
  EXPECT_FALSE(r.refresher.wish(std::string(257, 'x'), kStart + seconds(100)));
}

TEST(KeyRefresher, AThousandKeysThatCannotBeUsedMakeAShortMessage) {
  Refresher r;
  auto result = keys({0});
  for (int i = 0; i < 1000; ++i) result->skipped.push_back("key " + std::to_string(i) + ": no");
  EXPECT_EQ(r.fetch(std::move(result), kStart).message,
            "loaded 1 key; skipped key 0: no; skipped key 1: no; skipped key 2: no; and 997 more");
}

}  // namespace
}  // namespace sallyport::jose
