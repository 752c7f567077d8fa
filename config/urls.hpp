// Addresses and URLs of the configuration taken apart: listeners, stores, upstream servers. The errors never
// repeat the text, because a URL may carry a password.
#pragma once

#include <boost/system/result.hpp>
#include <string>
#include <string_view>

#include "config/config.hpp"

namespace sallyport::config {

struct Flaw {
  std::string text;  // for the operator; empty where there is no more to say than "not allowed"
};
template <class T>
using Parsed = boost::system::result<T, Flaw>;

// "127.0.0.1:8080", "[::]:8443": an IP literal and a port.
Parsed<Address> parse_address(std::string_view text);
std::string print_address(const Address& address);  // brackets around IPv6

// host, host:port, [v6], [v6]:port; the host is a name or an IP literal.
Parsed<Address> parse_host_port(std::string_view text, std::uint16_t default_port);

// redis:// rediss:// redis+unix:// redis(s)+sentinel:// redis(s)+cluster:// sqlite: memory:. A relative
// sqlite path starts at `folder`.
Parsed<StorePlace> parse_store(std::string_view url, const std::string& folder);

// http://host[:port], https://host[:port], http+unix:/path.
Parsed<Upstream::Server> parse_server(std::string_view url);

bool is_ip(std::string_view text);
bool is_cidr(std::string_view text);  // an address or address/bits
bool is_host_name(
    std::string_view text);  // DNS letters, digits, hyphens, dots (and _, seen in container networks)

// `path` as it is when absolute, else inside `folder`.
std::string resolved(std::string_view path, const std::string& folder);

}  // namespace sallyport::config
