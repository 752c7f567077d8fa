// Thin RAII over the sqlite3 C interface: a connection, prepared statements that are kept, and the rows of
// one run. Thread: everything here belongs to one thread at a time.
//
// Inside the store's thread a failure of SQLite is an exception, because each one means the same (roll this
// operation back) and is caught in one place (store_thread.cpp). Outwards it is a value: StoreError.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>

#include "auth/store_error.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace sallyport::stores::sqlite {

// What SQLite answered: its extended result code and text.
class Failure : public std::runtime_error {
 public:
  Failure(int code, const std::string& text) : std::runtime_error(text), code_(code) {}
  int code() const { return code_; }  // extended
  int primary() const { return code_ & 0xff; }

 private:
  int code_;
};

// Bytes that are no text: a session id.
struct Blob {
  std::span<const unsigned char> bytes;
};

class Database {
 public:
  // Opens or creates; ":memory:" is a database of this connection alone. Throws Failure.
  explicit Database(const std::string& path);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  void execute(const char* sql);         // statements without rows that matter
  std::int64_t number(const char* sql);  // the first column of the only row
  std::string text(const char* sql);
  void busy_timeout(int milliseconds);
  bool in_transaction() const;   // false too after SQLite rolled back by itself (disk full, I/O error)
  bool file_moved() const;       // the file under the path is no longer the one that is open
  std::int64_t changes() const;  // rows that the last statement changed
  sqlite3* handle() const { return handle_; }
  const std::string& path() const { return path_; }

  [[noreturn]] void fail(int code) const;  // with the connection's own text

 private:
  sqlite3* handle_ = nullptr;
  std::string path_;
};

class Statement;

// One run of a statement; the statement is free again when this dies.
class Rows {
 public:
  ~Rows();
  Rows(const Rows&) = delete;
  Rows& operator=(const Rows&) = delete;

  bool next();  // to the next row; false: there is none
  std::int64_t integer(int column) const;
  std::string text(int column) const;        // any bytes, NUL too
  std::string_view bytes(int column) const;  // valid until next()
  bool null(int column) const;

 private:
  friend class Statement;
  Rows(Database& database, sqlite3_stmt* statement) : database_(database), statement_(statement) {}
  Database& database_;
  sqlite3_stmt* statement_;
};

class Statement {
 public:
  Statement(Database& database, std::string_view sql);
  ~Statement();
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  // Binds the arguments in order (?1, ?2, ...) and starts. One run at a time.
  template <typename... Args>
  Rows query(const Args&... args) {
    int index = 0;
    (bind_one(++index, args), ...);
    return Rows(database_, statement_);
  }

  // Runs to the end; how many rows it changed.
  template <typename... Args>
  std::int64_t run(const Args&... args) {
    Rows rows = query(args...);
    while (rows.next()) {
    }
    return database_.changes();
  }

 private:
  template <typename T>
  void bind_one(int index, const T& value) {
    if constexpr (std::is_enum_v<T>) {
      bind(index, static_cast<std::int64_t>(value));
    } else if constexpr (std::is_integral_v<T>) {
      bind(index, static_cast<std::int64_t>(value));
    } else {
      bind(index, value);
    }
  }
  void bind(int index, std::int64_t value);
  void bind(int index, std::string_view value);
  void bind(int index, Blob value);
  void bind(int index, const std::optional<std::int64_t>& value);

  Database& database_;
  sqlite3_stmt* statement_ = nullptr;
};

// The failure as the rest of the program sees it: names the file and the way out. `committing`: it came from
// COMMIT, so that an I/O error leaves open whether the write will stand after a crash.
StoreError to_store_error(const Failure& failure, const std::string& path, bool committing);

// The same as a sentence for an operator.
std::string explain(const Failure& failure, const std::string& path);

}  // namespace sallyport::stores::sqlite
