// What a one-time token lets somebody do who isn't logged in: confirm an e-mail address, set a new password.
// The store keeps a digest of the token and what it stands for; the token itself goes to the account's owner
// only. One per worker, as UserService; it says whose sessions must end, and the caller ends them.
#pragma once

#include <chrono>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "auth/users/one_time_store.hpp"
#include "auth/users/user_service.hpp"

namespace sallyport::users {

struct IssuedToken {
  config::Secret token;
  std::chrono::seconds ttl{};
};

class AccountService {
 public:
  // Fills with bits that nobody can guess; throws where the system has none.
  using Random = std::function<void(std::span<unsigned char>)>;

  AccountService(UserStore& users, OneTimeStore& tokens, AttemptStore& attempts, HashingPool& pool,
                 config::Users rules, config::LoginLimits throttle, Random random);

  // Whom a request for a token means: by name, else by address (then there may be several).
  Task<UserResult<std::vector<User>>> whose(std::string name, std::string email);

  // Good until it is used, its time is over, or the password is another one.
  Task<UserResult<IssuedToken>> reset_token(User user);
  // Good until it is used, its time is over, or the account's address is another one.
  Task<UserResult<IssuedToken>> confirmation_token(User user);

  // Both refuse a token that they don't know, whatever the reason, as validation_failed on `token`. One that
  // was good for a password that isn't good enough stays so.
  Task<UserResult<Change>> reset_password(config::Secret token, config::Secret wanted);
  Task<UserResult<User>> confirm_email(config::Secret token);

 private:
  struct Meaning {
    User user;
    std::string key;
    std::string bound;  // what of the user must still be so
  };
  using Binding = std::string (*)(const User&);
  using Write = std::function<Task<StoreResult<bool>>(User)>;  // over the version that was read

  Task<UserResult<IssuedToken>> issue(std::string purpose, std::string user_id, std::string bound,
                                      std::chrono::seconds ttl);
  Task<UserResult<Meaning>> meaning_of(std::string purpose, config::Secret token, Binding binding);
  Task<UserResult<User>> write(User user, std::string bound, Binding binding, Write once);

  UserStore& users_;
  OneTimeStore& tokens_;
  HashingPool& pool_;
  LoginThrottle throttle_;
  config::Users rules_;
  Random random_;
};

}  // namespace sallyport::users
