// Looks at the raw bytes of a head before any parser does, once, as they arrive: line ends, control bytes,
// folded lines, field names, sizes. What it lets through has one reading only; a bare LF is refused when it
// is seen, not by a timeout.
#pragma once

#include <cstddef>
#include <string_view>

#include "gateway/http1/reader.hpp"

namespace sallyport::http1 {

class HeadScan {
 public:
  // `is_request`: an over-long first line is then 414, not 431, and one empty line before it is skipped.
  HeadScan(const HeadLimits& limits, bool is_request) : limits_(limits), is_request_(is_request) {}

  void reset();

  // `bytes` always from the first byte of the message; bytes seen before are not looked at again.
  // complete: `consumed` is the size of the head, the empty line before it included.
  HeadStep scan(std::string_view bytes);

  std::size_t start() const { return start_; }  // where the start line begins (2 after a skipped empty line)
  std::size_t start_line_end() const { return line_end_; }  // its CR

 private:
  enum class State : unsigned char { begin, start_line, line_begin, name, value, line_feed, last_feed, done };

  HeadStep refuse(unsigned status, std::string_view code) const;

  HeadLimits limits_;
  bool is_request_;
  State state_ = State::begin;
  bool in_start_line_ = true;
  std::size_t at_ = 0;  // bytes looked at
  std::size_t start_ = 0;
  std::size_t line_end_ = 0;
  std::size_t name_begin_ = 0;
  std::size_t fields_ = 0;
};

}  // namespace sallyport::http1
