// Which requests are traced, under which ids, and what the upstream is told (W3C Trace Context).
#include "gateway/trace.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace sallyport::gateway {
namespace {

constexpr std::string_view kId = "0af7651916cd43dd8448eb211c80319c", kCaller = "b7ad6b7169203331";

std::string traceparent(std::string_view flags) {
  return "00-" + std::string(kId) + "-" + std::string(kCaller) + "-" + std::string(flags);
}

template <std::size_t N>
std::string text(const std::array<char, N>& id) {
  return id.front() == '\0' ? std::string() : std::string(id.data(), N);
}

constexpr Chance kOnes{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
constexpr Chance kSpans{0, 1, 2, 3, 4, 5, 6, 7, 0xf8, 0xf9, 0xfa, 0xfb, 0xfc, 0xfd, 0xfe, 0xff};

TEST(DecideTrace, GoesOnWithTheCallersTraceWhereItIsSampled) {
  const Trace trace = decide_trace(traceparent("01"), 0, kOnes, kSpans);
  EXPECT_TRUE(trace.sampled) << "whatever the ratio says";
  EXPECT_EQ(text(trace.id), kId);
  EXPECT_EQ(text(trace.caller), kCaller);
  EXPECT_EQ(text(trace.server), "0001020304050607");
  EXPECT_EQ(text(trace.client), "f8f9fafbfcfdfeff");
  EXPECT_EQ(traceparent_for_upstream(trace), "00-" + std::string(kId) + "-f8f9fafbfcfdfeff-01");
}

TEST(DecideTrace, LooksAtTheSampledFlagAlone) {
  for (const char* flags : {"00", "02", "fe", "a0"})
    EXPECT_FALSE(decide_trace(traceparent(flags), 1, kOnes, kSpans).sampled) << flags;
  for (const char* flags : {"01", "03", "ff"})
    EXPECT_TRUE(decide_trace(traceparent(flags), 0, kOnes, kSpans).sampled) << flags;
}

TEST(DecideTrace, BeginsOneWhereThereIsNoCaller) {
  const Trace trace = decide_trace({}, 1, kOnes, kSpans);
  EXPECT_TRUE(trace.sampled);
  EXPECT_EQ(text(trace.id), "01010101010101010101010101010101");
  EXPECT_EQ(text(trace.caller), "");
}

// By the last 56 bits of the id, so that everybody who samples so chooses the same traces.
TEST(DecideTrace, SamplesAsManyAsTheRatioSays) {
  struct Row {
    double sample;
    std::uint8_t seventh;  // the highest of those bits
    bool sampled;
  };
  for (const Row& row : {Row{0.5, 0x7f, false}, Row{0.5, 0x80, true}, Row{0.25, 0xbf, false},
                         Row{0.25, 0xc0, true}, Row{1, 0, true}}) {
    Chance id{};
    id.fill(0xff);
    id[9] = row.seventh;
    if (row.sampled) std::fill(id.begin() + 10, id.end(), std::uint8_t{0});
    EXPECT_EQ(decide_trace({}, row.sample, id, kSpans).sampled, row.sampled)
        << row.sample << ' ' << unsigned{row.seventh};
  }
  Chance highest{};
  highest.fill(0xff);
  EXPECT_FALSE(decide_trace({}, 0, highest, kSpans).sampled) << "0 is never";
  EXPECT_TRUE(decide_trace({}, 0.000001, highest, kSpans).sampled);
}

TEST(DecideTrace, NeverGivesAnIdOfZeros) {  // 3.2.2.3, 3.2.2.4: they are invalid
  const Trace trace = decide_trace({}, 1, Chance{}, Chance{});
  EXPECT_EQ(text(trace.id), std::string(31, '0') + "1");
  EXPECT_EQ(text(trace.server), std::string(15, '0') + "1");
  EXPECT_TRUE(valid_traceparent(traceparent_for_upstream(trace)));
}

TEST(Traceparent, IsTheOnlyOneOrNone) {
  RequestHead head;
  EXPECT_EQ(traceparent_of(head), "");
  const std::string good = traceparent("01");
  head.fields.push_back({FieldId::traceparent, "traceparent", good});
  EXPECT_EQ(traceparent_of(head), good);
  head.fields.push_back({FieldId::traceparent, "traceparent", good});
  EXPECT_EQ(traceparent_of(head), "") << "two are none (3.2)";
  head.fields = {{FieldId::traceparent, "traceparent", "00-nonsense"}};
  EXPECT_EQ(traceparent_of(head), "");
}

}  // namespace
}  // namespace sallyport::gateway
