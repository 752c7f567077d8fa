// Where users live: the gateway's own store, or a source that belongs to somebody else (foreign_users.hpp).
// Same rules of thread and time as SessionStore.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "auth/store_error.hpp"
#include "auth/task.hpp"
#include "auth/users/user.hpp"
#include "config/secret.hpp"

namespace sallyport::users {

class UserStore {
 public:
  virtual ~UserStore() = default;

  virtual Task<StoreResult<std::optional<User>>> find_by_name(std::string_view name) = 0;  // folds it
  virtual Task<StoreResult<std::optional<User>>> find_by_id(std::string_view id) = 0;
  // Whose address it is, in any case of its ASCII letters: some of them where many share it. Nobody where a
  // source has no such look-up.
  static constexpr std::size_t kMostOfAnEmail = 5;
  virtual Task<StoreResult<std::vector<User>>> find_by_email(std::string_view) {
    co_return std::vector<User>();
  }
  virtual Task<StoreResult<bool>> add(User user) = 0;     // false: the folded name is taken
  virtual Task<StoreResult<bool>> update(User user) = 0;  // false: another version stands there, or nothing
  virtual Task<StoreResult<bool>> remove(std::string_view id) = 0;
  // Up to `limit` users after `cursor` in a stable order; the last page has an empty next cursor.
  struct Page {
    std::vector<User> users;
    std::string next;
  };
  virtual Task<StoreResult<Page>> list(std::string cursor, std::size_t limit) = 0;

  // Another hash in place of the one that was read. false: another stands there by now, or the source isn't
  // ours to write.
  virtual Task<StoreResult<bool>> replace_hash(User as_read, std::string hash) {
    as_read.password_hash = std::move(hash);
    return update(std::move(as_read));
  }

  // A source that judges passwords itself instead of telling a hash is asked by judge(): the user, disabled
  // or not, or nullopt where name or password is wrong. Never called where judges_passwords() is false.
  virtual bool judges_passwords() const { return false; }
  virtual Task<StoreResult<std::optional<User>>> judge(std::string /*name*/, config::Secret /*password*/,
                                                       std::string /*address*/) {
    co_return std::optional<User>();
  }
};

// Counts failures: one atomic step that adds one and sets the window's end when it opens one. Returns the
// count.
class AttemptStore {
 public:
  virtual ~AttemptStore() = default;
  virtual Task<StoreResult<unsigned>> add(std::string key, std::chrono::seconds window) = 0;
  virtual Task<StoreResult<unsigned>> count(std::string key) = 0;
  virtual Task<StoreResult<void>> clear(std::string key) = 0;
};

}  // namespace sallyport::users
