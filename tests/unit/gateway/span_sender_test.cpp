// What the sender of spans does with more than it may keep, without a collector in sight.
#include "gateway/span_sender.hpp"

#include <gtest/gtest.h>

namespace sallyport::gateway {
namespace {

config::Tracing rules() {
  config::Tracing tracing;
  tracing.endpoint = "http://127.0.0.1:9/v1/traces";
  tracing.queue = 256;
  return tracing;
}

TEST(SpanSender, DropsAndCountsWhatFindsNoRoom) {
  net::io_context control;
  SpanSender sender(control);
  sender.use(rules());
  for (int i = 0; i < 4; ++i) sender.submit("{}", 64);
  EXPECT_EQ(sender.counters().dropped, 0u);
  sender.submit("{}", 1);
  EXPECT_EQ(sender.counters().dropped, 1u);
}

TEST(SpanSender, DropsAllOnceTracingIsSwitchedOff) {
  net::io_context control;
  SpanSender sender(control);
  sender.use(rules());
  sender.submit("{},{}", 2);
  sender.use(std::nullopt);
  sender.submit("{}", 1);
  control.poll();
  EXPECT_EQ(sender.counters().dropped, 3u);
  sender.use(rules());
  for (int i = 0; i < 4; ++i) sender.submit("{}", 64);
  EXPECT_EQ(sender.counters().dropped, 3u) << "the room is free again";
}

}  // namespace
}  // namespace sallyport::gateway
