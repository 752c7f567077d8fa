#include "auth/stores/sqlite/schema.hpp"

#include <fcntl.h>
#include <openssl/rand.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <thread>

#include "auth/jose/base64url.hpp"

namespace sallyport::stores::sqlite {
namespace {

// "SLYP": tells our file from another program's database.
constexpr std::int64_t kApplicationId = 0x534c5950;

// Script n upgrades version n to n + 1. Scripts that were released are never edited.
// keep_until: when the purge looks at the record (NULL: never); the record itself decides with the rules of
// today.
constexpr std::array<const char*, kSchemaVersion> kUpgrades = {R"sql(
  CREATE TABLE meta(name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

  CREATE TABLE sessions(
    number INTEGER PRIMARY KEY AUTOINCREMENT,  -- order of creation within one millisecond
    id BLOB NOT NULL UNIQUE, user_id TEXT NOT NULL,
    device TEXT NOT NULL, ip TEXT NOT NULL, user_agent TEXT NOT NULL,
    created INTEGER NOT NULL, last_used INTEGER NOT NULL, rotated INTEGER NOT NULL,
    generation INTEGER NOT NULL, confirmed INTEGER NOT NULL,
    user_epoch INTEGER NOT NULL, version INTEGER NOT NULL,
    state INTEGER NOT NULL, cause INTEGER NOT NULL, keep_until INTEGER);
  CREATE INDEX sessions_by_user ON sessions(user_id, number);
  CREATE INDEX sessions_by_end ON sessions(keep_until) WHERE keep_until IS NOT NULL;
  CREATE TABLE epochs(user_id TEXT PRIMARY KEY, epoch INTEGER NOT NULL) WITHOUT ROWID;

  CREATE TABLE users(
    id TEXT PRIMARY KEY, folded_name TEXT NOT NULL UNIQUE, name TEXT NOT NULL,
    password_hash TEXT NOT NULL, email TEXT NOT NULL, email_confirmed INTEGER NOT NULL, disabled INTEGER NOT NULL,
    roles TEXT NOT NULL, claims TEXT NOT NULL, profile TEXT NOT NULL,  -- JSON
    created INTEGER NOT NULL, version INTEGER NOT NULL);

  CREATE TABLE attempts(key TEXT PRIMARY KEY, failures INTEGER NOT NULL, window_end INTEGER NOT NULL) WITHOUT ROWID;
  CREATE INDEX attempts_by_end ON attempts(window_end);

  CREATE TABLE revocations(
    cursor INTEGER PRIMARY KEY AUTOINCREMENT,  -- never used twice, also after a trim
    kind INTEGER NOT NULL, issuer TEXT NOT NULL, id TEXT NOT NULL,
    until INTEGER NOT NULL, before INTEGER, epoch INTEGER NOT NULL, reason TEXT NOT NULL);
  CREATE INDEX revocations_by_end ON revocations(until);
)sql",
                                                               R"sql(
  CREATE TABLE key_ring(only INTEGER PRIMARY KEY CHECK (only = 1), version INTEGER NOT NULL, sealed TEXT NOT NULL);
  CREATE TABLE agreed_keys(purpose TEXT PRIMARY KEY, id TEXT NOT NULL) WITHOUT ROWID;
)sql",
                                                               R"sql(
  CREATE TABLE one_time(key TEXT PRIMARY KEY, value TEXT NOT NULL, expires INTEGER NOT NULL) WITHOUT ROWID;
  CREATE INDEX one_time_by_end ON one_time(expires);
  CREATE INDEX users_by_email ON users(lower(email)) WHERE email <> '';
)sql",
                                                               R"sql(
  ALTER TABLE sessions ADD COLUMN global_epoch INTEGER NOT NULL DEFAULT 0;
  UPDATE sessions SET global_epoch = created;  -- epochs are times
)sql"};

std::string parent_folder(const std::string& path) {
  const auto parent = std::filesystem::path(path).parent_path();
  return parent.empty() ? std::string(".") : parent.string();
}

// What the system says before SQLite is asked: its own message is only "unable to open database file".
std::string prepare_file(const std::string& path) {
  const std::string store = "store sqlite:" + path + ": ";
  const std::string folder = parent_folder(path);
  struct stat status{};
  if (::stat(folder.c_str(), &status) != 0) {
    if (errno == ENOENT)
      return store + "the folder " + folder + " does not exist: create it, or name another path";
    return store + "the folder " + folder + " can't be reached: " + std::strerror(errno);
  }
  if (!S_ISDIR(status.st_mode)) return store + folder + " is no folder: name another path";
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0) {
    const int error = errno;
    if (error == EISDIR) return store + "that is a folder: name a file";
    if (error == ENOSPC || error == EDQUOT) return store + "the disk is full: free some space";
    return store + "it can't be opened for writing (" + std::strerror(error) +
           "): the gateway's user needs to read and write the file and its folder";
  }
  ::close(file);
  // SQLite keeps its log and its shared memory beside the file, so the folder must be writable too.
  if (::access(folder.c_str(), W_OK) != 0)
    return store + "the folder " + folder + " can't be written (" + std::strerror(errno) +
           "), and SQLite keeps two files beside the store: give the gateway's user the right to write there";
  return {};
}

// WAL lets readers of other processes go on while we write. Changing the mode needs the file alone for a
// moment and SQLite doesn't always ask its busy handler there, so two processes at their first start take
// turns here.
void use_write_ahead_log(Database& database, std::chrono::milliseconds patience) {
  const auto end = std::chrono::steady_clock::now() + patience;
  for (;;) {
    try {
      database.execute("PRAGMA journal_mode = WAL");
      return;
    } catch (const Failure& failure) {
      if (failure.primary() != SQLITE_BUSY || std::chrono::steady_clock::now() >= end) throw;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

std::string random_id() {
  std::array<unsigned char, 16> bytes{};
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1)
    throw std::runtime_error("the system has no random numbers to give");
  return jose::base64url_encode({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

std::string upgrade(Database& database, UnixMillis now) {
  const std::string store = "store sqlite:" + database.path() + ": ";
  const auto application = database.number("PRAGMA application_id");
  const auto version = database.number("PRAGMA user_version");
  if (application != kApplicationId && database.number("SELECT count(*) FROM sqlite_master") > 0)
    return store + "that is the database of another program: name another path";
  if (version > kSchemaVersion)
    return store + "a newer Sallyport wrote it (schema " + std::to_string(version) + ", this one knows " +
           std::to_string(kSchemaVersion) + "): run that release, or name another path";
  for (auto step = version; step < kSchemaVersion; ++step)
    database.execute(kUpgrades.at(static_cast<std::size_t>(step)));
  database.execute(("PRAGMA application_id = " + std::to_string(kApplicationId)).c_str());
  database.execute(("PRAGMA user_version = " + std::to_string(kSchemaVersion)).c_str());

  Statement put(database, "INSERT INTO meta(name, value) VALUES(?1, ?2) ON CONFLICT(name) DO NOTHING");
  const auto seconds = std::to_string(to_seconds(now).time_since_epoch().count());
  put.run(std::string_view("marker"), std::string_view(random_id()));
  put.run(std::string_view("marker_created"), std::string_view(seconds));
  // A row that always changes: this write is the proof that the store can be written.
  Statement touch(
      database,
      "INSERT INTO meta(name, value) VALUES('opened', ?1) ON CONFLICT(name) DO UPDATE SET value = ?1");
  touch.run(std::string_view(random_id()));
  return {};
}

}  // namespace

boost::system::result<std::unique_ptr<Database>, std::string> open_database(const OpenRules& rules,
                                                                            UnixMillis now) {
  const bool in_memory = rules.path == ":memory:";
  if (rules.path.empty()) return std::string("store sqlite: the path is empty: write sqlite:state.db");
  if (!in_memory) {
    if (auto problem = prepare_file(rules.path); !problem.empty()) return problem;
  }
  try {
    auto database = std::make_unique<Database>(rules.path);
    database->busy_timeout(static_cast<int>(rules.busy.count()));
    if (rules.max_pages > 0)
      database->execute(("PRAGMA max_page_count = " + std::to_string(rules.max_pages)).c_str());
    if (!in_memory) use_write_ahead_log(*database, rules.busy);
    // FULL: each commit is on the disk before it is acknowledged. With NORMAL a power cut could bring a
    // session back to life whose logout had been answered with 204.
    database->execute("PRAGMA synchronous = FULL");
    database->execute("PRAGMA journal_size_limit = 16777216");
    database->execute("PRAGMA trusted_schema = OFF");
    database->execute("BEGIN IMMEDIATE");
    if (auto problem = upgrade(*database, now); !problem.empty()) return problem;
    database->execute("COMMIT");
    return database;
  } catch (const Failure& failure) {
    return explain(failure, rules.path);
  } catch (const std::exception& error) {
    return "store sqlite:" + rules.path + ": " + error.what();
  }
}

}  // namespace sallyport::stores::sqlite
