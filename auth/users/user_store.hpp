// Where the gateway's own users live. Same rules of thread and time as SessionStore.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "auth/store_error.hpp"
#include "auth/task.hpp"
#include "auth/users/user.hpp"

namespace sallyport::users {

class UserStore {
 public:
  virtual ~UserStore() = default;

  virtual Task<StoreResult<std::optional<User>>> find_by_name(std::string_view name) = 0;  // folds it
  virtual Task<StoreResult<std::optional<User>>> find_by_id(std::string_view id) = 0;
  virtual Task<StoreResult<bool>> add(User user) = 0;     // false: the folded name is taken
  virtual Task<StoreResult<bool>> update(User user) = 0;  // false: another version stands there, or nothing
  virtual Task<StoreResult<bool>> remove(std::string_view id) = 0;
  // Up to `limit` users after `cursor` in a stable order; the last page has an empty next cursor.
  struct Page {
    std::vector<User> users;
    std::string next;
  };
  virtual Task<StoreResult<Page>> list(std::string cursor, std::size_t limit) = 0;
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
