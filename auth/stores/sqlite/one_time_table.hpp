// What one-time tokens stand for, as rows. Synchronous, inside the caller's transaction.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "auth/stores/sqlite/database.hpp"
#include "auth/time.hpp"

namespace sallyport::stores::sqlite {

class OneTimeTable {
 public:
  explicit OneTimeTable(Database& database);

  void put(std::string_view key, std::string_view value, std::chrono::seconds ttl, UnixMillis now);
  std::optional<std::string> find(std::string_view key, UnixMillis now);
  std::optional<std::string> take(std::string_view key, UnixMillis now);
  std::size_t purge(std::size_t limit, UnixMillis now);

 private:
  Statement put_, find_, remove_, purge_;
};

}  // namespace sallyport::stores::sqlite
