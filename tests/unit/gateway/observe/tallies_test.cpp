// The counts of requests, and how Prometheus is told of them.
#include "gateway/observe/tallies.hpp"

#include <gmock/gmock.h>

namespace sallyport::gateway {
namespace {

using std::chrono::microseconds;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(DurationTally, CountsUpToAndWithItsBound) {
  DurationTally tally;
  for (const int us : {0, 500, 501, 30'000'000, 30'000'001}) tally.add(microseconds(us));
  EXPECT_EQ(tally.counts.front(), 2u);
  EXPECT_EQ(tally.counts[1], 1u);
  EXPECT_EQ(tally.counts[DurationTally::kBounds.size() - 1], 1u);
  EXPECT_EQ(tally.counts.back(), 1u);
  EXPECT_EQ(tally.sum, 60'001'002u);
}

TEST(DurationTally, AClockThatJumpedBackIsNoTime) {
  DurationTally tally;
  tally.add(microseconds(-5));
  EXPECT_EQ(tally.counts.front(), 1u);
  EXPECT_EQ(tally.sum, 0u);
}

TEST(RequestTallies, TellsStatusAndReasonApart) {
  RequestTallies tallies;
  tallies.of("/x/").add(200, "");
  tallies.of("/x/").add(200, "");
  tallies.of("/x/").add(401, "token_expired");
  tallies.of("/x/").add(401, "token_missing");
  std::string text;
  append_requests(text, tallies);
  EXPECT_THAT(text, HasSubstr("sallyport_requests_total{route=\"/x/\",status=\"200\",reason=\"\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("{route=\"/x/\",status=\"401\",reason=\"token_expired\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("{route=\"/x/\",status=\"401\",reason=\"token_missing\"} 1\n"));
  EXPECT_THAT(text, Not(HasSubstr("duration_seconds_bucket"))) << "nothing was timed";
}

TEST(RequestTallies, AddsUpWhatTheWorkersCounted) {
  RequestTallies one, two;
  one.of("/x/").add(200, "");
  one.of("/x/").total.add(microseconds(400));
  two.of("/x/").add(200, "");
  two.of("/x/").add(502, "upstream_unreachable");
  two.of("/x/").total.add(microseconds(2'000'000));
  two.of("/y/").add(404, "not_found");
  one.add(two);
  std::string text;
  append_requests(text, one);
  EXPECT_THAT(text, HasSubstr("{route=\"/x/\",status=\"200\",reason=\"\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("{route=\"/y/\",status=\"404\",reason=\"not_found\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("sallyport_request_duration_seconds_bucket{route=\"/x/\",le=\"0.0005\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("sallyport_request_duration_seconds_bucket{route=\"/x/\",le=\"2.5\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("sallyport_request_duration_seconds_bucket{route=\"/x/\",le=\"+Inf\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("sallyport_request_duration_seconds_sum{route=\"/x/\"} 2.000400\n"));
  EXPECT_THAT(text, HasSubstr("sallyport_request_duration_seconds_count{route=\"/x/\"} 2\n"));
}

TEST(RequestTallies, ARouteNamedStrangelyBreaksNoLine) {
  RequestTallies tallies;
  tallies.of("a\"b\\c\nd").add(200, "");
  std::string text;
  append_requests(text, tallies);
  EXPECT_THAT(text, HasSubstr(R"(route="a\"b\\c\nd")"));
}

TEST(Tallies, CountEventsOfAllWorkers) {
  RequestTallies one, other;
  one.event("login");
  one.event("login");
  other.event("login");
  other.event("reused");
  one.add(other);
  std::string text;
  append_requests(text, one);
  EXPECT_NE(text.find("\nsallyport_auth_events_total{event=\"login\"} 3\n"), text.npos) << text;
  EXPECT_NE(text.find("\nsallyport_auth_events_total{event=\"reused\"} 1\n"), text.npos);
}

TEST(Tallies, TellHowTheStoreAnswers) {
  stores::Tally tally;
  tally.add(std::chrono::microseconds(90), nullptr);
  tally.add(std::chrono::microseconds(400), nullptr);
  const StoreError late{StoreError::Kind::timeout, "too late"};
  tally.add(std::chrono::seconds(3), &late);
  std::string text;
  append_store(text, tally);
  for (const char* line :
       {"\nsallyport_store_duration_seconds_bucket{le=\"0.0001\"} 1\n",
        "\nsallyport_store_duration_seconds_bucket{le=\"0.0005\"} 2\n",
        "\nsallyport_store_duration_seconds_bucket{le=\"+Inf\"} 3\n",
        "\nsallyport_store_duration_seconds_sum 3.000490\n", "\nsallyport_store_duration_seconds_count 3\n",
        "\nsallyport_store_errors_total{kind=\"timeout\"} 1\n",
        "\nsallyport_store_errors_total{kind=\"corrupt\"} 0\n"})
    EXPECT_NE(text.find(line), text.npos) << line << text;
}

}  // namespace
}  // namespace sallyport::gateway
