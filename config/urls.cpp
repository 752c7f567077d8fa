#include "config/urls.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <filesystem>
#include <optional>

#include "config/units.hpp"

namespace sallyport::config {
namespace {

bool is_v4(const std::string& text) {
  in_addr parsed{};
  return inet_pton(AF_INET, text.c_str(), &parsed) == 1;
}

bool is_v6(const std::string& text) {
  in6_addr parsed{};
  return inet_pton(AF_INET6, text.c_str(), &parsed) == 1;
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  const auto number = parse_number(text);
  if (!number || *number > 65535) return std::nullopt;
  return static_cast<std::uint16_t>(*number);
}

}  // namespace

bool is_ip(std::string_view text) {
  const std::string copy(text);
  return copy.size() == text.size() && copy.find('\0') == std::string::npos && (is_v4(copy) || is_v6(copy));
}

bool is_cidr(std::string_view text) {
  const auto slash = text.find('/');
  const auto address = text.substr(0, slash);
  if (!is_ip(address)) return false;
  if (slash == std::string_view::npos) return true;
  const auto bits = parse_number(text.substr(slash + 1));
  return bits && *bits <= (address.find(':') == std::string_view::npos ? 32u : 128u);
}

bool is_host_name(std::string_view text) {
  if (text.empty() || text.size() > 253) return false;
  std::size_t label = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '.') {
      if (label == 0 || text[i - 1] == '-') return false;
      label = 0;
      continue;
    }
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
    if (!plain && !(c == '-' && label > 0)) return false;
    if (++label > 63) return false;
  }
  return label > 0 && text.back() != '-';
}

std::string resolved(std::string_view path, const std::string& folder) {
  const std::filesystem::path given(path);
  return (given.is_absolute() ? given : std::filesystem::path(folder) / given).lexically_normal().string();
}

Parsed<Address> parse_host_port(std::string_view text, std::uint16_t default_port) {
  Address out{{}, default_port};
  auto rest = std::string_view{};
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    if (end == std::string_view::npos) return Flaw{"the [ of the address has no ]"};
    out.host = text.substr(1, end - 1);
    if (!is_v6(out.host)) return Flaw{"between [ and ] an IPv6 address is expected"};
    rest = text.substr(end + 1);
  } else {
    const auto colon = text.find(':');
    out.host = text.substr(0, colon);
    if (colon != std::string_view::npos) rest = text.substr(colon);
    if (rest.find(':', 1) != std::string_view::npos && !rest.empty())
      return Flaw{"an IPv6 address needs brackets: [::1]:port"};
    if (!is_v4(out.host) && !is_host_name(out.host)) return Flaw{"the host is no name and no IP address"};
  }
  if (rest.empty()) return out;
  const auto port = rest.starts_with(':') ? parse_port(rest.substr(1)) : std::nullopt;
  if (!port) return Flaw{"the port is not a number from 0 to 65535"};
  out.port = *port;
  return out;
}

Parsed<Address> parse_address(std::string_view text) {
  const auto address = parse_host_port(text, 0);
  if (!address) return address.error();
  if (!is_ip(address->host)) return Flaw{"names are not looked up here; write an IP address"};
  const auto after_host = text.starts_with('[') ? text.find(']') : 0;
  if (text.find(':', after_host) == std::string_view::npos) return Flaw{"the port is missing"};
  return *address;
}

std::string print_address(const Address& address) {
  const bool v6 = address.host.find(':') != std::string::npos;
  return (v6 ? "[" + address.host + "]" : address.host) + ":" + std::to_string(address.port);
}

Parsed<Upstream::Server> parse_server(std::string_view url) {
  Upstream::Server out;
  out.url = url;
  constexpr std::string_view kUnix = "http+unix:";
  if (url.starts_with(kUnix)) {
    auto path = url.substr(kUnix.size());
    if (path.starts_with("//")) path.remove_prefix(2);
    if (!path.starts_with('/')) return Flaw{"the socket needs an absolute path: http+unix:/run/app.sock"};
    out.unix_path = path;
    out.port = 0;
    return out;
  }
  out.tls = url.starts_with("https://");
  if (!out.tls && !url.starts_with("http://")) return Flaw{};
  auto rest = url.substr(out.tls ? 8 : 7);
  if (rest.find('@') != std::string_view::npos) return Flaw{"a user or password does not belong here"};
  if (rest.ends_with('/')) rest.remove_suffix(1);
  if (rest.find_first_of("/?#") != std::string_view::npos)
    return Flaw{"a server has no path; the route's path is sent on (see strip_prefix)"};
  auto address = parse_host_port(rest, out.tls ? 443 : 80);
  if (!address) return address.error();
  if (address->port == 0) return Flaw{"the port is not a number from 1 to 65535"};
  out.host = std::move(address->host);
  out.port = address->port;
  return out;
}

}  // namespace sallyport::config
