// IP addresses and sets of them (trusted_proxies). Values only: no resolver, no sockets.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sallyport::gateway {

// IPv4 as ::ffff:a.b.c.d, so that one comparison serves both.
struct IpAddress {
  std::array<std::uint8_t, 16> bytes{};
  bool operator==(const IpAddress&) const = default;
};

// An IPv4 or IPv6 literal; nothing else around it.
std::optional<IpAddress> parse_ip(std::string_view text);

bool is_loopback(const IpAddress& address);     // this machine itself
std::string to_text(const IpAddress& address);  // "192.0.2.7", "2001:db8::7"

// An element of X-Forwarded-For: an address, also with brackets or a port.
std::optional<IpAddress> parse_forwarded_address(std::string_view text);

class AddressSet {
 public:
  // "10.0.0.0/8", "::1", "192.0.2.7". False: not an address or a bad prefix length; the set is unchanged.
  bool add(std::string_view cidr);
  bool contains(const IpAddress& address) const;
  bool empty() const { return ranges_.empty(); }

 private:
  struct Range {
    IpAddress address;
    unsigned bits;
  };
  std::vector<Range> ranges_;
};

}  // namespace sallyport::gateway
