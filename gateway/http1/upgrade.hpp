// May a request leave HTTP, and did the upstream agree (RFC 9110 7.8, RFC 6455 4)? Pure.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "gateway/message.hpp"

namespace sallyport::http1 {

struct Upgrade {
  std::string_view protocol;  // what may be switched to; empty: an ordinary request
  bool websocket = false;
  unsigned refusal = 0;  // 400 or 426: no WebSocket that could be opened
  std::string_view reason;
};

// `allowed`: the route's list of protocols beside WebSocket. A protocol that isn't allowed is no error: the
// request goes on as an ordinary one, without the fields that asked (h2c always: it would carry requests past
// every check).
Upgrade wanted_upgrade(const gateway::RequestHead& head, std::span<const std::string> allowed);

// Does this 101 answer what was asked? Anything else is a protocol that nobody here speaks.
bool switches_to(const gateway::ResponseHead& head, std::string_view protocol);

}  // namespace sallyport::http1
