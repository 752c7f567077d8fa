// What a service asks for when something must stop being valid now. The process implements it (log + all its
// workers).
#pragma once

#include <vector>

#include "auth/revocation/event.hpp"
#include "auth/store_error.hpp"
#include "auth/task.hpp"

namespace sallyport::revocation {

class Revoker {
 public:
  virtual ~Revoker() = default;

  // Appends the events to the log and puts them in force in every worker of this process before it returns.
  // After an error they may or may not be in force; repeating is safe. No events: done at once.
  virtual Task<StoreResult<void>> revoke(std::vector<Event> events) = 0;
};

}  // namespace sallyport::revocation
