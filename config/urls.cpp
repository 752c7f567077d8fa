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

// host, host:port, [v6], [v6]:port
Parsed<Address> parse_authority(std::string_view text, std::uint16_t default_port) {
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

int hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// RFC 3986 2.1, for user and password; nothing for a broken escape.
std::optional<std::string> percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    const int high = i + 2 < text.size() ? hex(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? hex(text[i + 2]) : -1;
    if (high < 0 || low < 0) return std::nullopt;
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

Parsed<Store> parse_redis(std::string_view rest, std::string scheme) {
  Store out;
  out.kind = StoreKind::redis;
  out.tls = scheme == "rediss";
  const bool unix_socket = scheme == "redis+unix";
  // The last @ before the path: a password may hold one that somebody forgot to escape.
  const auto before_path = rest.substr(0, unix_socket ? std::string_view::npos : rest.find('/'));
  if (const auto at = before_path.rfind('@'); at != std::string_view::npos) {
    const auto credentials = rest.substr(0, at);
    const auto colon = credentials.find(':');
    if (colon == std::string_view::npos)
      return Flaw{"before the @ write user:password, or :password without a user"};
    auto user = percent_decoded(credentials.substr(0, colon));
    auto password = percent_decoded(credentials.substr(colon + 1));
    if (!user || !password) return Flaw{"% in user or password is written %25"};
    out.user = std::move(*user);
    out.password = Secret(std::move(*password));
    rest = rest.substr(at + 1);
  }
  std::string_view database;
  if (unix_socket) {
    const auto query = rest.find('?');
    if (query != std::string_view::npos) {
      if (!rest.substr(query).starts_with("?db=")) return Flaw{"the only parameter here is ?db=0"};
      database = rest.substr(query + 4);
    }
    out.path = rest.substr(0, query);
    if (!out.path.starts_with('/'))
      return Flaw{"the socket needs an absolute path: redis+unix:///run/redis.sock"};
  } else {
    const auto slash = rest.find('/');
    if (slash != std::string_view::npos) database = rest.substr(slash + 1);
    auto address = parse_authority(rest.substr(0, slash), 6379);
    if (!address) return address.error();
    if (address->port == 0) return Flaw{"the port is not a number from 1 to 65535"};
    out.address = std::move(*address);
  }
  if (!database.empty()) {
    const auto number = parse_number(database);
    if (!number || *number > 65535) return Flaw{"the database is not a number"};
    out.database = static_cast<int>(*number);
  }
  out.url = scheme + "://";
  out.url += unix_socket ? out.path : print_address(out.address);
  if (out.database != 0) out.url += (unix_socket ? "?db=" : "/") + std::to_string(out.database);
  return out;
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

Parsed<Address> parse_address(std::string_view text) {
  const auto address = parse_authority(text, 0);
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

Parsed<Store> parse_store(std::string_view url, const std::string& folder) {
  if (url == "memory:") return Store{};
  if (url.starts_with("sqlite:")) {
    auto path = url.substr(7);
    if (path.starts_with("//")) path.remove_prefix(2);
    if (path.empty()) return Flaw{"the file is missing: sqlite:state.db"};
    Store out;
    out.kind = StoreKind::sqlite;
    out.path = resolved(path, folder);
    out.url = "sqlite:" + out.path;
    return out;
  }
  const auto colon = url.find("://");
  if (colon == std::string_view::npos) return Flaw{};
  const std::string scheme(url.substr(0, colon));
  if (scheme == "redis" || scheme == "rediss" || scheme == "redis+unix")
    return parse_redis(url.substr(colon + 3), scheme);
  if (scheme == "redis+sentinel" || scheme == "redis+cluster")
    return Flaw{
        scheme +
        " is not supported by this version; give the address of one server with redis:// or rediss://"};
  return Flaw{};
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
  auto address = parse_authority(rest, out.tls ? 443 : 80);
  if (!address) return address.error();
  if (address->port == 0) return Flaw{"the port is not a number from 1 to 65535"};
  out.host = std::move(address->host);
  out.port = address->port;
  return out;
}

}  // namespace sallyport::config
