#include "auth/stores/sqlite/one_time_table.hpp"

namespace sallyport::stores::sqlite {
namespace {

std::int64_t count_of(UnixMillis time) { return time.time_since_epoch().count(); }

}  // namespace

OneTimeTable::OneTimeTable(Database& database)
    : put_(database,
           "INSERT INTO one_time(key, value, expires) VALUES(?1, ?2, ?3) ON CONFLICT(key) DO UPDATE SET"
           " value = ?2, expires = ?3"),
      find_(database, "SELECT value FROM one_time WHERE key = ?1 AND expires > ?2"),
      remove_(database, "DELETE FROM one_time WHERE key = ?1"),
      purge_(database,
             "DELETE FROM one_time WHERE key IN (SELECT key FROM one_time WHERE expires <= ?1 LIMIT ?2)") {}

void OneTimeTable::put(std::string_view key, std::string_view value, std::chrono::seconds ttl,
                       UnixMillis now) {
  put_.run(key, value, count_of(now + ttl));
}

std::optional<std::string> OneTimeTable::find(std::string_view key, UnixMillis now) {
  Rows rows = find_.query(key, count_of(now));
  if (!rows.next()) return std::nullopt;
  return rows.text(0);
}

std::optional<std::string> OneTimeTable::take(std::string_view key, UnixMillis now) {
  auto value = find(key, now);
  if (value) remove_.run(key);
  return value;
}

std::size_t OneTimeTable::purge(std::size_t limit, UnixMillis now) {
  return static_cast<std::size_t>(purge_.run(count_of(now), limit));
}

}  // namespace sallyport::stores::sqlite
