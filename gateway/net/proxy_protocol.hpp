// Reads the PROXY header (versions 1 and 2) that a load balancer puts before a connection's first byte, so
// that the gateway knows the client's real address. Pure: bytes in, a step out; it never wants a byte beyond
// the header. haproxy.org/download/2.8/doc/proxy-protocol.txt
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "gateway/addresses.hpp"

namespace sallyport::gateway {

struct ProxyHeader {
  enum class State : std::uint8_t {
    need_more,  // all bytes so far belong to the header
    complete,   // its first `consumed` bytes were the header
    refused,    // `reason`
  };
  State state = State::need_more;
  std::size_t consumed = 0;
  // False: the sender speaks for itself (LOCAL, a health check) or doesn't know (UNKNOWN): the peer is who it
  // is.
  bool names_client = false;
  IpAddress client;
  std::uint16_t port = 0;
  std::string_view reason;  // static text, for the log
};

// Longest header that is read: 16 bytes, the addresses and some TLVs (certificates' names and the like).
inline constexpr std::size_t kMaxProxyHeader = 2048;

// `bytes` is all that came so far, from the connection's first byte on.
ProxyHeader read_proxy_header(std::string_view bytes);

}  // namespace sallyport::gateway
