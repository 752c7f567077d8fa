// What can happen to a user: login, registration, a new password, an administrator's edit. Speaks of users
// only; who must be logged out is told to the caller, which owns sessions and revocations. One per worker, on
// the worker's thread; the stores are the worker's, the pool is shared by all.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "auth/sessions/session.hpp"
#include "auth/store_error.hpp"
#include "auth/task.hpp"
#include "auth/users/hashing_pool.hpp"
#include "auth/users/login_throttle.hpp"
#include "auth/users/user_store.hpp"
#include "config/config.hpp"
#include "config/secret.hpp"

namespace sallyport::users {

// Field name -> what is wrong with it: the `fields` of a 422.
using FieldProblems = std::map<std::string, std::vector<std::string>>;

struct UserError {
  enum class Kind {
    login_failure,      // unknown user or wrong password: nobody can tell which
    account_disabled,   // only after the right password
    email_unconfirmed,  // only after the right password
    too_many_attempts,  // with retry_after
    overloaded,         // no thread to hash on: 503
    store,              // with `store`: 503
    validation_failed,  // with `fields`
    username_taken,
    unknown_user,  // of an edit; never of a login
    conflict,      // others kept changing the same user; nothing was written
  };
  Kind kind = Kind::login_failure;
  std::chrono::seconds retry_after{};
  StoreError store;
  FieldProblems fields;
};
template <typename T>
using UserResult = boost::system::result<T, UserError>;

struct Registration {
  std::string name;
  config::Secret password;
  std::string email;                           // may be empty
  std::map<std::string, std::string> profile;  // fields that the configuration doesn't name are dropped
};

// What an administrator may set; what is empty stays.
struct Edit {
  std::optional<std::vector<std::string>> roles;
  std::map<std::string, std::optional<std::string>> claims;   // nullopt: remove
  std::map<std::string, std::optional<std::string>> profile;  // nullopt: remove
  std::optional<std::string> email;
  std::optional<bool> email_confirmed;
  std::optional<bool> disabled;
};

enum class EndSessions { none, others, all };  // others: all but the one that asked

struct Change {
  User user;  // as it stands now
  EndSessions end = EndSessions::none;
  sessions::EndCause cause = sessions::EndCause::none;
};

class UserService {
 public:
  // How to wait; the default is a timer on the coroutine's executor.
  using Pause = std::function<Task<>(std::chrono::milliseconds)>;

  UserService(UserStore& users, AttemptStore& attempts, HashingPool& pool, config::Users rules,
              config::LoginLimits throttle, Pause pause = {});

  // `address`: the client's, as text. Same answer and same work for an unknown user and a wrong password. A
  // hash of another system, or of an older cost, is replaced on the way (best effort).
  Task<UserResult<User>> login(std::string name, config::Secret password, std::string address);

  // Whether registration is on is the caller's question. `id`: from new_user_id().
  Task<UserResult<User>> register_user(Registration wanted, std::string id, UnixMillis now);

  // Ends the other sessions. A wrong current password is validation_failed on `current_password`; guessing it
  // is throttled like a login.
  Task<UserResult<Change>> change_password(std::string user_id, config::Secret current, config::Secret wanted,
                                           std::string address);

  // The administrator's: without the current password. Ends all sessions.
  Task<UserResult<Change>> set_password(std::string name, config::Secret wanted);

  // Ends all sessions where roles or claims became other ones, or the account was disabled.
  Task<UserResult<Change>> edit(std::string name, Edit edit);

 private:
  Task<UserResult<bool>> fits(const config::Secret& password, std::string hash);
  Task<UserResult<std::string>> hashed(config::Secret password);
  struct Candidate {
    std::string name;  // as typed
    std::string address;
    std::optional<User> user;  // nullopt: nobody of that name, or the source hasn't been asked yet
  };
  // Is `password` the candidate's? With throttling, delay and equal time.
  Task<UserResult<bool>> judge(Candidate& who, const config::Secret& password);
  // Without them.
  Task<UserResult<bool>> verdict(Candidate& who, const config::Secret& password);
  Task<> upgrade(User user, config::Secret password);
  Task<UserResult<User>> write_hash(User user, std::string hash);

  UserStore& users_;
  HashingPool& pool_;
  LoginThrottle throttle_;
  config::Users rules_;
  Pause pause_;
};

// 128 random bits, base64url. Throws std::runtime_error where the system has no randomness.
std::string new_user_id();

// What is wrong with a registration, without asking the store. Pure.
FieldProblems registration_problems(const Registration& wanted, const config::Users& rules);

// `edit` applied to `user`: does it change what a token says, or bar the user? Pure.
Change applied(User user, const Edit& edit);

}  // namespace sallyport::users
