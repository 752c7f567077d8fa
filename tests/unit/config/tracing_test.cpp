// The `tracing` section: off unless it is there, every mistake told with its place, its headers never shown.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/changes.hpp"
#include "config/dump.hpp"
#include "config/load.hpp"
#include "tests/unit/config/load_support.hpp"

namespace sallyport::config {
namespace {

using test::kBase;
using test::load;
using test::shown;
using testing::HasSubstr;
using testing::Not;

const std::string kEndpoint = "endpoint: \"http://collector:4318/v1/traces\"";
const std::string kKey = "an-api-key-that-nobody-sees";

Loaded with(const std::string& section) { return load(kBase + "tracing: " + section + "\n"); }

TEST(Tracing, IsOffWithoutItsSection) { EXPECT_FALSE(load(kBase).config.tracing); }

TEST(Tracing, NeedsAnEndpointAlone) {
  const Loaded loaded = with("{" + kEndpoint + "}");
  EXPECT_EQ(shown(loaded.problems), "");
  EXPECT_EQ(shown(loaded.warnings), "");
  const Tracing& tracing = *loaded.config.tracing;
  EXPECT_EQ(tracing.endpoint, "http://collector:4318/v1/traces");
  EXPECT_EQ(tracing.sample, 0.01);
  EXPECT_EQ(tracing.service, "sallyport");
  EXPECT_EQ(tracing.timeout, Millis{5000});
  EXPECT_EQ(tracing.queue, 2048u);
  EXPECT_EQ(with("{" + kEndpoint + ", sample: 0.25}").config.tracing->sample, 0.25);
  EXPECT_EQ(with("{" + kEndpoint + ", sample: 1}").config.tracing->sample, 1);
}

TEST(Tracing, NeverShowsItsHeaders) {
  const Loaded loaded = with("{endpoint: \"https://c.example/v1/traces\", headers: {X-Key: " + kKey + "}}");
  EXPECT_EQ(shown(loaded.problems), "");
  EXPECT_EQ(loaded.config.tracing->headers.at("X-Key").reveal(), kKey);
  EXPECT_THAT(dump(loaded.config), HasSubstr("X-Key: \"***\""));
  EXPECT_THAT(dump(loaded.config), Not(HasSubstr(kKey)));
  const Loaded other = with("{endpoint: \"https://c.example/v1/traces\", headers: {X-Key: other}}");
  const std::vector<Change> changed = changes(loaded.config, other.config);
  ASSERT_EQ(changed.size(), 1u) << "another key is a change, as any secret";
  EXPECT_EQ(changed.front().text(), "tracing.headers.X-Key");
}

TEST(Tracing, WarnsOfKeysThatCrossANetworkInClear) {
  const Loaded loaded = with("{" + kEndpoint + ", headers: {X-Key: " + kKey + "}}");
  EXPECT_THAT(shown(loaded.warnings), HasSubstr("tracing.endpoint: the headers of these calls"));
}

struct Row {
  const char* name;
  std::string section;
  const char* expected;
};
void PrintTo(const Row& row, std::ostream* out) { *out << row.name; }

class BadTracing : public testing::TestWithParam<Row> {};

INSTANTIATE_TEST_SUITE_P(
    Rows, BadTracing,
    testing::Values(
        Row{"NoEndpoint", "{sample: 0.1}", "9:10: tracing: \"endpoint\" is missing"},
        Row{"NoUrl", "{endpoint: collector:4318}", "9:21: tracing.endpoint: this is no URL"},
        Row{"User", "{endpoint: \"http://u:p@collector/v1\"}", "tracing.endpoint: this can't be called"},
        Row{"Fragment", "{endpoint: \"http://collector/v1#x\"}", "tracing.endpoint: this can't be called"},
        Row{"Blank", "{endpoint: \"http://collector/v 1\"}", "tracing.endpoint: this can't be called"},
        Row{"SampleAboveOne", "{" + kEndpoint + ", sample: 1.01}",
            "tracing.sample: \"1.01\" is not allowed; allowed: a number from 0 to 1"},
        Row{"SampleBelowZero", "{" + kEndpoint + ", sample: -0.5}", "\"-0.5\" is not allowed"},
        Row{"SampleInPercent", "{" + kEndpoint + ", sample: 1%}", "\"1%\" is not allowed"},
        Row{"QueueWithoutRoom", "{" + kEndpoint + ", queue: 10}", "at least 256"},
        Row{"HeaderOfOurs", "{" + kEndpoint + ", headers: {Content-Type: x}}",
            "tracing.headers.Content-Type: the gateway sets this itself"},
        Row{"HeaderOfTheConnection", "{" + kEndpoint + ", headers: {Host: x}}",
            "tracing.headers.Host: the gateway sets this itself"},
        Row{"NoHeaderName", "{" + kEndpoint + ", headers: {\"a b\": x}}", "\"a b\" is no header name"},
        Row{"LineBreak", "{" + kEndpoint + ", headers: {X-Key: \"a\\r\\nb\"}}",
            "tracing.headers.X-Key: the value holds a line break"}),
    [](const auto& row) { return std::string(row.param.name); });

TEST_P(BadTracing, IsToldWithItsPlace) {
  EXPECT_THAT(shown(with(GetParam().section).problems), HasSubstr(GetParam().expected));
}

}  // namespace
}  // namespace sallyport::config
