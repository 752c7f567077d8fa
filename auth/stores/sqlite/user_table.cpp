#include "auth/stores/sqlite/user_table.hpp"

#include <sqlite3.h>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

namespace sallyport::stores::sqlite {
namespace {

using users::User;

constexpr const char* kColumns =
    "SELECT id, name, password_hash, email, email_confirmed, disabled, roles, claims, profile, created, "
    "version FROM users ";

std::string to_json(const std::vector<std::string>& list) {
  return boost::json::serialize(boost::json::array(list.begin(), list.end()));
}

std::string to_json(const std::map<std::string, std::string>& map) {
  boost::json::object object;
  for (const auto& [name, value] : map) object[name] = value;
  return boost::json::serialize(object);
}

boost::json::value from_json(std::string_view text) {
  boost::json::parse_options options;
  options.allow_invalid_utf8 = true;  // what came in goes out, byte for byte
  boost::system::error_code error;
  auto value = boost::json::parse(text, error, {}, options);
  if (error) throw Failure(SQLITE_CORRUPT, "a user's roles, claims or profile are no JSON");
  return value;
}

std::string string_of(const boost::json::value& value) {
  if (!value.is_string())
    throw Failure(SQLITE_CORRUPT, "a user's roles, claims or profile hold something else than text");
  return std::string(value.get_string());
}

std::vector<std::string> list_from(std::string_view text) {
  const auto value = from_json(text);
  if (!value.is_array()) throw Failure(SQLITE_CORRUPT, "a user's roles are no JSON array");
  std::vector<std::string> list;
  for (const auto& item : value.get_array()) list.push_back(string_of(item));
  return list;
}

std::map<std::string, std::string> map_from(std::string_view text) {
  const auto value = from_json(text);
  if (!value.is_object()) throw Failure(SQLITE_CORRUPT, "a user's claims or profile are no JSON object");
  std::map<std::string, std::string> map;
  for (const auto& [name, item] : value.get_object()) map.emplace(name, string_of(item));
  return map;
}

User read_user(const Rows& rows) {
  User user;
  user.id = rows.text(0);
  user.name = rows.text(1);
  user.password_hash = rows.text(2);
  user.email = rows.text(3);
  user.email_confirmed = rows.integer(4) != 0;
  user.disabled = rows.integer(5) != 0;
  user.roles = list_from(rows.bytes(6));
  user.claims = map_from(rows.bytes(7));
  user.profile = map_from(rows.bytes(8));
  user.created = UnixMillis(std::chrono::milliseconds(rows.integer(9)));
  user.version = static_cast<std::uint64_t>(rows.integer(10));
  return user;
}

std::optional<User> read_one(Rows rows) {
  if (!rows.next()) return std::nullopt;
  return read_user(rows);
}

std::int64_t count_of(UnixMillis time) { return time.time_since_epoch().count(); }

}  // namespace

UserTable::UserTable(Database& database)
    : by_name_(database, kColumns + std::string("WHERE folded_name = ?1")),
      by_id_(database, kColumns + std::string("WHERE id = ?1")),
      by_email_(database, kColumns + std::string("WHERE lower(email) = ?1 AND email <> '' LIMIT ?2")),
      insert_(database,
              "INSERT INTO users(id, folded_name, name, password_hash, email, email_confirmed, disabled, "
              "roles, claims, profile,"
              " created, version) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, 1) ON CONFLICT DO "
              "NOTHING"),
      update_(database,
              "UPDATE OR IGNORE users SET folded_name = ?3, name = ?4, password_hash = ?5, email = ?6, "
              "email_confirmed = ?7,"
              " disabled = ?8, roles = ?9, claims = ?10, profile = ?11, version = version + 1 WHERE id = ?1 "
              "AND version = ?2"),
      remove_(database, "DELETE FROM users WHERE id = ?1"),
      list_(database, kColumns + std::string("WHERE folded_name > ?1 ORDER BY folded_name LIMIT ?2")) {}

std::optional<User> UserTable::find_by_name(std::string_view name) {
  return read_one(by_name_.query(users::folded_name(name)));
}

std::optional<User> UserTable::find_by_id(std::string_view id) { return read_one(by_id_.query(id)); }

std::vector<User> UserTable::find_by_email(std::string_view email) {
  std::vector<User> found;
  Rows rows = by_email_.query(users::folded_name(email), users::UserStore::kMostOfAnEmail);
  while (rows.next()) found.push_back(read_user(rows));
  return found;
}

bool UserTable::add(const User& user) {
  return insert_.run(user.id, users::folded_name(user.name), user.name, user.password_hash, user.email,
                     user.email_confirmed, user.disabled, to_json(user.roles), to_json(user.claims),
                     to_json(user.profile), count_of(user.created)) == 1;
}

bool UserTable::update(const User& user) {
  return update_.run(user.id, user.version, users::folded_name(user.name), user.name, user.password_hash,
                     user.email, user.email_confirmed, user.disabled, to_json(user.roles),
                     to_json(user.claims), to_json(user.profile)) == 1;
}

bool UserTable::remove(std::string_view id) { return remove_.run(id) == 1; }

users::UserStore::Page UserTable::list(std::string_view cursor, std::size_t limit) {
  users::UserStore::Page page;
  if (limit == 0) return page;
  Rows rows = list_.query(cursor, limit + 1);  // one more than asked for tells whether there is a next page
  while (rows.next()) {
    if (page.users.size() == limit) {
      page.next = users::folded_name(page.users.back().name);
      break;
    }
    page.users.push_back(read_user(rows));
  }
  return page;
}

AttemptTable::AttemptTable(Database& database)
    : add_(database,
           "INSERT INTO attempts(key, failures, window_end) VALUES(?1, 1, ?2) ON CONFLICT(key) DO UPDATE SET"
           " failures = CASE WHEN window_end <= ?3 THEN 1 ELSE failures + 1 END,"
           " window_end = CASE WHEN window_end <= ?3 THEN ?2 ELSE window_end END RETURNING failures"),
      count_(database, "SELECT failures FROM attempts WHERE key = ?1 AND window_end > ?2"),
      clear_(database, "DELETE FROM attempts WHERE key = ?1"),
      purge_(database,
             "DELETE FROM attempts WHERE key IN (SELECT key FROM attempts WHERE window_end <= ?1 LIMIT ?2)") {
}

unsigned AttemptTable::add(std::string_view key, std::chrono::seconds window, UnixMillis now) {
  Rows rows = add_.query(key, count_of(now + window), count_of(now));
  unsigned failures = 0;
  while (rows.next()) failures = static_cast<unsigned>(rows.integer(0));
  return failures;
}

unsigned AttemptTable::count(std::string_view key, UnixMillis now) {
  Rows rows = count_.query(key, count_of(now));
  return rows.next() ? static_cast<unsigned>(rows.integer(0)) : 0;
}

void AttemptTable::clear(std::string_view key) { clear_.run(key); }

std::size_t AttemptTable::purge(std::size_t limit, UnixMillis now) {
  return static_cast<std::size_t>(purge_.run(count_of(now), limit));
}

}  // namespace sallyport::stores::sqlite
