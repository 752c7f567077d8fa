// HTTP/1.1 messages as tests see them: the bytes as received, and a simple strict reading of them that is
// independent of the gateway's own parser.
#pragma once

#include <boost/json/value.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sallyport::testing {

// In the order received, names in the case received.
class Headers {
 public:
  using Item = std::pair<std::string, std::string>;
  Headers() = default;
  Headers(std::initializer_list<Item> items) : items_(items) {}

  void add(std::string name, std::string value) { items_.emplace_back(std::move(name), std::move(value)); }
  bool has(std::string_view name) const { return count(name) > 0; }  // names without case
  std::size_t count(std::string_view name) const;
  std::string get(std::string_view name) const;  // the first value; "" when absent
  std::vector<std::string> all(std::string_view name) const;

  auto begin() const { return items_.begin(); }
  auto end() const { return items_.end(); }
  std::size_t size() const { return items_.size(); }

 private:
  std::vector<Item> items_;
};

struct Head {
  std::string first_line;  // without CRLF
  Headers headers;
};

// `text` is a head up to and with its empty line. Throws std::runtime_error for a line without ':' or a bare
// LF.
Head parse_head(std::string_view text);

bool same_name(std::string_view a, std::string_view b);  // ASCII, without case

struct Response {
  int status = 0;
  std::string reason;
  std::string version;  // "HTTP/1.1"
  Headers headers;
  std::string body;  // decoded
  Headers trailers;
  std::string raw;           // every byte of the message as it came
  bool complete = true;      // false: the connection ended before the message did
  bool until_close = false;  // its end was the end of the connection

  std::string header(std::string_view name) const { return headers.get(name); }
  boost::json::value json() const;  // of the body; throws when it isn't JSON
  std::string text(
      std::string_view member) const;  // a string member of the JSON object; "" when absent or no string
};

}  // namespace sallyport::testing
