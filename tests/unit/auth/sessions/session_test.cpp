// The rotation rule as a table, and against a model under random use.
#include "auth/sessions/session.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

namespace sallyport::sessions {
namespace {

using namespace std::chrono_literals;

constexpr UnixMillis kStart{std::chrono::seconds(1'800'000'000)};

config::Refresh rules_with(config::RotationMode mode) {
  config::Refresh rules;
  rules.rotation = mode;
  return rules;
}

struct Row {
  const char* name;
  std::uint32_t generation, confirmed, presented;
  std::chrono::milliseconds age;  // since the last rotation
  Outcome outcome;
  std::uint32_t issued;
  config::RotationMode mode = config::RotationMode::always;
};

class RotationRule : public testing::TestWithParam<Row> {};

// S1.5, S1.17, S1.23, S2, S4 of SECURITY: CONTRACT section 4, line by line.
TEST_P(RotationRule, DecidesAsTheContractSays) {
  const Row& row = GetParam();
  Session session;
  session.generation = row.generation;
  session.confirmed = row.confirmed;
  session.created = kStart - 1h;
  session.last_used = session.rotated = kStart;
  session.version = 7;

  const Rotation rotation = rotate(session, row.presented, kStart + row.age, rules_with(row.mode));

  EXPECT_EQ(rotation.outcome, row.outcome);
  EXPECT_EQ(rotation.generation, row.issued);
  if (row.outcome == Outcome::rotated || row.outcome == Outcome::kept) {
    EXPECT_EQ(rotation.next.version, 7u) << "the version that was read";
    EXPECT_EQ(rotation.next.generation, row.issued);
    EXPECT_EQ(rotation.next.last_used, std::max(kStart, kStart + row.age));
  }
  if (row.outcome == Outcome::reissued) {
    EXPECT_EQ(rotation.next.last_used, kStart) << "re-issue moves no clock";
  }
  if (row.outcome == Outcome::reused || row.outcome == Outcome::grace_over) {
    EXPECT_EQ(rotation.next.state, SessionState::ended);
    EXPECT_EQ(rotation.next.cause, row.outcome == Outcome::reused ? EndCause::reused : EndCause::grace_over);
  }
}

constexpr auto kNever = config::RotationMode::never;
INSTANTIATE_TEST_SUITE_P(
    Table, RotationRule,
    testing::Values(Row{"current_rotates", 0, 0, 0, 1h, Outcome::rotated, 1},
                    Row{"current_rotates_though_unconfirmed", 5, 3, 5, 1h, Outcome::rotated, 6},
                    Row{"current_rotates_at_once", 5, 5, 5, 0ms, Outcome::rotated, 6},
                    Row{"predecessor_in_window", 5, 4, 4, 3s, Outcome::reissued, 5},
                    Row{"predecessor_in_window_though_confirmed", 5, 5, 4, 9999ms, Outcome::reissued, 5},
                    Row{"confirmed_predecessor_at_the_end_of_the_window", 5, 5, 4, 10s, Outcome::reused, 0},
                    Row{"unconfirmed_predecessor_in_grace", 5, 4, 4, 5min, Outcome::reissued, 5},
                    Row{"unconfirmed_predecessor_at_the_end_of_grace", 5, 4, 4, 10min, Outcome::grace_over,
                        0},
                    Row{"confirmed_predecessor_in_grace", 5, 5, 4, 5min, Outcome::reused, 0},
                    Row{"older_in_window", 5, 4, 3, 3s, Outcome::superseded, 0},
                    Row{"oldest_in_window", 5, 5, 0, 3s, Outcome::superseded, 0},
                    Row{"older_after_window_unconfirmed", 5, 4, 3, 11s, Outcome::reused, 0},
                    Row{"older_after_window_confirmed", 5, 5, 0, 1h, Outcome::reused, 0},
                    Row{"the_store_lost_a_rotation", 5, 5, 6, 1h, Outcome::rotated, 7},
                    Row{"the_store_lost_rotations", 5, 4, 9, 3s, Outcome::rotated, 10},
                    Row{"the_store_lost_a_rotation_and_they_are_off", 5, 5, 6, 1h, Outcome::kept, 6, kNever},
                    Row{"generations_used_up", 0xffffffff, 0, 0xffffffff, 1h, Outcome::expired, 0},
                    Row{"idle_just_not", 5, 5, 5, 7 * 24h - 1ms, Outcome::rotated, 6},
                    Row{"idle", 5, 5, 5, 7 * 24h, Outcome::idle, 0},
                    Row{"idle_beats_reuse", 5, 5, 1, 7 * 24h, Outcome::idle, 0},
                    Row{"absolute_beats_idle", 5, 5, 5, 30 * 24h - 1h, Outcome::expired, 0},
                    Row{"clock_back_current_rotates", 5, 5, 5, -1h, Outcome::rotated, 6},
                    Row{"clock_back_predecessor_logs_nobody_out", 5, 5, 4, -1h, Outcome::reissued, 5},
                    Row{"clock_back_older_logs_nobody_out", 5, 5, 2, -1h, Outcome::superseded, 0},
                    Row{"never_keeps_the_token", 0, 0, 0, 1h, Outcome::kept, 0, kNever},
                    Row{"never_keeps_it_after_rotation_was_on", 5, 4, 5, 1h, Outcome::kept, 5, kNever},
                    Row{"never_but_idle", 0, 0, 0, 7 * 24h, Outcome::idle, 0, kNever},
                    Row{"never_old_token_is_reuse", 5, 5, 2, 1h, Outcome::reused, 0, kNever}),
    [](const auto& row) { return row.param.name; });

// S2.1, S0.5: an ended session answers so, whatever is presented.
TEST(Rotation, SaysEndedOfAnEndedSession) {
  Session session;
  session.created = session.last_used = session.rotated = kStart;
  session.state = SessionState::ended;
  for (const std::uint32_t presented : {0u, 1u})
    EXPECT_EQ(rotate(session, presented, kStart, {}).outcome, Outcome::ended);
}

TEST(Rotation, SaysEndedOfASessionOfAnEarlierUserEpoch) {
  Session session;
  session.created = session.last_used = session.rotated = kStart;
  session.user_epoch = 3;
  EXPECT_EQ(rotate(session, 0, kStart, {}, 4).outcome, Outcome::ended);
  EXPECT_EQ(rotate(session, 0, kStart, {}, 3).outcome, Outcome::rotated);
}

// S0.7, S1.14: each clock can be off.
TEST(Rotation, HasNoLimitThatIsOff) {
  Session session;
  session.created = session.last_used = session.rotated = kStart;
  config::Refresh rules;
  rules.idle_ttl = rules.absolute_ttl = 0s;
  EXPECT_EQ(rotate(session, 0, kStart + 24h * 3650, rules).outcome, Outcome::rotated);
  EXPECT_FALSE(limits_of(session, rules).first());
}

TEST(Rotation, AtOnceWithoutAWindowMeansReuse) {
  Session session;
  session.created = session.last_used = session.rotated = kStart;
  session.generation = session.confirmed = 1;
  config::Refresh rules;
  rules.concurrency_window = rules.rotation_grace = 0s;
  EXPECT_EQ(rotate(session, 0, kStart, rules).outcome, Outcome::reused);
}

TEST(Limits, FirstIsTheEarlierOne) {
  Session session;
  session.created = kStart;
  session.last_used = kStart + 28 * 24h;
  EXPECT_EQ(limits_of(session, {}).first(), kStart + 30 * 24h);
  session.last_used = kStart;
  EXPECT_EQ(limits_of(session, {}).first(), kStart + 7 * 24h);
}

// Random use of one session by a client and a thief: there is never a second lineage, a token is never issued
// of another generation than the current one, and once a generation is confirmed and the window is over its
// predecessor is worthless.
TEST(Rotation, NeverMakesTwoLineagesUnderRandomUse) {
  std::mt19937 random(20260101);
  for (int round = 0; round < 2000; ++round) {
    config::Refresh rules;
    Session session;
    UnixMillis now = kStart;
    session.created = session.last_used = session.rotated = now;
    std::uint32_t newest = 0;  // the model: generations are issued one by one
    UnixMillis rotated = now;
    std::uint32_t confirmed = 0;
    for (int step = 0; step < 60 && session.state == SessionState::live; ++step) {
      now += std::chrono::milliseconds(random() % 3 == 0 ? random() % 900'000 : random() % 12'000);
      if (random() % 4 == 0) {
        confirmed = std::max(confirmed, static_cast<std::uint32_t>(random() % (newest + 1)));
        session.confirmed = std::max(session.confirmed, confirmed);
      }
      const std::uint32_t back = random() % 5 == 0 ? random() % 4 : random() % 2;
      const std::uint32_t presented = newest - std::min(back, newest);
      const Rotation rotation = rotate(session, presented, now, rules);
      const bool in_window = now - rotated < rules.concurrency_window;
      switch (rotation.outcome) {
        case Outcome::rotated:
          ASSERT_EQ(presented, newest);
          ASSERT_EQ(rotation.generation, newest + 1);
          confirmed = std::max(confirmed, newest);
          ++newest;
          rotated = now;
          session = rotation.next;
          break;
        case Outcome::reissued:
          ASSERT_EQ(rotation.generation, newest) << "the same successor, never another";
          ASSERT_EQ(presented + 1, newest);
          ASSERT_TRUE(in_window || confirmed < newest)
              << "a confirmed generation makes its predecessor worthless";
          ASSERT_TRUE(in_window || now - rotated < rules.rotation_grace);
          break;
        case Outcome::superseded:
          ASSERT_LT(presented + 1, newest);
          ASSERT_TRUE(in_window);
          break;
        case Outcome::reused:
        case Outcome::grace_over:
          ASSERT_LT(presented, newest) << "the current token is never reuse";
          ASSERT_FALSE(in_window);
          session = rotation.next;
          break;
        default:
          FAIL() << "no limit is reached in this test";
      }
    }
  }
}

TEST(SessionId, HasOneSpelling) {
  SessionId id;
  for (std::size_t i = 0; i < id.bytes.size(); ++i) id.bytes[i] = static_cast<unsigned char>(i * 11);
  const std::string text = id.text();
  EXPECT_EQ(text.size(), 32u);
  EXPECT_EQ(SessionId::parse(text), id);
  for (const std::string& wrong :
       {std::string(), text.substr(1), text + "A", text + "=", std::string(32, ' '), std::string(32, '+')})
    EXPECT_FALSE(SessionId::parse(wrong)) << wrong;
}

TEST(SessionId, TagIsTheSameForOneUserAndDiffersForAnother) {
  EXPECT_EQ(user_tag("u1"), user_tag("u1"));
  EXPECT_NE(user_tag("u1"), user_tag("u2"));
  // SHA-256("abc") begins ba7816bf 8f01cfea (FIPS 180-4 example).
  EXPECT_EQ(user_tag("abc"), (std::array<unsigned char, 8>{0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea}));
}

}  // namespace
}  // namespace sallyport::sessions
