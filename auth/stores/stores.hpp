// Opens the store that the configuration names and hands each worker its own set of interfaces.
#pragma once

#include <boost/asio/any_io_executor.hpp>

#include <memory>
#include <string>

#include "auth/jose/key_ring_store.hpp"
#include "auth/revocation/revocation_log.hpp"
#include "auth/sessions/session_store.hpp"
#include "auth/stores/tally.hpp"
#include "auth/task.hpp"
#include "auth/users/one_time_store.hpp"
#include "auth/users/user_store.hpp"
#include "config/config.hpp"

namespace sallyport::stores {

// What one executor (a worker, the follower, a CLI command) uses. Dies before its executor.
struct Stores {
  std::unique_ptr<sessions::SessionStore> sessions;
  std::unique_ptr<revocation::RevocationLog> log;
  std::unique_ptr<users::UserStore> users;
  std::unique_ptr<users::AttemptStore> attempts;
  std::unique_ptr<users::OneTimeStore> one_time;
  std::unique_ptr<jose::KeyRingStore> keys;
};

class Backend {
 public:
  virtual ~Backend() = default;
  // Never blocks and never fails: a store that isn't there is reported by each call. Call on the executor's
  // thread.
  virtual Stores connect(net::any_io_executor executor) = 0;
  // Is the store there and fit to be ours (role, eviction policy, schema)? The message names it and the way
  // out. `warnings` are for the log (volatile-* eviction, a memory: store that forgets at restart).
  struct Health {
    bool ok = false;
    std::string message;
    std::vector<std::string> warnings;
  };
  virtual Task<Health> probe(net::any_io_executor executor) = 0;
  // How it answers whoever acts on sessions and users; null: it is no other program.
  virtual const Tally* tally() const { return nullptr; }
};

// Opens it. `rules` gives the lifetimes that records are kept for. A SQLite file that can't be opened or
// written is an error here (result's error: the message); a Redis that isn't there is not.
boost::system::result<std::unique_ptr<Backend>, std::string> open(const config::Store& store,
                                                                  const config::Refresh& rules);

}  // namespace sallyport::stores
