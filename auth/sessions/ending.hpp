// The event that ends a session's access tokens, and how long it must be remembered. Pure.
#pragma once

#include <algorithm>

#include "auth/revocation/event.hpp"
#include "auth/sessions/session.hpp"
#include "config/config.hpp"

namespace sallyport::sessions {

// Between taking an event's time and the session being dead in the store: a few store timeouts. A refresh
// elsewhere may still issue a token in between, and the event must outlive that one too.
inline constexpr std::chrono::seconds kEndingTakes{10};

// The last moment at which an access token of ours that was issued until `now` can be accepted: by a gateway
// whose clock is ahead by as much as the skew allows, and verified by one that grants the skew once more.
inline UnixSeconds access_tokens_end(const config::Tokens& tokens, UnixSeconds now) {
  return now + tokens.access_ttl + 2 * tokens.clock_skew + kEndingTakes;
}

// `now`: the later one of our clock and the store's. A clock that went back must not end an event early for
// gateways whose clocks are right.
inline revocation::Event ending_event(const config::Tokens& tokens, const SessionId& id, EndCause cause,
                                      UnixSeconds now) {
  return {.kind = revocation::Kind::session,
          .issuer = tokens.issuer,
          .id = id.text(),
          .until = access_tokens_end(tokens, now),
          .reason = std::string(to_string(cause))};
}

}  // namespace sallyport::sessions
