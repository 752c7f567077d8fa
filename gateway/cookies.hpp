// Cookie mode (CONTRACT section 2) without its I/O: the two cookies that carry a pair of tokens, read and
// written, who may send them, and where a browser without a session is sent. Pure.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "auth/sessions/session_service.hpp"
#include "config/config.hpp"
#include "gateway/message.hpp"

namespace sallyport::gateway {

// __Host-: the browser takes them from https alone, for this host alone, so that no sibling domain and no
// page over plain HTTP can set them.
inline constexpr std::string_view kAccessCookie = "__Host-sallyport-access";
inline constexpr std::string_view kRefreshCookie = "__Host-sallyport-refresh";

struct SessionCookies {
  enum class State {
    absent,
    good,
    malformed,  // a name of ours twice, or a value that we never write
  };
  State state = State::absent;
  std::string_view access;  // one of both may be empty; views into the fields
  std::string_view refresh;
};
SessionCookies read_cookies(const RequestHead& head);

// A Cookie field's value without ours; empty: nothing is left of it.
std::string without_our_cookies(std::string_view value);
// Is this Set-Cookie value about one of ours?
bool sets_our_cookie(std::string_view value);

// Complete header lines: the pair as cookies that live as long as its session, or their end; and
// Cache-Control, since an answer that sets them is for one browser alone.
std::string cookie_lines(const sessions::TokenPair& pair);
std::string clearing_lines();

// CSRF: a request whose cookies act must come from a page of its own origin, or of one in `also`.
bool origin_allowed(const RequestHead& head, bool https, std::span<const std::string> also);
// May this request do more than read? Upgrades count: a foreign page may open a WebSocket.
bool needs_origin(const RequestHead& head);

// Where the login page is; empty: there is none. `own` in the configuration means the gateway's.
std::string login_page_of(const config::AuthEndpoints& auth);
// Where a navigation to `path` (and the head's query) is sent to log in; nullopt: it is none, or it is on the
// way there already.
std::optional<std::string> login_location(const RequestHead& head, const config::AuthEndpoints& auth,
                                          std::string_view query);

}  // namespace sallyport::gateway
