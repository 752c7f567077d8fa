// HTTP/1.1 messages as a stranger reads them who takes no chances (RFC 9112): the judge over what the gateway
// reads and writes. Shares no line with the gateway's own readers, or both would make the same mistake.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sallyport::fuzz {

enum class Framing { none, length, chunked, until_close };

struct Message {
  enum class State {
    cut_head,  // the bytes end before it does
    bad_head,  // a head with two meanings, or none: a request like that must be refused
    cut_body,
    bad_body,
    whole,
  };
  using Fields = std::vector<std::pair<std::string_view, std::string_view>>;

  State state = State::cut_head;
  std::string_view method, target;  // of a request
  unsigned status = 0;              // of a response
  bool modern = true;               // 1.1
  Fields fields, trailers;
  Framing framing = Framing::none;
  std::string body;  // what came of it
  std::size_t head_size = 0;
  std::size_t body_begin = 0;  // both from the first byte that was given
  std::size_t end = 0;         // of what was read

  bool whole() const { return state == State::whole; }
  bool has_head() const { return state != State::cut_head && state != State::bad_head; }
  std::vector<std::string_view> all(std::string_view name) const;
  bool says(std::string_view name, std::string_view value) const;  // as the only element of a field
};

namespace wire {

inline char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

inline bool same(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

inline bool is_name(std::string_view text) {
  constexpr std::string_view kAllowed =
      "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  return !text.empty() && text.find_first_not_of(kAllowed) == text.npos;
}

inline bool is_clean(std::string_view line) {
  return std::all_of(line.begin(), line.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte == '\t' || (byte >= 0x20 && byte != 0x7f);
  });
}

inline std::optional<std::string_view> take_line(std::string_view& rest) {
  const std::size_t end = rest.find("\r\n");
  if (end == rest.npos) return std::nullopt;
  const std::string_view line = rest.substr(0, end);
  rest.remove_prefix(end + 2);
  return line;
}

inline bool read_field(std::string_view line, Message::Fields& fields) {
  const std::size_t colon = line.find(':');
  if (colon == line.npos || !is_name(line.substr(0, colon)) || !is_clean(line)) return false;
  std::string_view value = line.substr(colon + 1);
  value.remove_prefix(std::min(value.find_first_not_of(" \t"), value.size()));
  value = value.substr(0, value.find_last_not_of(" \t") + 1);
  fields.emplace_back(line.substr(0, colon), value);
  return true;
}

// Nothing but digits; what is beyond any number is the largest.
inline std::optional<std::uint64_t> read_number(std::string_view text, unsigned base) {
  constexpr std::uint64_t kLargest = ~std::uint64_t{0};
  std::uint64_t number = 0;
  if (text.empty()) return std::nullopt;
  for (const char c : text) {
    const std::size_t digit = std::string_view("0123456789abcdef").find(lower(c));
    if (digit >= base) return std::nullopt;
    number = number > (kLargest - digit) / base ? kLargest : number * base + digit;
  }
  return number;
}

inline bool read_version(std::string_view text, Message& message) {
  message.modern = text == "HTTP/1.1";
  return message.modern || text == "HTTP/1.0";
}

inline bool read_request_line(std::string_view line, Message& message) {
  const std::size_t first = line.find(' ');
  if (first == line.npos) return false;
  const std::size_t second = line.find(' ', first + 1);
  if (second == line.npos) return false;
  message.method = line.substr(0, first);
  message.target = line.substr(first + 1, second - first - 1);
  return is_name(message.method) && !message.target.empty() && is_clean(line) &&
         read_version(line.substr(second + 1), message);
}

inline bool read_status_line(std::string_view line, Message& message) {
  if (line.size() < 12 || line[8] != ' ' || (line.size() > 12 && line[12] != ' ') || !is_clean(line))
    return false;
  const auto status = read_number(line.substr(9, 3), 10);
  message.status = static_cast<unsigned>(status.value_or(0));
  return message.status >= 100 && read_version(line.substr(0, 8), message);
}

// One length or one coding, that is chunked, and never both. False: two readers may see two ends.
inline bool judge_framing(Message& message, std::uint64_t& length) {
  const auto lengths = message.all("content-length");
  const auto codings = message.all("transfer-encoding");
  if (lengths.size() + codings.size() > 1) return false;
  if (!codings.empty()) {
    message.framing = Framing::chunked;
    return message.modern && same(codings[0], "chunked");
  }
  if (lengths.empty()) return true;
  message.framing = Framing::length;
  const auto number = read_number(lengths[0], 10);
  length = number.value_or(0);
  return number.has_value();
}

// The state in which the bytes leave it; `rest` is what they don't use.
inline Message::State read_chunks(std::string_view& rest, Message& message) {
  using State = Message::State;
  for (;;) {
    const auto line = take_line(rest);
    if (!line) return State::cut_body;
    const auto size = read_number(line->substr(0, line->find(';')), 16);
    if (!size || !is_clean(*line)) return State::bad_body;
    if (*size == 0) break;
    const auto here = static_cast<std::size_t>(std::min<std::uint64_t>(*size, rest.size()));
    message.body += rest.substr(0, here);
    rest.remove_prefix(here);
    if (rest.substr(0, 2) != std::string_view("\r\n").substr(0, rest.size())) return State::bad_body;
    if (rest.size() < 2) return State::cut_body;
    rest.remove_prefix(2);
  }
  for (;;) {
    const auto line = take_line(rest);
    if (!line) return State::cut_body;
    if (line->empty()) return State::whole;
    if (!read_field(*line, message.trailers)) return State::bad_body;
  }
}

}  // namespace wire

inline std::vector<std::string_view> Message::all(std::string_view name) const {
  std::vector<std::string_view> found;
  for (const auto& [its_name, value] : fields)
    if (wire::same(its_name, name)) found.push_back(value);
  return found;
}

inline bool Message::says(std::string_view name, std::string_view value) const {
  const auto found = all(name);
  return std::any_of(found.begin(), found.end(),
                     [&](std::string_view its) { return wire::same(its, value); });
}

enum class Sort { request, response, response_to_head };

// The message at the front of `bytes`. `ended`: no byte comes behind them.
inline Message read_message(std::string_view bytes, Sort sort, bool ended) {
  using State = Message::State;
  Message message;
  std::string_view rest = bytes;
  // RFC 9112 2.2: one empty line before a request is nothing.
  if (sort == Sort::request && rest.substr(0, 2) == "\r\n") rest.remove_prefix(2);
  const std::size_t head_end = rest.find("\r\n\r\n");
  if (head_end == rest.npos) return message;
  std::string_view head = rest.substr(0, head_end + 2);
  rest.remove_prefix(head_end + 4);
  message.state = State::bad_head;
  message.head_size = message.body_begin = message.end = bytes.size() - rest.size();
  const auto start = wire::take_line(head);
  const bool good = sort == Sort::request ? wire::read_request_line(*start, message)
                                          : wire::read_status_line(*start, message);
  if (!good) return message;
  while (const auto line = wire::take_line(head))
    if (!wire::read_field(*line, message.fields)) return message;
  std::uint64_t length = 0;
  if (!wire::judge_framing(message, length)) return message;
  const std::size_t hosts = message.all("host").size();
  if (sort == Sort::request && (hosts > 1 || (hosts == 0 && message.modern))) return message;
  if (sort == Sort::response && message.framing == Framing::none) message.framing = Framing::until_close;
  if (sort == Sort::response_to_head ||
      (sort == Sort::response && (message.status < 200 || message.status == 204 || message.status == 304)))
    message.framing = Framing::none;

  switch (message.framing) {
    case Framing::none:
      message.state = State::whole;
      break;
    case Framing::length:
      message.body = rest.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(length, rest.size())));
      rest.remove_prefix(message.body.size());
      message.state = message.body.size() == length ? State::whole : State::cut_body;
      break;
    case Framing::chunked:
      message.state = wire::read_chunks(rest, message);
      break;
    case Framing::until_close:
      message.body = std::exchange(rest, {});
      message.state = ended ? State::whole : State::cut_body;
      break;
  }
  message.end = bytes.size() - rest.size();
  return message;
}

// A request that nobody may refuse for its head.
inline bool is_plain(const Message& request, std::size_t most_bytes) {
  constexpr std::string_view kTarget = "/.=?abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
  constexpr std::string_view kHost = "abcdefghijklmnopqrstuvwxyz";
  constexpr std::size_t kMostFields = 8;
  const std::string_view method = request.method;
  if (!request.has_head() || request.head_size + 2 > most_bytes || request.fields.size() > kMostFields)
    return false;
  if (method != "GET" && method != "HEAD" && method != "POST" && method != "PUT") return false;
  if (request.target.front() != '/' || request.target.find_first_not_of(kTarget) != request.target.npos)
    return false;
  return std::all_of(request.fields.begin(), request.fields.end(), [&](const auto& field) {
    const auto& [name, value] = field;
    if (wire::same(name, "host")) return !value.empty() && value.find_first_not_of(kHost) == value.npos;
    if (wire::same(name, "expect")) return value == "100-continue";
    if (wire::same(name, "content-length")) return value.size() <= 9;
    return wire::same(name, "transfer-encoding") || wire::same(name, "x");
  });
}

// One after the other, up to the first that isn't whole.
inline std::vector<Message> read_requests(std::string_view bytes) {
  std::vector<Message> found;
  for (std::size_t at = 0; at < bytes.size();) {
    Message message = read_message(bytes.substr(at), Sort::request, false);
    message.body_begin += at;
    at = message.end += at;
    const bool whole = message.whole();
    found.push_back(std::move(message));
    if (!whole) break;
  }
  return found;
}

}  // namespace sallyport::fuzz
