// What an error reply of Redis means to us.
#pragma once

#include <string_view>

#include "auth/store_error.hpp"

namespace sallyport::stores::redis {

struct Refusal {
  StoreError error;
  bool reconnect = false;  // this connection will not get better: the role or our rights changed
};

// `store` is the printable URL; `text` the error reply without its '-'.
Refusal refusal_of(std::string_view store, std::string_view text);

// The same words for failures that we find ourselves.
StoreError make_error(StoreError::Kind kind, std::string_view store, std::string_view what);

// Text of a server, safe for a log line: printable ASCII, at most 200 bytes.
std::string printable(std::string_view text);

// EVALSHA of a script that the server hasn't seen (or forgot at a restart): nothing ran.
bool is_noscript(std::string_view text);

}  // namespace sallyport::stores::redis
