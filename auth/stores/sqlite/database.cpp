#include "auth/stores/sqlite/database.hpp"

#include <sqlite3.h>

namespace sallyport::stores::sqlite {

Database::Database(const std::string& path) : path_(path) {
  // NOMUTEX: one thread at a time. EXRESCODE: extended codes from the first call on.
  const int code = sqlite3_open_v2(
      path.c_str(), &handle_,
      SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nullptr);
  if (code != SQLITE_OK) {
    const std::string text = handle_ != nullptr ? sqlite3_errmsg(handle_) : sqlite3_errstr(code);
    sqlite3_close(handle_);
    throw Failure(code, text);
  }
}

Database::~Database() { sqlite3_close_v2(handle_); }

void Database::fail(int code) const { throw Failure(code, sqlite3_errmsg(handle_)); }

void Database::execute(const char* sql) {
  if (const int code = sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr); code != SQLITE_OK) fail(code);
}

std::int64_t Database::number(const char* sql) {
  Statement statement(*this, sql);
  Rows rows = statement.query();
  return rows.next() ? rows.integer(0) : 0;
}

std::string Database::text(const char* sql) {
  Statement statement(*this, sql);
  Rows rows = statement.query();
  return rows.next() ? rows.text(0) : std::string();
}

void Database::busy_timeout(int milliseconds) { sqlite3_busy_timeout(handle_, milliseconds); }

bool Database::in_transaction() const { return sqlite3_get_autocommit(handle_) == 0; }

bool Database::file_moved() const {
  int moved = 0;
  return sqlite3_file_control(handle_, "main", SQLITE_FCNTL_HAS_MOVED, &moved) == SQLITE_OK && moved != 0;
}

std::int64_t Database::changes() const { return sqlite3_changes64(handle_); }

Rows::~Rows() {
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
}

bool Rows::next() {
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code != SQLITE_DONE) database_.fail(code);
  return false;
}

std::int64_t Rows::integer(int column) const { return sqlite3_column_int64(statement_, column); }

std::string_view Rows::bytes(int column) const {
  const void* data = sqlite3_column_blob(statement_, column);
  const int size = sqlite3_column_bytes(statement_, column);
  return size > 0 ? std::string_view(static_cast<const char*>(data), static_cast<std::size_t>(size))
                  : std::string_view();
}

std::string Rows::text(int column) const { return std::string(bytes(column)); }

bool Rows::null(int column) const { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }

Statement::Statement(Database& database, std::string_view sql) : database_(database) {
  const int code = sqlite3_prepare_v3(database.handle(), sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &statement_, nullptr);
  if (code != SQLITE_OK) database.fail(code);
}

Statement::~Statement() { sqlite3_finalize(statement_); }

void Statement::bind(int index, std::int64_t value) {
  if (const int code = sqlite3_bind_int64(statement_, index, value); code != SQLITE_OK) database_.fail(code);
}

// Text and blobs are copied (SQLITE_TRANSIENT): the rows may outlive the caller's temporaries.
void Statement::bind(int index, std::string_view value) {
  const char* data = value.data() != nullptr ? value.data() : "";  // a null pointer would bind NULL
  const auto copy = reinterpret_cast<sqlite3_destructor_type>(std::intptr_t{-1});
  const int code = sqlite3_bind_text64(statement_, index, data, value.size(), copy, SQLITE_UTF8);
  if (code != SQLITE_OK) database_.fail(code);
}

void Statement::bind(int index, Blob value) {
  const auto copy = reinterpret_cast<sqlite3_destructor_type>(std::intptr_t{-1});
  const int code = sqlite3_bind_blob64(statement_, index, value.bytes.data(), value.bytes.size(), copy);
  if (code != SQLITE_OK) database_.fail(code);
}

void Statement::bind(int index, const std::optional<std::int64_t>& value) {
  const int code =
      value ? sqlite3_bind_int64(statement_, index, *value) : sqlite3_bind_null(statement_, index);
  if (code != SQLITE_OK) database_.fail(code);
}

std::string explain(const Failure& failure, const std::string& path) {
  const std::string store = "store sqlite:" + path + ": ";
  const std::string said = " (SQLite: " + std::string(failure.what()) + ")";
  switch (failure.primary()) {
    case SQLITE_FULL:
      return store + "the disk is full: free some space" + said;
    case SQLITE_IOERR:
      return store +
             "the disk failed to read or write: look at the system's log and at free space and quota" + said;
    case SQLITE_READONLY:
      if (failure.code() == SQLITE_READONLY_DBMOVED)
        return store + "the file was removed or replaced while it was open: restart the gateway" + said;
      return store +
             "it can't be written: give the gateway's user the right to write the file and its folder" + said;
    case SQLITE_PERM:
    case SQLITE_AUTH:
    case SQLITE_CANTOPEN:
      return store +
             "it can't be opened: the gateway's user needs to read and write the file and its folder" + said;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return store + "another process holds the lock for too long: end it, or wait and repeat" + said;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return store +
             "the file is damaged or no SQLite database: restore a backup, or move it away to start empty "
             "(everybody then has to log in again)" +
             said;
    default:
      return store + "SQLite refused: " + failure.what();
  }
}

StoreError to_store_error(const Failure& failure, const std::string& path, bool committing) {
  using Kind = StoreError::Kind;
  StoreError error{Kind::refused, explain(failure, path)};
  switch (failure.primary()) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      error.kind = Kind::corrupt;
      break;
    // After a failed sync the pages may have reached the disk all the same, and a recovery would find them.
    case SQLITE_IOERR:
      error.kind = committing ? Kind::unreachable : Kind::refused;
      break;
    default:
      break;
  }
  return error;
}

}  // namespace sallyport::stores::sqlite
