// The trace that a request belongs to (W3C Trace Context level 1): read from its traceparent, or begun here.
// Pure: chance is an argument.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "gateway/message.hpp"

namespace sallyport::gateway {

// Ids as they are written: lower case hexadecimal digits.
struct Trace {
  bool sampled = false;  // false: nothing below counts
  std::array<char, 32> id{};
  std::array<char, 16> caller{};  // the span that asked us; begins with '\0' where the trace begins here
  std::array<char, 16> server{};  // our spans: of the request,
  std::array<char, 16> client{};  // and below it of the time at the upstream
};

bool valid_traceparent(std::string_view text);  // version 00

// The request's only traceparent, where it is valid; else nothing. Two are none (3.2).
std::string_view traceparent_of(const RequestHead& head);

// 128 random bits.
using Chance = std::array<std::uint8_t, 16>;

// `traceparent`: a valid one, whose sampled flag decides; or empty: then as many as `sample` says are
// sampled, by bits of the new trace's id, so that others who sample by the id choose the same ones.
Trace decide_trace(std::string_view traceparent, double sample, const Chance& trace_id,
                   const Chance& span_ids);

// What the upstream gets: our client span is its caller.
std::string traceparent_for_upstream(const Trace& trace);

}  // namespace sallyport::gateway
