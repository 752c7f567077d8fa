#include "auth/users/user_service.hpp"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <utility>

#include "auth/users/equal_time.hpp"
#include "auth/users/password_hash.hpp"
#include "auth/users/password_policy.hpp"

namespace sallyport::users {
namespace {

using Kind = UserError::Kind;

// A writer that loses this often isn't racing a person.
constexpr int kMaxTries = 5;

UserError failure(Kind kind) {
  UserError error;
  error.kind = kind;
  return error;
}

UserError failure(StoreError store) {
  UserError error;
  error.kind = Kind::store;
  error.store = std::move(store);
  return error;
}

UserError refused(const Admission& admission) {
  UserError error;
  error.kind = Kind::too_many_attempts;
  error.retry_after = admission.retry_after;
  return error;
}

UserError invalid(FieldProblems fields) {
  UserError error;
  error.kind = Kind::validation_failed;
  error.fields = std::move(fields);
  return error;
}

Task<> pause_by_timer(std::chrono::milliseconds time) {
  net::steady_timer timer(co_await net::this_coro::executor, time);
  (void)co_await timer.async_wait(
      kAwait);  // cancelled: we are being shut down, and the answer may come early
}

}  // namespace

UserService::UserService(UserStore& users, AttemptStore& attempts, HashingPool& pool, config::Users rules,
                         config::LoginLimits throttle, Pause pause)
    : users_(users),
      pool_(pool),
      throttle_(attempts, throttle),
      rules_(std::move(rules)),
      pause_(pause ? std::move(pause) : Pause(pause_by_timer)) {}

Task<UserResult<bool>> UserService::fits(const config::Secret& password, std::string hash) {
  config::Secret copy = password;
  auto verified = co_await pool_.verify(std::move(copy), std::move(hash));
  if (!verified) co_return failure(Kind::overloaded);
  co_return *verified;
}

Task<UserResult<std::string>> UserService::hashed(config::Secret password) {
  auto hash = co_await pool_.hash(std::move(password));
  if (!hash) co_return failure(Kind::overloaded);
  co_return std::move(*hash);
}

Task<UserResult<bool>> UserService::verdict(Candidate& who, const config::Secret& password) {
  if (!hashable(password.reveal())) co_return false;  // wrong for everybody, known or not
  if (users_.judges_passwords()) {
    config::Secret copy = password;
    auto judged = co_await users_.judge(who.name, std::move(copy), who.address);
    if (!judged) co_return failure(judged.error());
    who.user = std::move(*judged);
    co_return who.user.has_value();
  }
  std::string hash = who.user ? who.user->password_hash : dummy_hash();
  if (!known_hash(hash)) hash = dummy_hash();
  auto verified = co_await fits(password, std::move(hash));
  if (!verified) co_return verified.error();
  co_return who.user.has_value() && *verified;
}

Task<UserResult<bool>> UserService::judge(Candidate& who, const config::Secret& password) {
  ThrottleKeys keys = throttle_keys(who.name, who.address);
  const auto began = std::chrono::steady_clock::now();
  auto before = co_await throttle_.before(keys);
  if (!before) co_return failure(before.error());
  if (before->refused) co_return refused(*before);
  if (before->delay.count() > 0) co_await pause_(before->delay);

  const auto right = co_await verdict(who, password);
  if (!right) co_return right.error();
  if (*right) {
    auto after = co_await throttle_.succeeded(std::move(keys));
    if (!after) co_return failure(after.error());
    if (after->refused) co_return refused(*after);
  } else {
    auto after = co_await throttle_.failed(std::move(keys));
    if (!after) co_return failure(after.error());
    co_await pause_(hold_back(std::chrono::steady_clock::now() - began));
    if (after->refused) co_return refused(*after);
  }
  co_return *right;  // not `right`: a const result of a bool would be taken for the bool that says it has a
                     // value
}

Task<UserResult<User>> UserService::login(std::string name, config::Secret password, std::string address) {
  Candidate who{std::move(name), std::move(address), std::nullopt};
  if (!users_.judges_passwords()) {
    auto found = co_await users_.find_by_name(who.name);
    if (!found) co_return failure(found.error());
    who.user = std::move(*found);
  }
  auto right = co_await judge(who, password);
  if (!right) co_return right.error();
  if (!*right) co_return failure(Kind::login_failure);

  User user = std::move(*who.user);
  if (user.disabled) co_return failure(Kind::account_disabled);
  if (rules_.require_confirmed_email && !user.email_confirmed) co_return failure(Kind::email_unconfirmed);
  if (needs_upgrade(user.password_hash)) {
    User copy = user;
    co_await upgrade(std::move(copy), std::move(password));
  }
  co_return std::move(user);
}

// Best effort: a login doesn't fail because its hash stays an old one until the next.
Task<> UserService::upgrade(User user, config::Secret password) {
  auto hash = co_await hashed(std::move(password));
  if (!hash) co_return;
  // false: somebody changed the user meanwhile, theirs counts; or the source is only read.
  (void)co_await users_.replace_hash(std::move(user), std::move(*hash));
}

Task<UserResult<User>> UserService::register_user(Registration wanted, std::string id, UnixMillis now) {
  auto problems = registration_problems(wanted, rules_);
  if (!problems.empty()) co_return invalid(std::move(problems));
  // Only spares a hash for a name that is taken; add() decides.
  auto found = co_await users_.find_by_name(wanted.name);
  if (!found) co_return failure(found.error());
  if (found->has_value()) co_return failure(Kind::username_taken);

  auto hash = co_await hashed(std::move(wanted.password));
  if (!hash) co_return hash.error();
  User user;
  user.id = std::move(id);
  user.name = std::move(wanted.name);
  user.password_hash = std::move(*hash);
  user.email = std::move(wanted.email);
  user.roles = rules_.fresh.roles;
  user.claims = rules_.fresh.claims;
  for (const auto& field : rules_.profile) {
    if (const auto value = wanted.profile.find(field.name);
        value != wanted.profile.end() && !value->second.empty())
      user.profile.insert(*value);
  }
  user.created = now;
  User copy = user;
  auto added = co_await users_.add(std::move(copy));
  if (!added) co_return failure(added.error());
  if (!*added) co_return failure(Kind::username_taken);
  co_return std::move(user);
}

Task<UserResult<User>> UserService::write_hash(User user, std::string hash) {
  for (int i = 0; i < kMaxTries; ++i) {
    User copy = user;
    std::string fresh = hash;
    auto written = co_await users_.replace_hash(std::move(copy), std::move(fresh));
    if (!written) co_return failure(written.error());
    user.password_hash = hash;
    if (*written) co_return std::move(user);
    const std::string id = user.id;
    auto found = co_await users_.find_by_id(id);
    if (!found) co_return failure(found.error());
    if (!found->has_value()) co_return failure(Kind::unknown_user);
    user = std::move(**found);
  }
  co_return failure(Kind::conflict);
}

Task<UserResult<Change>> UserService::change_password(std::string user_id, config::Secret current,
                                                      config::Secret wanted, std::string address) {
  auto found = co_await users_.find_by_id(user_id);
  if (!found) co_return failure(found.error());
  if (!found->has_value()) co_return failure(Kind::unknown_user);

  FieldProblems problems;
  if (current.empty()) problems["current_password"].push_back("The current password is required.");
  if (wanted.empty()) problems["new_password"].push_back("The new password is required.");
  if (!wanted.empty()) {
    auto messages = password_problems(rules_.password, wanted.reveal(), (*found)->name);
    if (!messages.empty()) problems["new_password"] = std::move(messages);
  }
  if (!problems.empty()) co_return invalid(std::move(problems));

  Candidate who{(*found)->name, std::move(address), *found};
  auto right = co_await judge(who, current);
  if (!right) co_return right.error();
  if (!*right) {
    problems["current_password"].push_back("The current password is wrong.");
    co_return invalid(std::move(problems));
  }
  if ((*found)->disabled) co_return failure(Kind::account_disabled);

  auto hash = co_await hashed(std::move(wanted));
  if (!hash) co_return hash.error();
  User user = std::move(**found);
  auto written = co_await write_hash(std::move(user), std::move(*hash));
  if (!written) co_return written.error();
  Change change{std::move(*written), EndSessions::others, sessions::EndCause::password_changed};
  co_return std::move(change);
}

Task<UserResult<Change>> UserService::set_password(std::string name, config::Secret wanted) {
  auto found = co_await users_.find_by_name(name);
  if (!found) co_return failure(found.error());
  if (!found->has_value()) co_return failure(Kind::unknown_user);
  auto messages = password_problems(rules_.password, wanted.reveal(), (*found)->name);
  if (!messages.empty()) {
    FieldProblems problems;
    problems["password"] = std::move(messages);
    co_return invalid(std::move(problems));
  }
  auto hash = co_await hashed(std::move(wanted));
  if (!hash) co_return hash.error();
  User user = std::move(**found);
  auto written = co_await write_hash(std::move(user), std::move(*hash));
  if (!written) co_return written.error();
  Change change{std::move(*written), EndSessions::all, sessions::EndCause::password_changed};
  co_return std::move(change);
}

Task<UserResult<Change>> UserService::edit(std::string name, Edit edit) {
  for (int i = 0; i < kMaxTries; ++i) {
    auto found = co_await users_.find_by_name(name);
    if (!found) co_return failure(found.error());
    if (!found->has_value()) co_return failure(Kind::unknown_user);
    Change change = applied(std::move(**found), edit);
    User copy = change.user;
    auto written = co_await users_.update(std::move(copy));
    if (!written) co_return failure(written.error());
    if (*written) co_return std::move(change);
  }
  co_return failure(Kind::conflict);
}

}  // namespace sallyport::users
