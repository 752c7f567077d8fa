// One pass over the bytes of a head, resumable at each byte. See head_scan.hpp.
#include "gateway/http1/head_scan.hpp"

#include <algorithm>

#include "gateway/text.hpp"

namespace sallyport::http1 {

using gateway::is_a;
using gateway::kFieldChar;
using gateway::kTokenChar;

void HeadScan::reset() { *this = HeadScan(limits_, is_request_); }

HeadStep HeadScan::refuse(unsigned status, std::string_view code) const {
  return {Progress::refused, 0, {is_request_ ? status : 502, code}};
}

HeadStep HeadScan::scan(std::string_view bytes) {
  const std::size_t end = std::min(bytes.size(), limits_.head_size + start_);
  while (at_ < end) {
    const char c = bytes[at_];
    switch (state_) {
      case State::begin:
        // RFC 9112 2.2: a server should ignore an empty line before the request line. One, not more.
        if (c == '\r' && is_request_ && start_ == 0) {
          if (bytes.size() < 2) return {};
          if (bytes[1] != '\n') return refuse(400, "bare_cr");
          start_ = at_ = 2;
          return scan(bytes);  // once: start_ is set now
        }
        if (!is_a(c, kTokenChar)) return refuse(400, "bad_start_line");
        state_ = State::start_line;
        break;
      case State::start_line:
      case State::value:
        while (at_ < end && is_a(bytes[at_], kFieldChar)) ++at_;
        if (at_ == end) break;
        if (bytes[at_] != '\r') return refuse(400, bytes[at_] == '\n' ? "bare_lf" : "control_byte");
        if (in_start_line_) line_end_ = at_;
        ++at_;
        state_ = State::line_feed;
        break;
      case State::line_feed:
        if (c != '\n') return refuse(400, "bare_cr");
        ++at_;
        in_start_line_ = false;
        state_ = State::line_begin;
        break;
      case State::line_begin:
        if (c == '\r') {
          ++at_;
          state_ = State::last_feed;
          break;
        }
        if (c == ' ' || c == '\t') return refuse(400, "obs_fold");
        if (c == '\n') return refuse(400, "bare_lf");
        if (++fields_ > limits_.fields) return refuse(431, "too_many_fields");
        name_begin_ = at_;
        state_ = State::name;
        break;
      case State::name:
        while (at_ < end && is_a(bytes[at_], kTokenChar)) ++at_;
        if (at_ == end) break;
        // No blank may stand before the colon (RFC 9112 5.1), and a name has at least one byte
        // (CVE-2023-25725).
        if (bytes[at_] != ':' || at_ == name_begin_) return refuse(400, "bad_field_name");
        ++at_;
        state_ = State::value;
        break;
      case State::last_feed:
        if (c != '\n') return refuse(400, "bare_cr");
        ++at_;
        state_ = State::done;
        return {Progress::complete, at_, {}};
      case State::done:
        return {Progress::complete, at_, {}};
    }
  }
  if (state_ == State::done) return {Progress::complete, at_, {}};
  if (bytes.size() >= limits_.head_size + start_)
    return in_start_line_ ? refuse(414, "target_too_long") : refuse(431, "head_too_long");
  return {};
}

}  // namespace sallyport::http1
