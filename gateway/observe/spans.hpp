// Spans of a request as OTLP JSON, named after OpenTelemetry's conventions for HTTP. Pure: appends to a
// buffer of the caller's. Never a query, a token or a client's address; what a stranger writes is bounded and
// stays inside its string.
#pragma once

#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "auth/time.hpp"
#include "gateway/message.hpp"
#include "gateway/request_context.hpp"

namespace sallyport::gateway {

using UnixNanos = std::chrono::sys_time<std::chrono::nanoseconds>;

// When a request ended, by both clocks: all times of its spans are counted back from there.
struct SpanEnd {
  UnixNanos time{};
  SteadyTime ended{};
};

// The SERVER span of a sampled request and, where it asked an upstream, the CLIENT span below it: from asking
// until the head of the answer. Separated by a comma; returns how many. `head`: nullptr where it was refused
// before it could be read.
unsigned append_spans(std::string& out, const RequestContext& context, const RequestHead* head,
                      const SpanEnd& end);

// The body of one call to a collector (ExportTraceServiceRequest); each piece is what append_spans() wrote.
std::string span_batch(std::string_view service, std::span<const std::string_view> pieces);

// After which pause a batch is offered once more; nothing: never. Only where the collector says when.
std::optional<std::chrono::seconds> pause_before_again(unsigned status, std::chrono::seconds retry_after,
                                                       unsigned attempts);

}  // namespace sallyport::gateway
