// What happens to a connection, as text: a step a line, its first byte says what, the rest with what.
// Whatever the bytes, they are some script: a line that says nothing is passed over, what is too much is cut.
//
//   h afb     how requests are served, one letter for each, the last for all that follow:
//             a at once, b when its body was read, f by the upstream, c not at all: the connection is cut
//   > text    the client sends this at once          < text    the upstream does
//   : text    byte by byte                           , text    byte by byte
//   * 99 text so many times                          + 99 text so many times
//   E         it ends its sending                    e         it ends its sending
//   R         it is gone                             r         it is gone
//   |         it stops taking bytes, or starts again
//   t 30      so many seconds pass
//   d, i, x   the gateway drains; it closes idle connections; it aborts this one
//
// In a text \r, \n, \\ and \x0a stand for bytes.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace sallyport::fuzz {

struct Step {
  char act = 0;
  std::size_t number = 0;
  std::string text;
};

inline int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

inline std::string unescaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char next = text[i] == '\\' && i + 1 < text.size() ? text[i + 1] : '\0';
    if (next == 'r' || next == 'n' || next == '\\') {
      out += next == 'r' ? '\r' : next == 'n' ? '\n' : '\\';
      ++i;
    } else if (next == 'x' && i + 3 < text.size() && hex_value(text[i + 2]) >= 0 &&
               hex_value(text[i + 3]) >= 0) {
      out += static_cast<char>(hex_value(text[i + 2]) * 16 + hex_value(text[i + 3]));
      i += 3;
    } else {
      out += text[i];
    }
  }
  return out;
}

// The number at the front, and the blank behind it, are taken off.
inline std::size_t take_number(std::string_view& text, std::size_t most) {
  std::size_t number = 0;
  while (!text.empty() && text.front() >= '0' && text.front() <= '9') {
    number = std::min(most, number * 10 + static_cast<std::size_t>(text.front() - '0'));
    text.remove_prefix(1);
  }
  if (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  return number;
}

inline std::vector<Step> read_script(std::string_view text) {
  constexpr std::size_t kMostSteps = 200;
  constexpr std::size_t kMostBytes = 256 * 1024;  // both sides together
  constexpr std::size_t kMostTimes = 100'000;
  constexpr std::size_t kMostSeconds = 1000;
  std::vector<Step> steps;
  std::size_t room = kMostBytes;
  while (!text.empty() && steps.size() < kMostSteps) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    if (line.empty()) continue;
    Step step;
    step.act = line.front();
    line.remove_prefix(1);
    if (!line.empty() && line.front() == ' ') line.remove_prefix(1);
    const bool many = step.act == '*' || step.act == '+';
    if (many) step.number = take_number(line, kMostTimes);
    if (step.act == 't') step.number = take_number(line, kMostSeconds);
    step.text = unescaped(line);
    if (many) {
      const std::string once = step.text;
      step.text.clear();
      for (std::size_t i = 0; i < step.number && step.text.size() < room && !once.empty(); ++i)
        step.text += once;
    }
    step.text.resize(std::min(step.text.size(), room));
    room -= step.text.size();
    steps.push_back(std::move(step));
  }
  return steps;
}

}  // namespace sallyport::fuzz
