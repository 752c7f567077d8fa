// Where a request came from: the client's address, X-Forwarded-*, Forwarded, X-Request-Id, traceparent. What
// a client says of itself counts only when it arrived from a trusted proxy (SECURITY H3).
#pragma once

#include <string>
#include <string_view>

#include "gateway/addresses.hpp"
#include "gateway/message.hpp"
#include "gateway/trace.hpp"

namespace sallyport::gateway {

// Facts about the connection.
struct Arrival {
  std::string_view peer;  // the peer's address as text, without brackets and port; empty for a Unix socket
  IpAddress address;      // the same
  bool tls = false;
};

// What is decided per request. Reuse the object: its strings keep their memory.
struct Provenance {
  bool trusted = false;  // the peer is a trusted proxy
  std::string client;  // the client's address: the last one in X-Forwarded-For that is no trusted proxy, else
                       // the peer
  bool https = false;  // the client's own connection is encrypted, as far as we know
  std::string request_id;  // 1-128 characters of [A-Za-z0-9._-]
  std::string lines;       // complete header lines for the upstream, each with CRLF
};

// `chance`: for a request id of our own. `trace`: where it is sampled, its traceparent stands in place of the
// client's.
void decide_provenance(Provenance& out, const RequestHead& head, const Arrival& arrival,
                       const AddressSet& trusted_proxies, const Chance& chance, const Trace& trace = {});

bool valid_request_id(std::string_view text);

}  // namespace sallyport::gateway
