// What users are to be told by mail, as the webhook gets it: the JSON, its signature, and when a message is
// tried again. Pure.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "auth/time.hpp"
#include "config/secret.hpp"

namespace sallyport::gateway {

struct Message {
  std::string_view event;  // "confirm_email" or "reset_password"
  std::string id;          // the receiver may get a message twice: of the same id
  std::string user_id, name, email;
  config::Secret token;
  UnixSeconds expires{};
};

// {"event","id","user_id","username","email","token","link","expires"}; `page`: the link's, empty: it has
// none.
config::Secret message_json(const Message& message, std::string_view page);

// `{token}` in `page`, or ?token= behind it (before a fragment).
std::string link_to(std::string_view page, std::string_view token);

// t=TIME,v1=hex(HMAC-SHA256(secret, TIME + "." + body)): the time is signed too, so that an old call can't be
// sent again.
std::string message_signature(const config::Secret& secret, UnixSeconds time, std::string_view body);

// After the answer to the `attempt`-th attempt, from 1. `status` 0: there was none. `spread`: 0 to 1, so that
// many don't come at once.
enum class Delivery { done, again, never };
Delivery judge_delivery(unsigned status);
std::chrono::milliseconds pause_after(unsigned attempt, double spread);

}  // namespace sallyport::gateway
