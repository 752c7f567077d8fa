#include "auth/stores/sqlite/log_table.hpp"

#include <algorithm>
#include <charconv>

namespace sallyport::stores::sqlite {
namespace {

using revocation::Batch;
using revocation::Event;

UnixSeconds seconds(std::int64_t count) { return UnixSeconds(std::chrono::seconds(count)); }

std::optional<std::int64_t> parse_cursor(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < 0) return std::nullopt;
  return number;
}

Event read_event(const Rows& rows) {
  Event event;
  event.kind = static_cast<revocation::Kind>(rows.integer(1));
  event.issuer = rows.text(2);
  event.id = rows.text(3);
  event.until = seconds(rows.integer(4));
  if (!rows.null(5)) event.before = seconds(rows.integer(5));
  event.epoch = static_cast<std::uint64_t>(rows.integer(6));
  event.reason = rows.text(7);
  return event;
}

}  // namespace

LogTable::LogTable(Database& database)
    : append_(database,
              "INSERT INTO revocations(kind, issuer, id, until, before, epoch, reason) VALUES(?1, ?2, ?3, "
              "?4, ?5, ?6, ?7)"),
      read_(database,
            "SELECT cursor, kind, issuer, id, until, before, epoch, reason FROM revocations WHERE cursor > "
            "?1 ORDER BY cursor LIMIT ?2"),
      last_(database, "SELECT seq FROM sqlite_sequence WHERE name = 'revocations'"),
      over_(database, "SELECT cursor, until FROM revocations WHERE until < ?1 ORDER BY until LIMIT ?2"),
      remove_(database, "DELETE FROM revocations WHERE cursor = ?1"),
      get_(database, "SELECT value FROM meta WHERE name = ?1"),
      put_(database,
           "INSERT INTO meta(name, value) VALUES(?1, ?2) ON CONFLICT(name) DO UPDATE SET value = ?2") {}

std::int64_t LogTable::meta(std::string_view name) {
  Rows rows = get_.query(name);
  return rows.next() ? parse_cursor(rows.bytes(0)).value_or(0) : 0;
}

void LogTable::append(const std::vector<Event>& events) {
  for (const Event& event : events) {
    std::optional<std::int64_t> before;
    if (event.before) before = event.before->time_since_epoch().count();
    append_.run(event.kind, event.issuer, event.id, event.until.time_since_epoch().count(), before,
                event.epoch, event.reason);
  }
}

Batch LogTable::read(std::string_view from, std::size_t limit, UnixMillis now) {
  Batch batch;
  batch.now = now;
  {
    Rows marker = get_.query(std::string_view("marker"));
    if (marker.next()) batch.marker.id = marker.text(0);
  }
  batch.marker.created = seconds(meta("marker_created"));
  batch.cursor = from;
  std::int64_t after = 0;
  if (!from.empty()) {
    const auto cursor = parse_cursor(from);
    std::int64_t last = 0;
    {
      Rows rows = last_.query();
      if (rows.next()) last = rows.integer(0);
    }
    if (!cursor || *cursor > last) {
      batch.gap = true;
      batch.cursor.clear();
    } else {
      after = *cursor;
      batch.gap = meta("trimmed_cursor") > after && seconds(meta("trimmed_until")) >= to_seconds(now);
    }
  }
  Rows rows = read_.query(after, limit + 1);
  while (rows.next()) {
    if (batch.entries.size() == limit) {
      batch.more = true;
      break;
    }
    batch.entries.push_back({std::to_string(rows.integer(0)), read_event(rows), std::nullopt});
  }
  if (!batch.entries.empty()) batch.cursor = batch.entries.back().cursor;
  return batch;
}

bool LogTable::trim(UnixSeconds now, std::size_t limit) {
  std::vector<std::int64_t> over;
  std::int64_t highest = 0;
  std::int64_t until = 0;
  {
    Rows rows = over_.query(now.time_since_epoch().count(), limit);
    while (rows.next()) {
      over.push_back(rows.integer(0));
      highest = std::max(highest, over.back());
      until = std::max(until, rows.integer(1));
    }
  }
  if (over.empty()) return false;
  for (const auto cursor : over) remove_.run(cursor);
  put_.run(std::string_view("trimmed_cursor"),
           std::string_view(std::to_string(std::max(highest, meta("trimmed_cursor")))));
  put_.run(std::string_view("trimmed_until"),
           std::string_view(std::to_string(std::max(until, meta("trimmed_until")))));
  return over.size() == limit;
}

}  // namespace sallyport::stores::sqlite
