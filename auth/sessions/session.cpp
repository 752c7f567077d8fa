#include "auth/sessions/session.hpp"

#include <algorithm>
#include <limits>

#include "auth/jose/base64url.hpp"
#include "auth/sha256.hpp"

namespace sallyport::sessions {
namespace {

using std::chrono::milliseconds;

// How long ago the current generation came to be. A clock that went back (a failover to another machine)
// counts as "just now": doubt logs nobody out, and it ends when the clock has caught up or at the next
// rotation.
milliseconds since_rotation(const Session& session, UnixMillis now) {
  return std::max(now - session.rotated, milliseconds(0));
}

Session ended(const Session& session, EndCause cause) {
  Session next = session;
  next.state = SessionState::ended;
  next.cause = cause;
  return next;
}

// The current generation came: go on to the next one, or keep it.
Rotation use_current(const Session& session, UnixMillis now, const config::Refresh& rules) {
  Session next = session;
  next.last_used = std::max(session.last_used, now);
  next.confirmed = std::max(session.confirmed, session.generation);
  if (rules.rotation == config::RotationMode::never) return {Outcome::kept, next, next.generation};
  if (session.generation == std::numeric_limits<std::uint32_t>::max()) return {Outcome::expired, {}, 0};
  ++next.generation;
  next.rotated = now;
  return {Outcome::rotated, next, next.generation};
}

// The immediate predecessor came: three tabs at once, a lost reply, or a thief.
Rotation use_predecessor(const Session& session, milliseconds age, const config::Refresh& rules) {
  const bool confirmed = session.confirmed >= session.generation;
  if (age < rules.concurrency_window || (!confirmed && age < rules.rotation_grace))
    return {Outcome::reissued, session, session.generation};
  if (confirmed) return {Outcome::reused, ended(session, EndCause::reused), 0};
  return {Outcome::grace_over, ended(session, EndCause::grace_over), 0};
}

}  // namespace

std::string SessionId::text() const {
  return jose::base64url_encode({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

std::optional<SessionId> SessionId::parse(std::string_view text) {
  SessionId id;
  if (text.size() != id.bytes.size() / 3 * 4) return std::nullopt;
  const auto decoded = jose::base64url_decode(text);
  if (!decoded || decoded->size() != id.bytes.size()) return std::nullopt;
  std::copy(decoded->begin(), decoded->end(), id.bytes.begin());
  return id;
}

std::array<unsigned char, 8> user_tag(std::string_view user_id) {
  const Sha256Digest hash = sha256(user_id);
  std::array<unsigned char, 8> tag;
  std::copy_n(hash.begin(), tag.size(), tag.begin());
  return tag;
}

std::string_view to_string(EndCause cause) {
  switch (cause) {
    case EndCause::none:
      return "none";
    case EndCause::logout:
      return "logout";
    case EndCause::reused:
      return "reused";
    case EndCause::grace_over:
      return "grace_over";
    case EndCause::evicted:
      return "evicted";
    case EndCause::password_changed:
      return "password_changed";
    case EndCause::role_changed:
      return "role_changed";
    case EndCause::administrator:
      return "administrator";
    case EndCause::disabled:
      return "disabled";
  }
  return "none";
}

std::optional<EndCause> parse_end_cause(std::string_view text) {
  for (const auto cause :
       {EndCause::none, EndCause::logout, EndCause::reused, EndCause::grace_over, EndCause::evicted,
        EndCause::password_changed, EndCause::role_changed, EndCause::administrator, EndCause::disabled})
    if (to_string(cause) == text) return cause;
  return std::nullopt;
}

std::optional<UnixMillis> Limits::first() const {
  if (idle && absolute) return std::min(*idle, *absolute);
  return idle ? idle : absolute;
}

Limits limits_of(const Session& session, const config::Refresh& rules) {
  Limits limits;
  if (rules.idle_ttl.count() > 0) limits.idle = session.last_used + rules.idle_ttl;
  if (rules.absolute_ttl.count() > 0) limits.absolute = session.created + rules.absolute_ttl;
  return limits;
}

Rotation rotate(const Session& session, std::uint32_t presented, UnixMillis now, const config::Refresh& rules,
                std::uint64_t user_epoch) {
  if (session.state == SessionState::ended || session.user_epoch < user_epoch) return {Outcome::ended, {}, 0};
  const Limits limits = limits_of(session, rules);
  if (limits.absolute && now >= *limits.absolute) return {Outcome::expired, {}, 0};
  if (limits.idle && now >= *limits.idle) return {Outcome::idle, {}, 0};

  // We gave it out, so the store has lost a rotation that it had taken (a fail-over). That is no client's
  // fault.
  if (presented > session.generation) {
    Session caught_up = session;
    caught_up.generation = presented;
    return use_current(caught_up, now, rules);
  }
  if (presented == session.generation) return use_current(session, now, rules);
  const milliseconds age = since_rotation(session, now);
  if (presented + 1 == session.generation) return use_predecessor(session, age, rules);
  if (age < rules.concurrency_window) return {Outcome::superseded, {}, 0};
  return {Outcome::reused, ended(session, EndCause::reused), 0};
}

}  // namespace sallyport::sessions
