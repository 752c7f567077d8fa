// See target.hpp.
#include "gateway/http1/target.hpp"

#include <arpa/inet.h>

#include <array>

#include "gateway/text.hpp"

namespace sallyport::http1 {

using gateway::all_are;
using gateway::iequals;

namespace {

bool valid_ipv6(std::string_view text) {
  std::array<char, INET6_ADDRSTRLEN> copy{};
  if (text.size() >= copy.size()) return false;
  text.copy(copy.data(), text.size());
  in6_addr address;
  return inet_pton(AF_INET6, copy.data(), &address) == 1;
}

bool valid_port(std::string_view text) {
  std::uint64_t port = 0;
  return text.size() <= 5 && gateway::parse_decimal(text, port) && port >= 1 && port <= 65535;
}

void split_query(std::string_view rest, gateway::RequestHead& head) {
  const std::size_t mark = rest.find('?');
  head.raw_path = rest.substr(0, mark);
  head.has_query = mark != rest.npos;
  if (head.has_query) head.query = rest.substr(mark + 1);
}

std::optional<Refusal> read_absolute(std::string_view rest, gateway::RequestHead& head) {
  const std::size_t end = rest.find_first_of("/?");
  head.authority = rest.substr(0, end);
  if (!valid_authority(head.authority, head.host)) return Refusal{400, "bad_target_authority"};
  split_query(end == rest.npos ? std::string_view{} : rest.substr(end), head);
  // RFC 9112 3.2.4: an OPTIONS for a whole server has an empty path in this form; for others it means "/".
  if (head.raw_path.empty()) head.raw_path = head.method == "OPTIONS" && !head.has_query ? "*" : "/";
  return std::nullopt;
}

std::optional<Refusal> read_target(gateway::RequestHead& head) {
  const std::string_view target = head.target;
  if (target.empty()) return Refusal{400, "bad_target"};
  if (!all_are(target, gateway::kTargetChar))
    return Refusal{400, target.find('#') != target.npos ? "fragment_in_target" : "bad_byte_in_target"};
  if (target.front() == '/') {
    split_query(target, head);
    return std::nullopt;
  }
  if (target == "*") {
    if (head.method != "OPTIONS") return Refusal{400, "asterisk_target"};
    head.raw_path = target;
    return std::nullopt;
  }
  for (const std::string_view scheme : {"http://", "https://"})
    if (gateway::istarts_with(target, scheme)) return read_absolute(target.substr(scheme.size()), head);
  return Refusal{400, "bad_target"};
}

}  // namespace

bool valid_authority(std::string_view authority, std::string_view& host) {
  std::string_view name, rest;
  if (!authority.empty() && authority.front() == '[') {
    const std::size_t close = authority.find(']');
    if (close == authority.npos || !valid_ipv6(authority.substr(1, close - 1))) return false;
    name = authority.substr(0, close + 1);
    rest = authority.substr(close + 1);
  } else {
    const std::size_t colon = authority.find(':');
    name = authority.substr(0, colon);
    if (name.empty() || name.size() > 255 || !all_are(name, gateway::kHostChar)) return false;
    if (colon != authority.npos) rest = authority.substr(colon);
  }
  if (!rest.empty() && (rest.front() != ':' || !valid_port(rest.substr(1)))) return false;
  host = name;
  return true;
}

std::optional<Refusal> read_version(std::string_view text, gateway::Version& version) {
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  if (text.size() != 8 || text.substr(0, 5) != "HTTP/" || !digit(text[5]) || text[6] != '.' ||
      !digit(text[7]))
    return Refusal{400, "bad_version"};
  if (text[5] != '1' || text[7] > '1') return Refusal{505, "version_not_supported"};
  version = text[7] == '1' ? gateway::Version::http11 : gateway::Version::http10;
  return std::nullopt;
}

std::optional<Refusal> read_request_line(std::string_view line, gateway::RequestHead& head) {
  // Exactly two single spaces (RFC 9112 3): a lenient split is how two readers see two targets.
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  if (first == line.npos || first == last) return Refusal{400, "bad_request_line"};
  head.method = line.substr(0, first);
  head.target = line.substr(first + 1, last - first - 1);
  if (!gateway::is_token(head.method)) return Refusal{400, "bad_method"};
  if (auto refusal = read_version(line.substr(last + 1), head.version)) return refusal;
  if (head.method.size() > kMaxMethod) return Refusal{501, "method_too_long"};
  if (head.method == "CONNECT" || head.method == "TRACE") return Refusal{501, "method_not_served"};
  return read_target(head);
}

std::optional<Refusal> read_status_line(std::string_view line, gateway::ResponseHead& head) {
  if (read_version(line.substr(0, 8), head.version)) return Refusal{502, "bad_version"};
  std::uint64_t status = 0;
  const bool good = line.size() >= 13 && line[8] == ' ' && line[12] == ' ' &&
                    gateway::parse_decimal(line.substr(9, 3), status);
  if (!good) return Refusal{502, "bad_status"};
  head.status = static_cast<unsigned>(status);
  head.reason = line.substr(13);
  return std::nullopt;
}

}  // namespace sallyport::http1
