// The acts of SessionService that end sessions, list them and confirm their tokens.
#include <algorithm>
#include <utility>

#include "auth/sessions/ending.hpp"
#include "auth/sessions/session_service.hpp"

namespace sallyport::sessions {
namespace {

using LoggedOut = boost::system::result<void, LogoutError>;

constexpr std::size_t kMaxOwed = 10'000;

LoggedOut unavailable(StoreError error) {
  return LogoutError{LogoutFailure::store_unavailable, std::move(error)};
}

// Which session do the two tokens name together?
struct Target {
  std::optional<SessionId> session;
  std::optional<LogoutFailure> failure;
};

Target target_of(const jose::Claims* access, const std::optional<RefreshClaim>& refresh) {
  Target target;
  if (refresh) target.session = refresh->session;
  if (access != nullptr) {
    const auto named = SessionId::parse(access->session_id);
    if (!access->own || (!named && access->token_id.empty())) return {{}, LogoutFailure::invalid};
    if (refresh && named != target.session) return {{}, LogoutFailure::mismatch};
    target.session = named;
  }
  return target;
}

}  // namespace

revocation::Event SessionService::event_of(const SessionId& id, EndCause cause, UnixMillis store_now) const {
  return ending_event(tokens_, id, cause, std::max(parts_.clock(), to_seconds(store_now)));
}

Task<StoreResult<void>> SessionService::revoke(std::vector<revocation::Event> events) {
  auto owed = std::exchange(*parts_.owed, {});
  events.insert(events.begin(), owed.begin(), owed.end());
  if (events.empty()) co_return StoreResult<void>{};
  auto done = co_await parts_.revoker.revoke(std::move(events));
  if (!done) {
    auto& waiting = *parts_.owed;
    waiting.insert(waiting.end(), owed.begin(), owed.end());
    if (waiting.size() > kMaxOwed) waiting.erase(waiting.begin(), waiting.end() - kMaxOwed);
  }
  co_return done;
}

Task<LoggedOut> SessionService::logout(std::shared_ptr<const jose::Claims> access,
                                       std::optional<std::string> refresh_token, std::string client_id) {
  if (!access && !refresh_token) co_return LogoutError{LogoutFailure::invalid, {}};
  std::optional<RefreshClaim> claim;
  if (refresh_token) {
    claim = parts_.refresh_tokens.read(*refresh_token, client_id);
    if (!claim) co_return LogoutError{LogoutFailure::invalid, {}};
  }
  const Target target = target_of(access.get(), claim);
  if (target.failure) co_return LogoutError{*target.failure, {}};

  std::vector<revocation::Event> events;
  std::optional<Session> session;
  if (target.session) {
    auto found = co_await parts_.sessions.load(*target.session);
    if (!found) co_return unavailable(found.error());
    session = std::move(found->session);
    events.push_back(event_of(*target.session, EndCause::logout, found->now));
  } else {  // minted without a session: the token itself
    events.push_back({.kind = revocation::Kind::token,
                      .issuer = tokens_.issuer,
                      .id = access->token_id,
                      .until = access->expires + tokens_.clock_skew,
                      .reason = "logout"});
  }
  const auto revoked = co_await revoke(std::move(events));
  if (!revoked) co_return unavailable(revoked.error());
  if (!session) co_return LoggedOut{};

  const std::string user_id = session->user_id;
  const auto ended = co_await parts_.sessions.end(user_id, *target.session, EndCause::logout);
  if (!ended) co_return unavailable(ended.error());
  tell({.act = Audit::Act::ended,
        .user_id = user_id,
        .session_id = target.session->text(),
        .cause = EndCause::logout});
  co_return LoggedOut{};
}

Task<StoreResult<void>> SessionService::end_token(std::shared_ptr<const jose::Claims> access) {
  if (access->token_id.empty()) co_return StoreResult<void>{};
  std::vector<revocation::Event> events{{.kind = revocation::Kind::token,
                                         .issuer = tokens_.issuer,
                                         .id = access->token_id,
                                         .until = access->expires + tokens_.clock_skew,
                                         .reason = "logout"}};
  co_return co_await revoke(std::move(events));
}

Task<StoreResult<std::optional<Session>>> SessionService::look_up(std::string refresh_token,
                                                                  std::string client_id) {
  const auto claim = parts_.refresh_tokens.read(refresh_token, client_id);
  if (!claim) co_return std::nullopt;
  auto found = co_await parts_.sessions.load(claim->session);
  if (!found) co_return found.error();
  if (!found->session) co_return std::nullopt;
  if (epoch().ends(*found->session)) co_return std::nullopt;
  const Rotation rotation =
      rotate(*found->session, claim->generation, found->now, tokens_.refresh, found->user_epoch);
  const bool good = rotation.outcome == Outcome::rotated || rotation.outcome == Outcome::reissued ||
                    rotation.outcome == Outcome::kept;
  if (!good) co_return std::nullopt;
  co_return std::move(found->session);
}

std::optional<UnixSeconds> SessionService::end_of(const Session& session) const {
  const auto end = limits_of(session, tokens_.refresh).first();
  if (!end) return std::nullopt;
  return to_seconds(*end);
}

Task<StoreResult<std::size_t>> SessionService::end_all_of_user(std::string user_id,
                                                               std::optional<SessionId> except,
                                                               EndCause cause) {
  // Announced from a list first: were they ended first and the log then gone, a repeated call would find none
  // to announce.
  auto live = co_await parts_.sessions.list(user_id);
  if (!live) co_return live.error();
  std::vector<SessionId> known;
  std::vector<revocation::Event> events;
  for (const Session& session : live->sessions) {
    if (session.id == except) continue;
    known.push_back(session.id);
    events.push_back(event_of(session.id, cause, live->now));
  }
  const auto announced = co_await revoke(std::move(events));
  if (!announced) co_return announced.error();

  auto ended = co_await parts_.sessions.end_all(user_id, except, cause);
  if (!ended) co_return ended.error();

  // Those that began in between. Should the log fail just now, they are owed.
  std::vector<revocation::Event> late;
  for (const SessionId& id : ended->ended)
    if (std::find(known.begin(), known.end(), id) == known.end())
      late.push_back(event_of(id, cause, ended->now));
  const std::vector<revocation::Event> kept = late;
  const auto followed = co_await revoke(std::move(late));
  if (!followed) {
    parts_.owed->insert(parts_.owed->end(), kept.begin(), kept.end());
    co_return followed.error();
  }
  tell({.act = Audit::Act::ended_all, .user_id = user_id, .cause = cause, .count = ended->ended.size()});
  co_return ended->ended.size();
}

Task<StoreResult<std::vector<Session>>> SessionService::list(std::string user_id) {
  auto listed = co_await parts_.sessions.list(user_id);
  if (!listed) co_return listed.error();
  const GlobalEpoch all = epoch();
  std::erase_if(listed->sessions, [&](const Session& session) {
    const auto end = limits_of(session, tokens_.refresh).first();
    return (end && *end <= listed->now) || all.ends(session);
  });
  co_return std::move(listed->sessions);
}

Task<StoreResult<std::optional<Session>>> SessionService::find(std::string session_id) {
  const auto id = SessionId::parse(session_id);
  if (!id) co_return std::optional<Session>();
  auto found = co_await parts_.sessions.load(*id);
  if (!found) co_return found.error();
  std::optional<Session>& session = found->session;
  if (session && (session->user_epoch < found->user_epoch || epoch().ends(*session)))
    session->state = SessionState::ended;
  co_return std::move(session);
}

Task<StoreResult<bool>> SessionService::end_one(std::string user_id, std::string session_id, EndCause cause) {
  const auto id = SessionId::parse(session_id);
  if (!id) co_return false;
  auto found = co_await parts_.sessions.load(*id);
  if (!found) co_return found.error();
  if (!found->session || found->session->user_id != user_id) co_return false;

  std::vector<revocation::Event> events{event_of(*id, cause, found->now)};
  const auto revoked = co_await revoke(std::move(events));
  if (!revoked) co_return revoked.error();
  auto ended = co_await parts_.sessions.end(user_id, *id, cause);
  if (!ended) co_return ended.error();
  if (*ended) tell({.act = Audit::Act::ended, .user_id = user_id, .session_id = session_id, .cause = cause});
  co_return *ended;
}

Task<StoreResult<void>> SessionService::confirm(std::shared_ptr<const jose::Claims> access) {
  if (!access->own || access->generation == 0) co_return StoreResult<void>{};
  const auto id = SessionId::parse(access->session_id);
  if (!id) co_return StoreResult<void>{};
  co_return co_await parts_.sessions.confirm(*id, access->generation);
}

}  // namespace sallyport::sessions
