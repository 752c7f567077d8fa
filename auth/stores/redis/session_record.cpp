#include "auth/stores/redis/session_record.hpp"

#include <algorithm>

#include "auth/stores/redis/numbers.hpp"

namespace sallyport::stores::redis {

using sessions::Session;
using sessions::SessionState;

std::string encode_session_read(const std::string& key) {
  return encode({"HMGET", key, "user", "device", "ip", "agent", "created", "used", "rotated", "generation",
                 "confirmed", "epoch", "version", "state", "cause", "global"});
}

std::string_view state_name(SessionState state) { return state == SessionState::live ? "live" : "ended"; }

SessionRead read_session(const sessions::SessionId& id, const Reply& fields) {
  SessionRead read;
  constexpr std::size_t kFields = 13;  // and the global epoch
  if (!fields.is_array() || fields.elements.size() != kFields + 1) return {.junk = true};
  const auto& f = fields.elements;
  const auto missing =
      std::count_if(f.begin(), f.begin() + kFields, [](const Reply& r) { return r.is_nil(); });
  if (missing == kFields) return {};

  const auto created = number_of<std::int64_t>(f[4]);
  const auto used = number_of<std::int64_t>(f[5]);
  const auto rotated = number_of<std::int64_t>(f[6]);
  const auto generation = number_of<std::uint32_t>(f[7]);
  const auto confirmed = number_of<std::uint32_t>(f[8]);
  const auto epoch = number_of<std::uint64_t>(f[9]);
  const auto version = number_of<std::uint64_t>(f[10]);
  // An earlier release wrote none. Epochs are times, so that of its creation stands for it.
  const auto global = f[13].is_nil() ? number_of<std::uint64_t>(f[4]) : number_of<std::uint64_t>(f[13]);
  const auto cause = sessions::parse_end_cause(f[12].text);
  const bool live = f[11].text == "live";
  if (missing != 0 || !created || !used || !rotated || !generation || !confirmed || !epoch || !version ||
      !global || !cause || (!live && f[11].text != "ended"))
    return {.junk = true};

  const auto at = [](std::int64_t millis) { return UnixMillis(std::chrono::milliseconds(millis)); };
  read.session = Session{.id = id,
                         .user_id = f[0].text,
                         .device = f[1].text,
                         .ip = f[2].text,
                         .user_agent = f[3].text,
                         .created = at(*created),
                         .last_used = at(*used),
                         .rotated = at(*rotated),
                         .generation = *generation,
                         .confirmed = *confirmed,
                         .user_epoch = *epoch,
                         .global_epoch = *global,
                         .version = *version,
                         .state = live ? SessionState::live : SessionState::ended,
                         .cause = *cause};
  return read;
}

}  // namespace sallyport::stores::redis
