// Which requests go out a second time, as a table (RFC 9110 9.2.2), and the budget of such tries.
#include "gateway/upstream/retry.hpp"

#include <gtest/gtest.h>

namespace sallyport::upstream {
namespace {

using Kind = Failure::Kind;
using config::RetryOn;

struct Row {
  const char* name;
  Failure failure;
  Sent sent;
  bool again;
};

constexpr Sent kGet{true, false, false, 1};

const Row kRows[] = {
    {"Stale", {Kind::stale}, kGet, true},
    {"Reset", {Kind::reset}, kGet, true},
    {"Status503", {Kind::status, 503}, kGet, true},
    {"Status502NotNamed", {Kind::status, 502}, kGet, false},
    {"Status504NotNamed", {Kind::status, 504}, kGet, false},
    {"Status500", {Kind::status, 500}, kGet, false},
    {"BrokenOrLate", {Kind::other}, kGet, false},
    {"StalePost", {Kind::stale}, {false, false, false, 1}, false},
    {"ResetPost", {Kind::reset}, {false, false, false, 1}, false},
    {"StatusPost", {Kind::status, 503}, {false, false, false, 1}, false},
    {"BodyTaken", {Kind::reset}, {true, true, false, 1}, false},
    {"StaleWithBodyTaken", {Kind::stale}, {true, true, false, 1}, false},
    {"AnswerStarted", {Kind::reset}, {true, false, true, 1}, false},
    {"SecondTry", {Kind::reset}, {true, false, false, 2}, true},
    {"TooManyTries", {Kind::reset}, {true, false, false, 3}, false},
};

class MayRetry : public testing::TestWithParam<Row> {};

TEST_P(MayRetry, OnlyWhereItIsSafe) {
  config::Retry rules;
  rules.on = {RetryOn::reset, RetryOn::unavailable};
  RetryBudget budget(20);
  EXPECT_EQ(may_retry(rules, budget, GetParam().failure, GetParam().sent), GetParam().again);
}

INSTANTIATE_TEST_SUITE_P(Table, MayRetry, testing::ValuesIn(kRows),
                         [](const auto& row) { return std::string(row.param.name); });

TEST(Idempotent, AreTheMethodsOfTheRfcAlone) {
  for (const char* method : {"GET", "HEAD", "OPTIONS", "PUT", "DELETE"}) EXPECT_TRUE(idempotent(method));
  for (const char* method : {"POST", "PATCH", "get", "PROPFIND", ""}) EXPECT_FALSE(idempotent(method));
}

TEST(MayRetry, NeverWithOneAttemptButAfterAStaleConnection) {
  config::Retry rules;
  rules.attempts = 1;
  RetryBudget budget(20);
  EXPECT_FALSE(may_retry(rules, budget, {Kind::reset}, kGet));
  EXPECT_TRUE(may_retry(rules, budget, {Kind::stale}, kGet));
  EXPECT_FALSE(may_retry(rules, budget, {Kind::stale}, {true, false, false, 2}));
}

TEST(RetryBudget, AllowsAFewInQuietTimesAndThenItsShare) {
  RetryBudget budget(20);
  int quiet = 0;
  while (budget.take()) ++quiet;
  EXPECT_EQ(quiet, 10);
  int taken = 0;
  for (int i = 0; i < 1000; ++i) {
    budget.request();
    taken += budget.take();
  }
  EXPECT_EQ(taken, 200);
}

TEST(RetryBudget, SavesOnlySoMuch) {
  RetryBudget budget(100);
  for (int i = 0; i < 100'000; ++i) budget.request();
  int taken = 0;
  while (budget.take()) ++taken;
  EXPECT_EQ(taken, 100);
}

TEST(RetryBudget, OfNothingAllowsNothing) {
  RetryBudget budget(0);
  for (int i = 0; i < 1000; ++i) budget.request();
  EXPECT_FALSE(budget.take());
}

}  // namespace
}  // namespace sallyport::upstream
