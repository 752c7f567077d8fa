// Slows down who guesses passwords. Two counters over one window: failures of (folded user, address) refuse
// that pair with 429; failures of the user from anywhere only delay the answer, and not where the user logged
// in before, so that a stranger can't lock a victim out. Unknown names count like known ones.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "auth/store_error.hpp"
#include "auth/task.hpp"
#include "auth/users/user_store.hpp"
#include "config/config.hpp"

namespace sallyport::users {

struct ThrottleKeys {
  std::string pair;  // the user from this address
  std::string user;
  std::string device;   // has the user logged in from this address?
  std::string unlocks;  // how often the counters of this user were set aside lately
};

// Digests, so that a stranger's text of any length is a short key and no name is readable in the store. An
// IPv6 address counts as its /64, since that is what one customer gets; an IPv4-mapped one as IPv4.
ThrottleKeys throttle_keys(std::string_view name, std::string_view address);

struct Admission {
  bool refused = false;
  std::chrono::seconds retry_after{};  // where refused: at most this long (the window may have begun earlier)
  std::chrono::milliseconds delay{};   // wait this long before the answer
};

// The whole decision. Pure.
Admission admit(unsigned pair_failures, unsigned user_failures, const config::Throttle& rules);

class LoginThrottle {
 public:
  LoginThrottle(AttemptStore& store, config::LoginLimits rules) : store_(store), rules_(rules) {}

  // Before the password is looked at. Makes `keys` those of now: after an unlock() they are others.
  Task<StoreResult<Admission>> before(ThrottleKeys& keys);

  // After a wrong one: counts it. Refused when others were faster: the guesses that were in flight together
  // with this one may not exceed the limit either.
  Task<StoreResult<Admission>> failed(ThrottleKeys keys);

  // After a right one: judged again by the failures of meanwhile (a burst of guesses that started together),
  // then the pair starts anew and its address is known. The user's own counter stays: a success here says
  // nothing about the guesses elsewhere.
  Task<StoreResult<Admission>> succeeded(ThrottleKeys keys);

  // Sets aside what was counted for this user, from every address; or for one address, and the user's own
  // counter with it.
  Task<StoreResult<void>> unlock(std::string name);
  Task<StoreResult<void>> unlock(std::string name, std::string address);

 private:
  Task<StoreResult<void>> resolve(ThrottleKeys& keys);
  Task<StoreResult<bool>> is_known(std::string device);

  AttemptStore& store_;
  config::LoginLimits rules_;
};

}  // namespace sallyport::users
