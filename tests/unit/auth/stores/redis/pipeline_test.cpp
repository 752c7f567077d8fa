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

// Writes that replicas must have before they count as done.
class Replicas : public ::testing::Test {
 protected:
  void push(int waiter, bool durable, SteadyTime now = t0) {
    pipe_.push("<" + std::to_string(waiter) + ">", 1, waiter, now, 200ms, durable);
  }
  Pipe::Answers receive(std::string_view bytes) {
    Pipe::Answers answers;
    EXPECT_FALSE(pipe_.receive(bytes, answers));
    return answers;
  }
  const std::string kWait = encode({"WAIT", "2", "100"});
  Pipe pipe_{{.replicas = 2, .timeout = 100ms}, "redis://h"};
};

TEST_F(Replicas, AreAskedOnceForAllThatLeavesTogether) {
  push(1, true);
  push(2, false);
  push(3, true);
  EXPECT_EQ(pipe_.take_output(t0), "<1><2><3>" + kWait);
  EXPECT_EQ(waiters(receive(":1\r\n:2\r\n:3\r\n")), std::vector{2}) << "the others wait for the replicas";
  const auto answers = receive(":2\r\n");
  ASSERT_EQ(waiters(answers), (std::vector{1, 3}));
  EXPECT_EQ(answers[0].result->integer, 1);
  EXPECT_EQ(answers[1].result->integer, 3);
  push(4, false);
  EXPECT_EQ(pipe_.take_output(t0), "<4>") << "reads wait for nobody";
}

TEST_F(Replicas, HoldBackWhatComesMeanwhileUntilTheyHaveAnswered) {
  push(1, true);
  pipe_.take_output(t0);
  push(2, true);
  EXPECT_FALSE(pipe_.has_output());
  receive(":1\r\n");
  EXPECT_FALSE(pipe_.has_output());
  receive(":2\r\n");
  EXPECT_TRUE(pipe_.has_output());
  EXPECT_EQ(pipe_.take_output(t0), "<2>" + kWait);
}

TEST_F(Replicas, ThatAreTooFewMakeTheOutcomeUnknown) {
  for (const std::string wait : {":1\r\n", "-NOPERM no\r\n"}) {
    push(1, true);
    pipe_.take_output(t0);
    const auto answers = receive(":1\r\n" + wait);
    ASSERT_EQ(answers.size(), 1u);
    ASSERT_FALSE(answers[0].result);
    EXPECT_TRUE(answers[0].result.error().outcome_unknown());
    EXPECT_EQ(answers[0].result.error().detail.find("redis://h: written, but "), 0u)
        << answers[0].result.error().detail;
  }
}

TEST_F(Replicas, AreNotWaitedForWhereTheServerWroteNothing) {
  push(1, true);
  pipe_.take_output(t0);
  const auto answers = receive("-NOREPLICAS Not enough good replicas to write.\r\n");
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_TRUE(answers[0].result->is_error());
  receive(":2\r\n");
  EXPECT_EQ(pipe_.waiting(), 0u);
}

TEST_F(Replicas, ThatSayNothingAreATimeoutForTheWriterAndThenForTheConnection) {
  push(1, true);
  pipe_.take_output(t0 + 50ms);
  receive(":1\r\n");
  EXPECT_EQ(pipe_.next_deadline(), t0 + 200ms);
  Pipe::Answers answers;
  EXPECT_FALSE(pipe_.expire(t0 + 200ms, "redis://h", answers));
  ASSERT_EQ(waiters(answers), std::vector{1});
  EXPECT_EQ(answers[0].result.error().kind, Kind::timeout);
  EXPECT_EQ(pipe_.next_deadline(), t0 + 250ms);
  EXPECT_TRUE(pipe_.expire(t0 + 250ms, "redis://h", answers));
}

TEST_F(Replicas, OfALostConnectionLeaveTheOutcomeUnknownAndTheNextOneFree) {
  push(1, true);
  pipe_.take_output(t0);
  receive(":1\r\n");
  push(2, true);
  Pipe::Answers answers;
  pipe_.lost({Kind::unreachable, "gone"}, answers);
  ASSERT_EQ(waiters(answers), std::vector{1});
  EXPECT_TRUE(answers[0].result.error().outcome_unknown());
  EXPECT_EQ(pipe_.take_output(t0), "<2>" + kWait);
}

}  // namespace
}  // namespace sallyport::stores::redis
