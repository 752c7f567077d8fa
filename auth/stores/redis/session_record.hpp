// A session as the hash that Redis keeps of it. Pure.
#pragma once

#include <optional>
#include <string>

#include "auth/sessions/session.hpp"
#include "auth/stores/redis/resp.hpp"

namespace sallyport::stores::redis {

// `HMGET key field...` for read_session().
std::string encode_session_read(const std::string& key);

struct SessionRead {
  bool junk = false;                         // something stands there that isn't a session
  std::optional<sessions::Session> session;  // nullopt: nothing stands there
};
SessionRead read_session(const sessions::SessionId& id, const Reply& fields);

std::string_view state_name(sessions::SessionState state);

}  // namespace sallyport::stores::redis
