#include "auth/stores/sqlite/session_table.hpp"

#include <sqlite3.h>

#include <algorithm>

namespace sallyport::stores::sqlite {
namespace {

using sessions::EndCause;
using sessions::Session;
using sessions::SessionId;
using sessions::SessionState;

// A day after its end "unknown" and "expired" are the same to everybody.
constexpr std::chrono::milliseconds kAfterEnd = std::chrono::hours(24);
// A session without any limit is kept for ever while it lives, and this long once it was ended.
constexpr std::chrono::milliseconds kEndedWithoutLimit = std::chrono::hours(24 * 30);

// The order in which read_session takes them.
#define SALLYPORT_SESSION_COLUMNS                                                                    \
  "s.id, s.user_id, s.device, s.ip, s.user_agent, s.created, s.last_used, s.rotated, s.generation, " \
  "s.confirmed, "                                                                                    \
  "s.user_epoch, s.version, s.state, s.cause, s.global_epoch"

Blob blob(const SessionId& id) { return {id.bytes}; }

std::int64_t count(UnixMillis time) { return time.time_since_epoch().count(); }
UnixMillis millis(std::int64_t count) { return UnixMillis(std::chrono::milliseconds(count)); }

Session read_session(const Rows& rows) {
  Session session;
  const auto id = rows.bytes(0);
  if (id.size() != session.id.bytes.size()) throw Failure(SQLITE_CORRUPT, "a session id of the wrong length");
  std::copy(id.begin(), id.end(), session.id.bytes.begin());
  session.user_id = rows.text(1);
  session.device = rows.text(2);
  session.ip = rows.text(3);
  session.user_agent = rows.text(4);
  session.created = millis(rows.integer(5));
  session.last_used = millis(rows.integer(6));
  session.rotated = millis(rows.integer(7));
  session.generation = static_cast<std::uint32_t>(rows.integer(8));
  session.confirmed = static_cast<std::uint32_t>(rows.integer(9));
  session.user_epoch = static_cast<std::uint64_t>(rows.integer(10));
  session.version = static_cast<std::uint64_t>(rows.integer(11));
  session.state = static_cast<SessionState>(rows.integer(12));
  session.cause = static_cast<EndCause>(rows.integer(13));
  session.global_epoch = static_cast<std::uint64_t>(rows.integer(14));
  return session;
}

}  // namespace

SessionTable::SessionTable(Database& database, const config::Refresh& rules)
    : rules_(rules),
      database_(database),
      insert_(database,
              "INSERT INTO sessions(id, user_id, device, ip, user_agent, created, last_used, rotated, "
              "generation, confirmed,"
              " user_epoch, version, state, cause, keep_until, global_epoch)"
              " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?6, ?6, 0, 0, ?7, 1, 0, 0, ?8, ?9)"),
      load_(database, "SELECT " SALLYPORT_SESSION_COLUMNS
                      ", coalesce(e.epoch, 0) FROM sessions s LEFT JOIN epochs e ON e.user_id = s.user_id "
                      "WHERE s.id = ?1"),
      // A confirmation may have arrived since `next` was read (it doesn't change the version): never take it
      // back.
      swap_(
          database,
          "UPDATE sessions SET device = ?3, ip = ?4, user_agent = ?5, last_used = ?6, rotated = ?7, "
          "generation = ?8,"
          " confirmed = max(confirmed, ?9), state = ?10, cause = ?11, keep_until = ?12, version = version + 1"
          " WHERE id = ?1 AND version = ?2"),
      confirm_(database, "UPDATE sessions SET confirmed = ?2 WHERE id = ?1 AND confirmed < ?2"),
      of_user_(database, "SELECT " SALLYPORT_SESSION_COLUMNS
                         " FROM sessions s WHERE s.user_id = ?1 AND s.state = 0 AND s.user_epoch >= ?2"
                         " ORDER BY s.created, s.number"),
      owned_(database,
             "SELECT " SALLYPORT_SESSION_COLUMNS " FROM sessions s WHERE s.id = ?1 AND s.user_id = ?2"),
      end_(database,
           "UPDATE sessions SET state = 1, cause = ?2, keep_until = ?3, version = version + 1 WHERE id = ?1 "
           "AND state = 0"),
      move_epoch_(database, "UPDATE sessions SET user_epoch = ?2, version = version + 1 WHERE id = ?1"),
      read_epoch_(database, "SELECT epoch FROM epochs WHERE user_id = ?1"),
      bump_epoch_(database,
                  "INSERT INTO epochs(user_id, epoch) VALUES(?1, 1) ON CONFLICT(user_id) DO UPDATE SET epoch "
                  "= epoch + 1"),
      over_(database, "SELECT " SALLYPORT_SESSION_COLUMNS
                      " FROM sessions s WHERE s.keep_until < ?1 ORDER BY s.keep_until LIMIT ?2"),
      keep_(database, "UPDATE sessions SET keep_until = ?2 WHERE id = ?1"),
      remove_(database, "DELETE FROM sessions WHERE id = ?1"),
      forget_epoch_(
          database,
          "DELETE FROM epochs WHERE user_id = ?1 AND NOT EXISTS(SELECT 1 FROM sessions WHERE user_id = ?1)") {
}

#undef SALLYPORT_SESSION_COLUMNS

std::uint64_t SessionTable::epoch_of(std::string_view user_id) {
  Rows rows = read_epoch_.query(user_id);
  return rows.next() ? static_cast<std::uint64_t>(rows.integer(0)) : 0;
}

std::vector<Session> SessionTable::live_of(std::string_view user_id, std::uint64_t epoch, UnixMillis now) {
  std::vector<Session> live;
  Rows rows = of_user_.query(user_id, epoch);
  while (rows.next()) {
    Session session = read_session(rows);
    const auto end = sessions::limits_of(session, rules_).first();
    if (!end || now < *end) live.push_back(std::move(session));
  }
  return live;
}

std::optional<std::int64_t> SessionTable::keep_until(const Session& session, UnixMillis now) const {
  if (const auto end = sessions::limits_of(session, rules_).first()) return count(*end + kAfterEnd);
  if (session.state == SessionState::ended) return count(now + kEndedWithoutLimit);
  return std::nullopt;
}

void SessionTable::mark_ended(const Session& session, EndCause cause, UnixMillis now) {
  Session ended = session;
  ended.state = SessionState::ended;
  end_.run(blob(session.id), cause, keep_until(ended, now));
}

sessions::Created SessionTable::create(Session session, unsigned max, config::WhenFull when_full,
                                       UnixMillis now) {
  sessions::Created created;
  session.user_epoch = epoch_of(session.user_id);
  if (max > 0) {
    const auto live = live_of(session.user_id, session.user_epoch, now);
    if (live.size() >= max && when_full == config::WhenFull::refuse) {
      created.refused = true;
      return created;
    }
    for (std::size_t i = 0; live.size() - i >= max; ++i) {
      mark_ended(live[i], EndCause::evicted, now);
      created.evicted.push_back(live[i].id);
    }
  }
  session.created = session.last_used = session.rotated = now;
  session.generation = session.confirmed = 0;
  session.version = 1;
  session.state = SessionState::live;
  session.cause = EndCause::none;
  insert_.run(blob(session.id), session.user_id, session.device, session.ip, session.user_agent, count(now),
              session.user_epoch, keep_until(session, now), session.global_epoch);
  created.session = std::move(session);
  return created;
}

sessions::Found SessionTable::load(const SessionId& id, UnixMillis now) {
  sessions::Found found;
  found.now = now;
  Rows rows = load_.query(blob(id));
  if (rows.next()) {
    found.session = read_session(rows);
    found.user_epoch = static_cast<std::uint64_t>(rows.integer(15));
  }
  return found;
}

bool SessionTable::compare_and_swap(const Session& next, UnixMillis now) {
  return swap_.run(blob(next.id), next.version, next.device, next.ip, next.user_agent, count(next.last_used),
                   count(next.rotated), next.generation, next.confirmed, next.state, next.cause,
                   keep_until(next, now)) == 1;
}

void SessionTable::confirm(const SessionId& id, std::uint32_t generation) {
  confirm_.run(blob(id), generation);
}

sessions::Listed SessionTable::list(std::string_view user_id, UnixMillis now) {
  auto live = live_of(user_id, epoch_of(user_id), now);
  std::reverse(live.begin(), live.end());
  return {std::move(live), now};
}

bool SessionTable::end(std::string_view user_id, const SessionId& id, EndCause cause, UnixMillis now) {
  std::optional<Session> session;
  {
    Rows rows = owned_.query(blob(id), user_id);
    if (rows.next()) session = read_session(rows);
  }
  if (!session) return false;
  mark_ended(*session, cause, now);  // one that was ended before keeps its cause
  return true;
}

sessions::EndedAll SessionTable::end_all(std::string_view user_id, const std::optional<SessionId>& except,
                                         EndCause cause, UnixMillis now) {
  sessions::EndedAll result;
  result.now = now;
  const auto before = live_of(user_id, epoch_of(user_id), now);
  bump_epoch_.run(user_id);
  const auto epoch = epoch_of(user_id);
  for (const Session& session : before) {
    if (except && session.id == *except) {
      // The version moves too: a swap with the epoch of before must be read again.
      move_epoch_.run(blob(session.id), epoch);
    } else {
      mark_ended(session, cause, now);
      result.ended.push_back(session.id);
    }
  }
  return result;
}

std::size_t SessionTable::purge(std::size_t limit, UnixMillis now) {
  std::vector<Session> over;
  {
    Rows rows = over_.query(count(now), limit);
    while (rows.next()) over.push_back(read_session(rows));
  }
  for (const Session& session : over) {
    // The lifetimes may have grown in the configuration since the record was written.
    const auto end = sessions::limits_of(session, rules_).first();
    const bool still_kept = session.state == SessionState::live && (!end || *end + kAfterEnd >= now);
    if (still_kept) {
      keep_.run(blob(session.id), keep_until(session, now));
    } else {
      remove_.run(blob(session.id));
      forget_epoch_.run(session.user_id);  // without sessions an epoch has nothing to tell apart
    }
  }
  return over.size();
}

}  // namespace sallyport::stores::sqlite
