// Takes the raw bytes of a head apart, in one walk as they arrive (RFC 9112 2 to 5): line ends, control
// bytes, folded lines, field names, sizes. What it lets through has one reading only; a bare LF is refused
// when it is seen, not by a timeout. That Beast's parser reads the same is for the tests and the fuzzers to
// show.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "gateway/http1/reader.hpp"
#include "gateway/message.hpp"

namespace sallyport::http1 {

class HeadScan {
 public:
  // `is_request`: an over-long first line is then 414, not 431, and one empty line before it is skipped.
  HeadScan(const HeadLimits& limits, bool is_request);

  void reset();

  // `bytes` always from the first byte of the message; bytes seen before are not looked at again.
  // complete: `consumed` is the size of the head, the empty line before it included.
  HeadStep scan(std::string_view bytes);

  // Of a complete head; views into `bytes`, which are those that were scanned.
  std::string_view start_line(std::string_view bytes) const {
    return bytes.substr(place_.start, place_.line_end - place_.start);
  }
  void append_fields(std::string_view bytes, gateway::Fields& fields) const;

 private:
  enum class State : unsigned char { begin, start_line, line_begin, name, value, line_feed, last_feed, done };

  [[gnu::cold]] HeadStep refuse(unsigned status, std::string_view code) const;

  struct Place {
    State state = State::begin;
    bool in_start_line = true;
    std::size_t at = 0;     // bytes looked at
    std::size_t start = 0;  // of the start line: 2 after a skipped empty line
    std::size_t line_end = 0;
    std::size_t name = 0;
  };
  struct Line {
    std::uint32_t name, colon, end;
  };

  HeadLimits limits_;
  bool is_request_;
  Place place_;
  std::vector<Line> lines_;  // cleared, never shrunk
};

}  // namespace sallyport::http1
