// Values that can be had once, and for a while: what a one-time token stands for. Same rules of thread and
// time as SessionStore.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "auth/store_error.hpp"
#include "auth/task.hpp"

namespace sallyport::users {

class OneTimeStore {
 public:
  virtual ~OneTimeStore() = default;
  // Takes the place of another value under this key.
  virtual Task<StoreResult<void>> put(std::string key, std::string value, std::chrono::seconds ttl) = 0;
  virtual Task<StoreResult<std::optional<std::string>>> find(std::string key) = 0;
  // The value, which is gone with that: of any number of callers at once, one gets it.
  virtual Task<StoreResult<std::optional<std::string>>> take(std::string key) = 0;
};

}  // namespace sallyport::users
