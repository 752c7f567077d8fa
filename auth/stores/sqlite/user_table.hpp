// The gateway's own users and the counters of failed logins as rows. Synchronous, inside the caller's
// transaction.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include "auth/stores/sqlite/database.hpp"
#include "auth/users/user_store.hpp"

namespace sallyport::stores::sqlite {

class UserTable {
 public:
  explicit UserTable(Database& database);

  std::optional<users::User> find_by_name(std::string_view name);
  std::optional<users::User> find_by_id(std::string_view id);
  std::vector<users::User> find_by_email(std::string_view email);
  bool add(const users::User& user);     // version 1
  bool update(const users::User& user);  // false too where the new name is somebody else's
  bool remove(std::string_view id);
  users::UserStore::Page list(std::string_view cursor,
                              std::size_t limit);  // by folded name, which is the cursor

 private:
  Statement by_name_, by_id_, by_email_, insert_, update_, remove_, list_;
};

class AttemptTable {
 public:
  explicit AttemptTable(Database& database);

  unsigned add(std::string_view key, std::chrono::seconds window, UnixMillis now);
  unsigned count(std::string_view key, UnixMillis now);
  void clear(std::string_view key);
  std::size_t purge(std::size_t limit, UnixMillis now);

 private:
  Statement add_, count_, clear_, purge_;
};

}  // namespace sallyport::stores::sqlite
