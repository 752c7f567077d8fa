// One login of one user on one device, and the rule by which its refresh token rotates (CONTRACT section 4).
// Pure: no store, no clock, no key.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "auth/time.hpp"
#include "config/config.hpp"

namespace sallyport::sessions {

// 8-byte tag of the user, then 16 random bytes. All keys of a user share the tag, hence one Redis Cluster
// slot.
struct SessionId {
  std::array<unsigned char, 24> bytes{};
  auto operator<=>(const SessionId&) const = default;

  std::string text() const;                                      // base64url, 32 characters: the `sid` claim
  static std::optional<SessionId> parse(std::string_view text);  // strict: one spelling
};

// The first 8 bytes of SHA-256 of the user id.
std::array<unsigned char, 8> user_tag(std::string_view user_id);

enum class SessionState : std::uint8_t { live, ended };
enum class EndCause : std::uint8_t {
  none,
  logout,
  reused,
  grace_over,
  evicted,
  password_changed,
  role_changed,
  administrator,
  disabled
};
std::string_view to_string(EndCause cause);
std::optional<EndCause> parse_end_cause(std::string_view text);

struct Session {
  SessionId id;
  std::string user_id;
  std::string device;      // what the client called itself, at most 128 bytes of valid UTF-8
  std::string ip;          // where the login, or the last refresh, came from
  std::string user_agent;  // of the same; at most 256 bytes
  UnixMillis created{};
  UnixMillis last_used{};  // of the last rotation (re-issue moves no clock)
  UnixMillis rotated{};    // when `generation` came to be; == created for generation 0
  std::uint32_t generation = 0;
  std::uint32_t confirmed = 0;     // highest generation that the client has shown to hold
  std::uint64_t user_epoch = 0;    // the user's epoch when it was created; end_all bumps the user's
  std::uint64_t global_epoch = 0;  // the one in force when it was created (GlobalEpoch, session_service.hpp)
  std::uint64_t version = 0;  // of the record; compare_and_swap writes only over the version that it read
  SessionState state = SessionState::live;
  EndCause cause = EndCause::none;
};

struct Limits {
  std::optional<UnixMillis> idle;           // the session is over at this moment unless used
  std::optional<UnixMillis> absolute;       // and at this one in any case
  std::optional<UnixMillis> first() const;  // the earlier of the two
};
Limits limits_of(const Session& session, const config::Refresh& rules);

enum class Outcome : std::uint8_t {
  rotated,     // write `next`, issue its generation
  reissued,    // write nothing, issue `generation` again: the same refresh token as its successor got, fresh
               // access token
  kept,        // rotation: never; write `next` (last_used), issue the same generation
  superseded,  // 409, write nothing
  reused,      // 401, write `next` (ended, cause reused)
  grace_over,  // 401 refresh_reused, write `next` (ended, cause grace_over)
  idle,        // 401 session_idle
  expired,     // 401 refresh_expired
  ended,       // 401 session_revoked
};

struct Rotation {
  Outcome outcome = Outcome::ended;
  Session next;  // what to write where the outcome writes; version still the one that was read
  std::uint32_t generation = 0;  // what to issue where the outcome issues
};

// The whole rule. `presented` is the generation in a refresh token whose MAC was good, so we did give it out;
// `now` is the store's time; `user_epoch` is the user's current one: a session of a smaller one has been
// ended with all the others.
Rotation rotate(const Session& session, std::uint32_t presented, UnixMillis now, const config::Refresh& rules,
                std::uint64_t user_epoch = 0);

}  // namespace sallyport::sessions
