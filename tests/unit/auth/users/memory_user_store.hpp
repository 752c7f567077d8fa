// In-memory stand-ins for the user and attempt stores, with switches to make them fail.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <utility>

#include "auth/users/one_time_store.hpp"
#include "auth/users/user_store.hpp"

namespace sallyport::users {

class MemoryUserStore : public UserStore {
 public:
  std::map<std::string, User> by_name;  // folded name -> user
  bool down = false;
  int lose_updates = 0;  // that many updates find another version
  int updates = 0;
  std::function<void()> before_update;  // what somebody else does in between, once

  Task<StoreResult<std::optional<User>>> find_by_name(std::string_view name) override {
    const std::string folded = folded_name(name);
    if (down) co_return gone();
    const auto found = by_name.find(folded);
    if (found == by_name.end()) co_return std::optional<User>();
    co_return std::optional<User>(found->second);
  }
  Task<StoreResult<std::optional<User>>> find_by_id(std::string_view id) override {
    const std::string wanted(id);
    if (down) co_return gone();
    for (const auto& [name, user] : by_name) {
      if (user.id == wanted) co_return std::optional<User>(user);
    }
    co_return std::optional<User>();
  }
  Task<StoreResult<std::vector<User>>> find_by_email(std::string_view email) override {
    const std::string folded = folded_name(email);
    if (down) co_return gone();
    std::vector<User> found;
    for (const auto& [name, user] : by_name)
      if (folded_name(user.email) == folded) found.push_back(user);
    co_return found;
  }
  Task<StoreResult<bool>> add(User user) override {
    if (down) co_return gone();
    std::string folded = folded_name(user.name);
    co_return by_name.emplace(std::move(folded), std::move(user)).second;
  }
  Task<StoreResult<bool>> update(User user) override {
    if (down) co_return gone();
    ++updates;
    if (before_update) std::exchange(before_update, nullptr)();
    const auto found = by_name.find(folded_name(user.name));
    if (found == by_name.end()) co_return false;
    if (lose_updates > 0) {
      --lose_updates;
      ++found->second.version;
    }
    if (found->second.version != user.version) co_return false;
    ++user.version;
    found->second = std::move(user);
    co_return true;
  }
  Task<StoreResult<bool>> remove(std::string_view) override { co_return false; }
  Task<StoreResult<Page>> list(std::string, std::size_t) override { co_return Page{}; }

 private:
  static StoreError gone() { return {StoreError::Kind::unreachable, "the store is down"}; }
};

class MemoryOneTimeStore : public OneTimeStore {
 public:
  struct Kept {
    std::string value;
    std::chrono::seconds ttl{};
  };
  std::map<std::string, Kept> values;
  bool down = false;

  Task<StoreResult<void>> put(std::string key, std::string value, std::chrono::seconds ttl) override {
    if (down) co_return StoreError{StoreError::Kind::timeout, "no answer"};
    values[key] = {std::move(value), ttl};
    co_return StoreResult<void>();
  }
  Task<StoreResult<std::optional<std::string>>> find(std::string key) override {
    if (down) co_return StoreError{StoreError::Kind::timeout, "no answer"};
    const auto found = values.find(key);
    if (found == values.end()) co_return std::optional<std::string>();
    co_return std::optional<std::string>(found->second.value);
  }
  Task<StoreResult<std::optional<std::string>>> take(std::string key) override {
    auto value = co_await find(key);
    if (value) values.erase(key);
    co_return value;
  }
};

class MemoryAttemptStore : public AttemptStore {
 public:
  std::map<std::string, unsigned> counts;
  std::map<std::string, std::chrono::seconds> windows;  // of the last add()
  bool down = false;

  Task<StoreResult<unsigned>> add(std::string key, std::chrono::seconds window) override {
    if (down) co_return StoreError{StoreError::Kind::timeout, "no answer"};
    windows[key] = window;
    co_return ++counts[key];
  }
  Task<StoreResult<unsigned>> count(std::string key) override {
    if (down) co_return StoreError{StoreError::Kind::timeout, "no answer"};
    co_return counts[key];
  }
  Task<StoreResult<void>> clear(std::string key) override {
    if (down) co_return StoreError{StoreError::Kind::timeout, "no answer"};
    counts.erase(key);
    co_return StoreResult<void>();
  }
};

}  // namespace sallyport::users
