// One pass over the bytes of a head, resumable at each byte. See head_scan.hpp.
#include "gateway/http1/head_scan.hpp"

#include <algorithm>
#include <cstring>

#include "gateway/http1/field_ids.hpp"
#include "gateway/text.hpp"

namespace sallyport::http1 {

using gateway::is_a;
using gateway::kFieldChar;
using gateway::kTokenChar;

namespace {

// The first byte from `at` that a line of text can't hold. Most values are long and hold nothing odd: eight
// bytes at a time until one of them is a control byte, and then one by one (a tab is good).
std::size_t skip_text(std::string_view bytes, std::size_t at, std::size_t end) {
  constexpr std::uint64_t kEach = 0x0101010101010101, kHigh = kEach << 7;
  for (std::uint64_t eight; end - at >= sizeof eight; at += sizeof eight) {
    std::memcpy(&eight, bytes.data() + at, sizeof eight);
    const std::uint64_t without_delete = eight ^ (kEach * 0x7f);
    if ((((eight - kEach * 0x20) & ~eight) | ((without_delete - kEach) & ~without_delete)) & kHigh) break;
  }
  while (at < end && is_a(bytes[at], kFieldChar)) ++at;
  return at;
}

}  // namespace

HeadScan::HeadScan(const HeadLimits& limits, bool is_request) : limits_(limits), is_request_(is_request) {
  lines_.reserve(std::min<std::size_t>(limits.fields, 64));
}

void HeadScan::reset() {
  place_ = {};
  lines_.clear();
}

HeadStep HeadScan::refuse(unsigned status, std::string_view code) const {
  return {Progress::refused, 0, {is_request_ ? status : 502, code}};
}

HeadStep HeadScan::scan(std::string_view bytes) {
  const std::size_t end = std::min(bytes.size(), limits_.head_size + place_.start);
  std::size_t at = place_.at;
  State state = place_.state;
  while (at < end) {
    const char c = bytes[at];
    switch (state) {
      case State::begin:
        // RFC 9112 2.2: a server should ignore an empty line before the request line. One, not more.
        if (c == '\r' && is_request_ && place_.start == 0) {
          if (bytes.size() < 2) return {};
          if (bytes[1] != '\n') return refuse(400, "bare_cr");
          place_.start = place_.at = 2;
          return scan(bytes);  // once: place_.start is set now
        }
        if (!is_a(c, kTokenChar)) return refuse(400, "bad_start_line");
        state = State::start_line;
        break;
      case State::start_line:
      case State::value:
        at = skip_text(bytes, at, end);
        if (at == end) break;
        if (bytes[at] != '\r') return refuse(400, bytes[at] == '\n' ? "bare_lf" : "control_byte");
        if (state == State::start_line)
          place_.line_end = at;
        else
          lines_.back().end = static_cast<std::uint32_t>(at);
        ++at;
        state = State::line_feed;
        break;
      case State::line_feed:
        if (c != '\n') return refuse(400, "bare_cr");
        ++at;
        place_.in_start_line = false;
        state = State::line_begin;
        break;
      case State::line_begin:
        if (c == '\r') {
          ++at;
          state = State::last_feed;
          break;
        }
        if (c == ' ' || c == '\t') return refuse(400, "obs_fold");
        if (c == '\n') return refuse(400, "bare_lf");
        if (lines_.size() == limits_.fields) return refuse(431, "too_many_fields");
        place_.name = at;
        state = State::name;
        [[fallthrough]];
      case State::name:
        while (at < end && is_a(bytes[at], kTokenChar)) ++at;
        if (at == end) break;
        // No blank may stand before the colon (RFC 9112 5.1), and a name has at least one byte
        // (CVE-2023-25725).
        if (bytes[at] != ':' || at == place_.name) return refuse(400, "bad_field_name");
        lines_.push_back({static_cast<std::uint32_t>(place_.name), static_cast<std::uint32_t>(at), 0});
        ++at;
        state = State::value;
        break;
      case State::last_feed:
        if (c != '\n') return refuse(400, "bare_cr");
        ++at;
        state = State::done;
        break;
      case State::done:
        return {Progress::complete, place_.at, {}};
    }
    if (state == State::done) break;
  }
  place_.at = at;
  place_.state = state;
  if (state == State::done) return {Progress::complete, at, {}};
  if (bytes.size() >= limits_.head_size + place_.start)
    return place_.in_start_line ? refuse(414, "target_too_long") : refuse(431, "head_too_long");
  return {};
}

void HeadScan::append_fields(std::string_view bytes, gateway::Fields& fields) const {
  for (const Line& line : lines_) {
    const std::string_view name = bytes.substr(line.name, line.colon - line.name);
    fields.push_back(
        {field_id(name), name, gateway::trim(bytes.substr(line.colon + 1, line.end - line.colon - 1))});
  }
}

}  // namespace sallyport::http1
