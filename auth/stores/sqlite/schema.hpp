// Opens the database file, makes it ours (tables, marker) and tells in plain words why it can't be.
#pragma once

#include <boost/system/result.hpp>

#include <chrono>
#include <memory>
#include <string>

#include "auth/stores/sqlite/database.hpp"
#include "auth/time.hpp"

namespace sallyport::stores::sqlite {

inline constexpr int kSchemaVersion = 4;

struct OpenRules {
  std::string path;                       // a file, or ":memory:"
  std::chrono::milliseconds busy{1'000};  // how long another process may hold the write lock
  std::int64_t max_pages = 0;             // upper bound of the file in pages of 4 KiB; 0: none
};

// Creates the file (0600: it holds password hashes) and the tables where there are none, upgrades older
// tables, and writes once, so that a full or read-only disk is found now and not at the first login. The
// error is a sentence for the operator that names the file and the way out.
boost::system::result<std::unique_ptr<Database>, std::string> open_database(const OpenRules& rules,
                                                                            UnixMillis now);

}  // namespace sallyport::stores::sqlite
