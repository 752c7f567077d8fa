// The revocation log as rows: the cursor is the row's number, which is never used twice. Synchronous.
#pragma once

#include <string_view>
#include <vector>

#include "auth/revocation/revocation_log.hpp"
#include "auth/stores/sqlite/database.hpp"

namespace sallyport::stores::sqlite {

class LogTable {
 public:
  explicit LogTable(Database& database);

  void append(const std::vector<revocation::Event>& events);

  // Entries after `from`. A gap is reported where unexpired entries after `from` were trimmed (a clock went
  // wrong), or where `from` lies beyond the end (an older copy of the file came back) or is of another store;
  // the last two read from the beginning.
  revocation::Batch read(std::string_view from, std::size_t limit, UnixMillis now);

  // Drops at most `limit` entries that are over; true: there are more.
  bool trim(UnixSeconds now, std::size_t limit);

 private:
  std::int64_t meta(std::string_view name);

  Statement append_, read_, last_, over_, remove_, get_, put_;
};

}  // namespace sallyport::stores::sqlite
