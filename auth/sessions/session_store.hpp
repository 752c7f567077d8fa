// Where sessions live. The interface knows no rule: it creates, loads, swaps and ends atomically; session.hpp
// decides. One contract suite (tests/integration/store_contract*) runs against every implementation. Thread:
// call from the executor that the store was connected for; results arrive there. Every call ends within the
// store's timeout.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "auth/sessions/session.hpp"
#include "auth/store_error.hpp"
#include "auth/task.hpp"

namespace sallyport::sessions {

struct Created {
  bool refused = false;  // the limit was reached and the policy says refuse: nothing was written
  Session session;       // as stored: created/last_used/rotated = store's now, user_epoch = the user's
  std::vector<SessionId> evicted;  // ended with cause `evicted` to make room
};

struct Found {
  std::optional<Session> session;  // nullopt: the store answered and knows no such session
  std::uint64_t user_epoch = 0;    // the user's current epoch; a session of a smaller one is ended
  UnixMillis now{};                // the store's clock
};

struct Listed {
  std::vector<Session> sessions;  // live ones, newest first
  UnixMillis now{};               // the store's clock
};

struct EndedAll {
  std::vector<SessionId> ended;  // those that were live until now
  UnixMillis now{};
};

class SessionStore {
 public:
  virtual ~SessionStore() = default;

  // Other lifetimes from now on: how long records are kept, and which sessions are over. What is written
  // already keeps its own until it is written again.
  virtual void use(const config::Refresh&) {}

  // `session` carries id, user_id, device, ip, user_agent, global_epoch; the store sets times and the user's
  // epoch. `max` 0: no limit.
  // Records live until `limits_of` plus a day (then "unknown" and "expired" are the same to everybody).
  virtual Task<StoreResult<Created>> create(Session session, unsigned max, config::WhenFull when_full) = 0;

  virtual Task<StoreResult<Found>> load(SessionId id) = 0;

  // Writes `next` with version + 1 if the stored version is still next.version; false: somebody was faster.
  virtual Task<StoreResult<bool>> compare_and_swap(Session next) = 0;

  // confirmed = max(confirmed, generation); unknown session: no effect. Idempotent. Doesn't change `version`.
  virtual Task<StoreResult<void>> confirm(SessionId id, std::uint32_t generation) = 0;

  // Live sessions of a user.
  virtual Task<StoreResult<Listed>> list(std::string_view user_id) = 0;

  // Ends one session of `user_id`. true: it is ended now (also if it was before); false: no such session of
  // this user.
  virtual Task<StoreResult<bool>> end(std::string_view user_id, SessionId id, EndCause cause) = 0;

  // Ends all sessions of the user but `except`, in one step with a bump of the user's epoch (`except` is
  // moved to the new epoch).
  virtual Task<StoreResult<EndedAll>> end_all(std::string_view user_id, std::optional<SessionId> except,
                                              EndCause cause) = 0;
};

}  // namespace sallyport::sessions
