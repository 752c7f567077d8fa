// Reads message heads for tests.
#include "tests/support/http_text.hpp"

#include <boost/json/parse.hpp>
#include <stdexcept>

namespace sallyport::testing {

namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

}  // namespace

bool same_name(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (lower(a[i]) != lower(b[i])) return false;
  return true;
}

std::size_t Headers::count(std::string_view name) const { return all(name).size(); }

std::string Headers::get(std::string_view name) const {
  for (const auto& [key, value] : items_)
    if (same_name(key, name)) return value;
  return {};
}

std::vector<std::string> Headers::all(std::string_view name) const {
  std::vector<std::string> values;
  for (const auto& [key, value] : items_)
    if (same_name(key, name)) values.push_back(value);
  return values;
}

Head parse_head(std::string_view text) {
  Head head;
  bool first = true;
  while (!text.empty()) {
    std::size_t end = text.find("\r\n");
    if (end == text.npos || text.substr(0, end).find('\n') != text.npos)
      throw std::runtime_error("a line of the head doesn't end in CRLF");
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end + 2);
    if (line.empty()) break;
    if (std::exchange(first, false)) {
      head.first_line = line;
      continue;
    }
    std::size_t colon = line.find(':');
    if (colon == line.npos) throw std::runtime_error("a header without a colon: " + std::string(line));
    std::string_view value = line.substr(colon + 1);
    while (!value.empty() && (value.front() == ' ' || value.front() == '\t')) value.remove_prefix(1);
    while (!value.empty() && (value.back() == ' ' || value.back() == '\t')) value.remove_suffix(1);
    head.headers.add(std::string(line.substr(0, colon)), std::string(value));
  }
  return head;
}

boost::json::value Response::json() const {
  boost::system::error_code ec;
  boost::json::value value = boost::json::parse(body, ec);
  if (ec) throw std::runtime_error("the body isn't JSON: " + raw);
  return value;
}

std::string Response::text(std::string_view member) const {
  boost::json::value value = json();
  const boost::json::object* object = value.if_object();
  const boost::json::value* found = object == nullptr ? nullptr : object->if_contains(member);
  return found != nullptr && found->is_string() ? std::string(found->get_string()) : std::string();
}

}  // namespace sallyport::testing
