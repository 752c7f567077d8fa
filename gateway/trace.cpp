#include "gateway/trace.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "gateway/text.hpp"

namespace sallyport::gateway {
namespace {

constexpr std::size_t kId = 3, kCaller = 36, kFlags = 53;  // where they begin in a traceparent

// An id of zeros is none (3.2.2.3): the last bit makes it one.
template <std::size_t Digits>
void write_id(std::array<char, Digits>& out, const std::uint8_t* bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  bool some = false;
  for (std::size_t i = 0; i < Digits / 2; ++i) {
    out[2 * i] = digits[bytes[i] >> 4];
    out[2 * i + 1] = digits[bytes[i] & 15];
    some = some || bytes[i] != 0;
  }
  if (!some) out.back() = '1';
}

// The last 56 bits of a trace's id are what samplers agree on (W3C Trace Context level 2, 3.2.2.3.1).
bool chosen(const Chance& trace_id, double sample) {
  constexpr double kAll = 72'057'594'037'927'936.0;  // 2^56
  std::uint64_t bits = 0;
  for (std::size_t i = 9; i < trace_id.size(); ++i) bits = bits << 8 | trace_id[i];
  return bits >= static_cast<std::uint64_t>(std::round((1 - sample) * kAll));
}

}  // namespace

bool valid_traceparent(std::string_view text) {
  if (text.size() != 55 || text.substr(0, 3) != "00-" || text[35] != '-' || text[52] != '-') return false;
  bool trace = false, parent = false;
  for (std::size_t i = 3; i < text.size(); ++i) {
    if (i == 35 || i == 52) continue;
    if (hex_digit(text[i]) < 0 || lower(text[i]) != text[i]) return false;
    (i < 35 ? trace : parent) |= i < 52 && text[i] != '0';
  }
  return trace && parent;
}

std::string_view traceparent_of(const RequestHead& head) {
  std::string_view value;
  for (const Field& field : head.fields) {
    if (field.id != FieldId::traceparent) continue;
    if (!value.empty() || !valid_traceparent(field.value)) return {};
    value = field.value;
  }
  return value;
}

Trace decide_trace(std::string_view traceparent, double sample, const Chance& trace_id,
                   const Chance& span_ids) {
  Trace trace;
  trace.sampled =
      traceparent.empty() ? chosen(trace_id, sample) : (hex_digit(traceparent[kFlags + 1]) & 1) != 0;
  if (!trace.sampled) return trace;
  if (traceparent.empty()) {
    write_id(trace.id, trace_id.data());
  } else {
    std::copy_n(traceparent.data() + kId, trace.id.size(), trace.id.data());
    std::copy_n(traceparent.data() + kCaller, trace.caller.size(), trace.caller.data());
  }
  write_id(trace.server, span_ids.data());
  write_id(trace.client, span_ids.data() + 8);
  return trace;
}

std::string traceparent_for_upstream(const Trace& trace) {
  std::string text = "00-";
  text.append(trace.id.data(), trace.id.size()).append("-");
  return text.append(trace.client.data(), trace.client.size()).append("-01");
}

}  // namespace sallyport::gateway
