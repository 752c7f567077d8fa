// What a worker serves by at one moment: a configuration made ready, with the connections and services that
// were built from it. A reload gives each worker a new one; requests and streams go on with the one under
// which they began, and it dies with the last of them. Of one worker, on its thread alone: its count is a
// plain number, so that taking it costs a request nothing.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "auth/sessions/session_service.hpp"
#include "auth/stores/stores.hpp"
#include "auth/users/account_service.hpp"
#include "auth/users/hashing_pool.hpp"
#include "auth/users/user_service.hpp"
#include "gateway/observe/tallies.hpp"
#include "gateway/request_context.hpp"
#include "gateway/runtime.hpp"
#include "gateway/upstream/pool.hpp"

namespace sallyport::gateway {

// The acts on users and sessions, where this gateway issues tokens.
struct Issuing {
  Issuing(const Runtime& runtime, stores::Stores& stores, users::HashingPool& hashing,
          sessions::SessionService::Parts parts);
  users::UserService users;
  users::AccountService accounts;
  sessions::SessionService sessions;
};

// Bits that nobody can guess. Throws std::runtime_error where the system has none.
void secret_bits(std::span<unsigned char> into);

struct Serving {
  std::shared_ptr<const Runtime> runtime;
  std::vector<std::shared_ptr<upstream::Pool>>
      pools;                         // by upstream; one that didn't change goes on to the next
  std::vector<RouteTally*> tallies;  // by route; null: nobody asked for it yet
  std::unique_ptr<Issuing> issuing;  // null too while our own keys are on their way from the store
  unsigned held = 0;                 // by ServingPtr alone
};

}  // namespace sallyport::gateway
