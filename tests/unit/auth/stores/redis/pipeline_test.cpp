// The multiplexer with numbers as waiters: pairing, bounds, deadlines and what a lost connection means to
// whom.
#include "auth/stores/redis/pipeline.hpp"

#include <gtest/gtest.h>

namespace sallyport::stores::redis {
namespace {

using namespace std::chrono_literals;
using Pipe = Pipeline<int>;
using Kind = StoreError::Kind;

const SteadyTime t0{};

void push(Pipe& pipe, int waiter, std::size_t replies = 1, SteadyTime now = t0) {
  pipe.push("<" + std::to_string(waiter) + ">", replies, waiter, now, 200ms);
}

std::vector<int> waiters(const Pipe::Answers& answers) {
  std::vector<int> out;
  for (const auto& answer : answers) out.push_back(answer.waiter);
  return out;
}

TEST(Pipeline, SendsEverythingThatWaitsInOnePiece) {
  Pipe pipe;
  push(pipe, 1);
  push(pipe, 2);
  EXPECT_EQ(pipe.take_output(t0), "<1><2>");
  EXPECT_EQ(pipe.take_output(t0), "");
}

TEST(Pipeline, PairsRepliesWithWaitersWhereverTheBytesAreCut) {
  const std::string bytes = ":1\r\n$1\r\n2\r\n*2\r\n:3\r\n:3\r\n-ERR 4\r\n";
  for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
    Pipe pipe;
    for (int i = 1; i <= 4; ++i) push(pipe, i);
    pipe.take_output(t0);
    Pipe::Answers answers;
    EXPECT_FALSE(pipe.receive(std::string_view(bytes).substr(0, cut), answers)) << cut;
    EXPECT_FALSE(pipe.receive(std::string_view(bytes).substr(cut), answers)) << cut;
    ASSERT_EQ(waiters(answers), (std::vector{1, 2, 3, 4})) << cut;
    EXPECT_EQ(answers[0].result->integer, 1);
    EXPECT_EQ(answers[1].result->text, "2");
    EXPECT_EQ(answers[2].result->elements.size(), 2u);
    EXPECT_EQ(answers[3].result->text, "ERR 4");
  }
}

TEST(Pipeline, GivesTheRepliesOfAGroupAsOneArray) {
  Pipe pipe;
  push(pipe, 1, 2);
  push(pipe, 2);
  pipe.take_output(t0);
  Pipe::Answers answers;
  pipe.receive(":1\r\n", answers);
  EXPECT_TRUE(answers.empty());
  pipe.receive(":2\r\n:3\r\n", answers);
  ASSERT_EQ(waiters(answers), (std::vector{1, 2}));
  EXPECT_EQ(answers[0].result->elements[1].integer, 2);
  EXPECT_EQ(answers[1].result->integer, 3);
}

TEST(Pipeline, RefusesAReplyThatNobodyAskedFor) {
  Pipe pipe;
  push(pipe, 1);
  Pipe::Answers answers;
  EXPECT_TRUE(pipe.receive(":1\r\n", answers)) << "1 wasn't sent yet";
  EXPECT_TRUE(answers.empty());
}

TEST(Pipeline, IsBounded) {
  Pipe pipe({.waiting = 2, .unsent_bytes = 100});
  EXPECT_TRUE(pipe.has_room(1000)) << "a single large one is taken";
  push(pipe, 1);
  EXPECT_FALSE(pipe.has_room(98));
  EXPECT_TRUE(pipe.has_room(97));
  pipe.take_output(t0);
  EXPECT_TRUE(pipe.has_room(98)) << "what was sent takes no room";
  push(pipe, 2);
  EXPECT_FALSE(pipe.has_room(1)) << "two wait";
}

TEST(Pipeline, TellsOnlyThoseThatWereSentWhenTheConnectionIsLost) {
  Pipe pipe;
  push(pipe, 1);
  pipe.take_output(t0);
  push(pipe, 2);
  Pipe::Answers answers;
  pipe.receive("$5\r\nhal", answers);
  pipe.lost({Kind::unreachable, "gone"}, answers);
  ASSERT_EQ(waiters(answers), (std::vector{1}));
  EXPECT_EQ(answers[0].result.error().kind, Kind::unreachable);
  EXPECT_EQ(pipe.take_output(t0), "<2>") << "what wasn't sent goes to the next connection";
  answers.clear();
  EXPECT_FALSE(pipe.receive(":2\r\n", answers)) << "half a reply of the old connection is forgotten";
  ASSERT_EQ(waiters(answers), (std::vector{2}));
  EXPECT_EQ(answers[0].result->integer, 2);
}

TEST(Pipeline, FailsEverybodyWhenThereIsNoConnectionToBeHad) {
  Pipe pipe;
  push(pipe, 1);
  pipe.take_output(t0);
  push(pipe, 2);
  Pipe::Answers answers;
  pipe.fail_all({Kind::refused, "no"}, answers);
  EXPECT_EQ(waiters(answers), (std::vector{1, 2}));
  EXPECT_FALSE(pipe.has_output());
  EXPECT_EQ(pipe.waiting(), 0u);
}

TEST(Pipeline, AnswersTimeoutAndGivesUpAServerThatHadItsTime) {
  Pipe pipe;
  push(pipe, 1);
  pipe.take_output(t0);
  EXPECT_EQ(pipe.next_deadline(), t0 + 200ms);
  Pipe::Answers answers;
  EXPECT_FALSE(pipe.expire(t0 + 199ms, "redis", answers));
  EXPECT_TRUE(answers.empty());
  EXPECT_TRUE(pipe.expire(t0 + 200ms, "redis", answers));
  ASSERT_EQ(waiters(answers), (std::vector{1}));
  EXPECT_EQ(answers[0].result.error().kind, Kind::timeout);
  answers.clear();
  pipe.lost({Kind::unreachable, "gone"}, answers);
  EXPECT_TRUE(answers.empty()) << "nobody is answered twice";
}

TEST(Pipeline, KeepsTheConnectionWhoseCommandWasSentLateAndDropsItsReply) {
  Pipe pipe;
  push(pipe, 1);
  pipe.take_output(t0 + 150ms);
  push(pipe, 2, 1, t0 + 150ms);
  pipe.take_output(t0 + 150ms);
  Pipe::Answers answers;
  EXPECT_FALSE(pipe.expire(t0 + 200ms, "redis", answers)) << "the server had only 50 ms";
  EXPECT_EQ(waiters(answers), (std::vector{1}));
  EXPECT_EQ(pipe.next_deadline(), t0 + 350ms);
  answers.clear();
  pipe.receive(":1\r\n:2\r\n", answers);
  ASSERT_EQ(waiters(answers), (std::vector{2}));
  EXPECT_EQ(answers[0].result->integer, 2) << "the late reply of 1 must not be taken for that of 2";
}

TEST(Pipeline, NeverSendsWhatNobodyWaitsForAnyMore) {
  Pipe pipe;
  push(pipe, 1);
  push(pipe, 2, 1, t0 + 100ms);
  Pipe::Answers answers;
  EXPECT_FALSE(pipe.expire(t0 + 200ms, "redis", answers));
  ASSERT_EQ(waiters(answers), (std::vector{1}));
  EXPECT_EQ(answers[0].result.error().kind, Kind::unreachable);
  EXPECT_EQ(pipe.take_output(t0), "<2>");
}

}  // namespace
}  // namespace sallyport::stores::redis
