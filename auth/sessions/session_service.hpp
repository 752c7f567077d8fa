// The acts on sessions that the endpoints offer: open, refresh, end, list, confirm. It joins the pure rule
// (session.hpp) with the stores, the revocation log and the signing key. One per worker; no logging, no HTTP.
//
// Every ending goes: append the events and put them in force, mark the session dead, return. After any
// StoreError the caller answers 503 and repeating the act is safe.
#pragma once

#include <boost/system/result.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "auth/jose/claims.hpp"
#include "auth/jose/token_issuer.hpp"
#include "auth/revocation/revoker.hpp"
#include "auth/sessions/refresh_token.hpp"
#include "auth/sessions/session.hpp"
#include "auth/sessions/session_store.hpp"
#include "auth/task.hpp"
#include "auth/users/user_store.hpp"
#include "config/config.hpp"

namespace sallyport::sessions {

// Where a login or refresh comes from; strangers' text, cut to size and cleaned by the service.
struct Client {
  std::string device;
  std::string ip;
  std::string user_agent;
  std::string client_id;  // the OAuth client that logs in; empty: an application of our own
};

struct TokenPair {
  std::string access_token;
  std::chrono::seconds expires_in{0};
  UnixSeconds expires_at{};
  std::string refresh_token;
  std::optional<std::chrono::seconds> refresh_expires_in;  // nullopt: no limit
  std::string session_id;
  std::uint32_t generation = 0;
  users::User user;  // as now stored, without the password hash
};

enum class OpenFailure : std::uint8_t {
  sessions_full,  // max_sessions_per_user with when_full: refuse
  store_unavailable,
};
struct OpenError {
  OpenFailure failure = OpenFailure::store_unavailable;
  StoreError store;  // for the log, where the store failed
};

enum class RefreshFailure : std::uint8_t {
  invalid,  // not ours, unknown, or not of the access token's session
  expired,  // the absolute limit
  idle,
  reused,            // the session is dead now (cause reused or grace_over)
  revoked,           // ended before
  account_disabled,  // or gone
  superseded,        // 409: somebody is refreshing this session right now
  store_unavailable,
};
std::string_view to_string(RefreshFailure failure);  // the `error` of CONTRACT section 2: "refresh_reused"
struct RefreshError {
  RefreshFailure failure = RefreshFailure::invalid;
  StoreError store;
};

enum class LogoutFailure : std::uint8_t {
  invalid,   // 401: neither token given, or the refresh token isn't ours
  mismatch,  // 400: the two are of different sessions
  store_unavailable,
};
struct LogoutError {
  LogoutFailure failure = LogoutFailure::invalid;
  StoreError store;
};

// What happened, for the audit log and the counters.
struct Audit {
  enum class Act : std::uint8_t {
    opened,
    refreshed,
    reissued,  // a predecessor came and got the same successor
    kept,      // rotation: never
    superseded,
    reused,     // an old refresh token came back: session_id is dead
    ended,      // one session; `cause` says why
    ended_all,  // `count` sessions of the user
  };
  Act act{};
  std::string user_id;
  std::string session_id;
  std::uint32_t generation = 0;  // that was issued
  std::uint32_t presented = 0;   // that came
  EndCause cause = EndCause::none;
  std::size_t count = 0;
};
std::string_view to_string(Audit::Act act);

// The global epoch (revocation_set.hpp, Everything of our own issuer).
struct GlobalEpoch {
  std::uint64_t epoch = 0;  // goes into new sessions and their tokens; sessions of a smaller one are over
  std::optional<UnixSeconds> before;  // and so are those created before it
  bool ends(const Session& session) const {
    return session.global_epoch < epoch || (before && session.created < *before);
  }
};

class SessionService {
 public:
  // Borrowed: must outlive the service.
  struct Parts {
    SessionStore& sessions;
    revocation::Revoker& revoker;
    users::UserStore& users;
    jose::TokenIssuer& issuer;
    const RefreshCodec& refresh_tokens;
    std::function<UnixSeconds()> clock;                    // wall clock, for token times
    std::function<void(std::span<unsigned char>)> random;  // fills with unpredictable bytes
    std::function<GlobalEpoch()> epoch;                    // empty: always 0
    std::function<void(const Audit&)> audit;               // empty: nobody listens. Must not block or throw
    // Does the revocation index know this session (its sid) to be over? Empty: never.
    std::function<bool(const std::string&)> revoked;
    // Events of sessions that a store ended in one step before we could announce them, and that the log then
    // refused: they go before whatever comes next, also from the service that a reload puts in this one's
    // place. Null: the service's own.
    std::shared_ptr<std::vector<revocation::Event>> owed;
  };
  SessionService(Parts parts, const config::Tokens& tokens);

  // A new session after a successful login. The caller has judged password and account.
  Task<boost::system::result<TokenPair, OpenError>> open(users::User user, Client client);

  // `access`: the claims of the access token that came along, verified but for its expiry; nullptr: none
  // came. The session remembers where `client` is from; its device stays what the login called it. The token
  // must have been issued to its client_id.
  Task<boost::system::result<TokenPair, RefreshError>> refresh(std::string refresh_token,
                                                               std::shared_ptr<const jose::Claims> access,
                                                               Client client);

  // Logout of this session, by either token or both. `access`: verified but for expiry and revocation.
  // An ended or unknown session is success.
  Task<boost::system::result<void, LogoutError>> logout(std::shared_ptr<const jose::Claims> access,
                                                        std::optional<std::string> refresh_token,
                                                        std::string client_id = {});

  // Was this refresh token issued to that client? Asks nobody.
  bool is_of(std::string_view refresh_token, std::string_view client_id) const {
    return parts_.refresh_tokens.read(refresh_token, client_id).has_value();
  }

  // One access token, and nothing else of its session (RFC 7009). `access`: own, verified but for expiry.
  Task<StoreResult<void>> end_token(std::shared_ptr<const jose::Claims> access);

  // The session of a refresh token that would be good for a refresh now (RFC 7662); nullopt: it wouldn't.
  Task<StoreResult<std::optional<Session>>> look_up(std::string refresh_token, std::string client_id);
  // The moment when the session ends unless it is used; nullopt: never.
  std::optional<UnixSeconds> end_of(const Session& session) const;

  // Logout everywhere (except = nullopt) or everywhere else; password and role changes; administrators.
  // Returns how many.
  Task<StoreResult<std::size_t>> end_all_of_user(std::string user_id, std::optional<SessionId> except,
                                                 EndCause cause);

  // Live sessions, newest first.
  Task<StoreResult<std::vector<Session>>> list(std::string user_id);

  // For administrators, who may have no more than its id. nullopt: there is no such session, or its text is
  // no id. An ended one is found for a day.
  Task<StoreResult<std::optional<Session>>> find(std::string session_id);

  // false: this user has no such session (also for text that is no session id).
  Task<StoreResult<bool>> end_one(std::string user_id, std::string session_id, EndCause cause);

  // The client has shown to hold this generation. Idempotent; nothing to do for generation 0 and foreign
  // tokens.
  Task<StoreResult<void>> confirm(std::shared_ptr<const jose::Claims> access);

  // Other lifetimes and names from now on.
  void use(const config::Tokens& tokens) { tokens_ = tokens; }

 private:
  Task<StoreResult<void>> revoke(std::vector<revocation::Event> events);
  revocation::Event event_of(const SessionId& id, EndCause cause, UnixMillis store_now) const;
  std::optional<std::chrono::seconds> life_of(const Session& session, UnixMillis store_now) const;
  struct Grant {
    const Session& session;
    UnixMillis store_now;   // when the store was asked
    UnixSeconds issued_at;  // our wall clock, taken before that
    std::chrono::seconds life;
    std::uint64_t epoch;  // the one by which the session was judged: a later one must end this token
    std::string_view client_id;
  };
  TokenPair issue(const Grant& grant, users::User user);
  GlobalEpoch epoch() const { return parts_.epoch ? parts_.epoch() : GlobalEpoch{}; }
  void tell(const Audit& audit) const {
    if (parts_.audit) parts_.audit(audit);
  }

  Parts parts_;
  config::Tokens tokens_;
};

}  // namespace sallyport::sessions
