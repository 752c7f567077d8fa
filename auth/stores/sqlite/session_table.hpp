// Sessions and the epochs of their users as rows. Synchronous; each call runs inside the transaction of its
// caller.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "auth/sessions/session_store.hpp"
#include "auth/stores/sqlite/database.hpp"

namespace sallyport::stores::sqlite {

class SessionTable {
 public:
  // `rules` say which sessions are over and how long records are kept.
  SessionTable(Database& database, const config::Refresh& rules);

  void use(const config::Refresh& rules) { rules_ = rules; }

  sessions::Created create(sessions::Session session, unsigned max, config::WhenFull when_full,
                           UnixMillis now);
  sessions::Found load(const sessions::SessionId& id, UnixMillis now);
  bool compare_and_swap(const sessions::Session& next, UnixMillis now);
  void confirm(const sessions::SessionId& id, std::uint32_t generation);
  sessions::Listed list(std::string_view user_id, UnixMillis now);
  bool end(std::string_view user_id, const sessions::SessionId& id, sessions::EndCause cause, UnixMillis now);
  sessions::EndedAll end_all(std::string_view user_id, const std::optional<sessions::SessionId>& except,
                             sessions::EndCause cause, UnixMillis now);

  // Deletes at most `limit` records that nobody can use any more. How many it looked at: == limit means call
  // again.
  std::size_t purge(std::size_t limit, UnixMillis now);

 private:
  std::uint64_t epoch_of(std::string_view user_id);
  std::vector<sessions::Session> live_of(std::string_view user_id, std::uint64_t epoch,
                                         UnixMillis now);  // oldest first
  void mark_ended(const sessions::Session& session, sessions::EndCause cause, UnixMillis now);
  std::optional<std::int64_t> keep_until(const sessions::Session& session, UnixMillis now) const;

  config::Refresh rules_;
  Database& database_;
  Statement insert_, load_, swap_, confirm_, of_user_, owned_, end_, move_epoch_, read_epoch_, bump_epoch_,
      over_, keep_, remove_, forget_epoch_;
};

}  // namespace sallyport::stores::sqlite
