// See addresses.hpp.
#include "gateway/addresses.hpp"

#include <arpa/inet.h>

#include <algorithm>

#include "gateway/text.hpp"

namespace sallyport::gateway {

std::optional<IpAddress> parse_ip(std::string_view text) {
  std::array<char, INET6_ADDRSTRLEN> copy{};
  if (text.empty() || text.size() >= copy.size() || text.find('\0') != text.npos) return std::nullopt;
  text.copy(copy.data(), text.size());
  IpAddress address;
  if (inet_pton(AF_INET6, copy.data(), address.bytes.data()) == 1) return address;
  address.bytes = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0};
  if (inet_pton(AF_INET, copy.data(), address.bytes.data() + 12) == 1) return address;
  return std::nullopt;
}

bool is_loopback(const IpAddress& address) {
  constexpr std::array<std::uint8_t, 16> kV6{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  constexpr std::array<std::uint8_t, 13> kV4{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127};
  return address.bytes == kV6 || std::equal(kV4.begin(), kV4.end(), address.bytes.begin());
}

std::string to_text(const IpAddress& address) {
  constexpr std::array<std::uint8_t, 12> kV4{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  std::array<char, INET6_ADDRSTRLEN> text{};
  const bool v4 = std::equal(kV4.begin(), kV4.end(), address.bytes.begin());
  inet_ntop(v4 ? AF_INET : AF_INET6, address.bytes.data() + (v4 ? 12 : 0), text.data(), text.size());
  return text.data();
}

std::optional<IpAddress> parse_forwarded_address(std::string_view text) {
  if (auto address = parse_ip(text)) return address;
  if (!text.empty() && text.front() == '[') return parse_ip(text.substr(1, text.find(']') - 1));
  const std::size_t colon = text.find(':');
  return colon == text.npos || text.find(':', colon + 1) != text.npos ? std::nullopt
                                                                      : parse_ip(text.substr(0, colon));
}

bool AddressSet::add(std::string_view cidr) {
  const std::size_t slash = cidr.find('/');
  const std::string_view text = cidr.substr(0, slash);
  const auto address = parse_ip(text);
  if (!address) return false;
  const bool v4 = text.find(':') == text.npos;
  std::uint64_t bits = v4 ? 32 : 128;
  if (slash != cidr.npos && (!parse_decimal(cidr.substr(slash + 1), bits) || bits > (v4 ? 32u : 128u)))
    return false;
  ranges_.push_back({*address, static_cast<unsigned>(bits) + (v4 ? 96 : 0)});
  return true;
}

bool AddressSet::contains(const IpAddress& address) const {
  return std::any_of(ranges_.begin(), ranges_.end(), [&](const Range& range) {
    const unsigned whole = range.bits / 8, rest = range.bits % 8;
    if (!std::equal(address.bytes.begin(), address.bytes.begin() + whole, range.address.bytes.begin()))
      return false;
    return rest == 0 || (address.bytes[whole] ^ range.address.bytes[whole]) >> (8 - rest) == 0;
  });
}

}  // namespace sallyport::gateway
