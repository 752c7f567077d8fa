#include "auth/users/account_service.hpp"

#include <openssl/evp.h>

#include <array>
#include <utility>

#include "auth/jose/base64url.hpp"
#include "auth/users/password_policy.hpp"

namespace sallyport::users {
namespace {

using Kind = UserError::Kind;

constexpr int kMaxTries = 5;           // as UserService
constexpr std::size_t kMaxToken = 64;  // ours have 43 characters

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

UserError invalid(const std::string& field, std::vector<std::string> messages) {
  UserError error;
  error.kind = Kind::validation_failed;
  error.fields[field] = std::move(messages);
  return error;
}

UserError no_such_token() { return invalid("token", {"This token is not valid, or no longer."}); }

std::string digest(std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
  unsigned size = 0;
  EVP_Digest(text.data(), text.size(), bytes.data(), &size, EVP_sha256(), nullptr);
  return jose::base64url_encode(std::string_view(reinterpret_cast<const char*>(bytes.data()), size));
}

std::string key_of(const std::string& purpose, std::string_view token) {
  return purpose + ":" + digest(token);
}

// A password that was changed meanwhile, by whatever way, makes older tokens worthless.
std::string bound_to_password(const User& user) { return digest(user.password_hash); }
std::string bound_to_address(const User& user) { return user.email; }

}  // namespace

AccountService::AccountService(UserStore& users, OneTimeStore& tokens, AttemptStore& attempts,
                               HashingPool& pool, config::Users rules, config::LoginLimits throttle,
                               Random random)
    : users_(users),
      tokens_(tokens),
      pool_(pool),
      throttle_(attempts, throttle),
      rules_(std::move(rules)),
      random_(std::move(random)) {}

Task<UserResult<std::vector<User>>> AccountService::whose(std::string name, std::string email) {
  std::vector<User> found;
  if (name.empty()) {
    auto by_email = co_await users_.find_by_email(email);
    if (!by_email) co_return failure(by_email.error());
    found = std::move(*by_email);
  } else {
    auto by_name = co_await users_.find_by_name(name);
    if (!by_name) co_return failure(by_name.error());
    if (*by_name) found.push_back(std::move(**by_name));
  }
  co_return std::move(found);
}

Task<UserResult<IssuedToken>> AccountService::issue(std::string purpose, std::string user_id,
                                                    std::string bound, std::chrono::seconds ttl) {
  std::array<unsigned char, 32> bytes{};
  random_(bytes);
  IssuedToken issued;
  issued.token = config::Secret(
      jose::base64url_encode(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size())));
  issued.ttl = ttl;
  std::string key = key_of(purpose, issued.token.reveal());
  std::string value = std::move(user_id);
  value += '\0';  // no id holds one
  value += bound;
  auto kept = co_await tokens_.put(std::move(key), std::move(value), ttl);
  if (!kept) co_return failure(kept.error());
  co_return std::move(issued);
}

Task<UserResult<IssuedToken>> AccountService::reset_token(User user) {
  std::string bound = bound_to_password(user);
  co_return co_await issue("reset", std::move(user.id), std::move(bound), rules_.reset.ttl);
}

Task<UserResult<IssuedToken>> AccountService::confirmation_token(User user) {
  std::string bound = bound_to_address(user);
  co_return co_await issue("confirm", std::move(user.id), std::move(bound), rules_.confirmation.ttl);
}

Task<UserResult<AccountService::Meaning>> AccountService::meaning_of(std::string purpose,
                                                                     config::Secret token, Binding binding) {
  if (token.empty() || token.size() > kMaxToken) co_return no_such_token();
  Meaning meaning;
  meaning.key = key_of(purpose, token.reveal());
  std::string key = meaning.key;
  auto value = co_await tokens_.find(std::move(key));
  if (!value) co_return failure(value.error());
  const std::size_t end = *value ? (*value)->find('\0') : std::string::npos;
  if (end == std::string::npos) co_return no_such_token();
  meaning.bound = (*value)->substr(end + 1);
  const std::string id = (*value)->substr(0, end);
  auto user = co_await users_.find_by_id(id);
  if (!user) co_return failure(user.error());
  if (!*user || (*user)->disabled || binding(**user) != meaning.bound) co_return no_such_token();
  meaning.user = std::move(**user);
  co_return std::move(meaning);
}

// Written only over the version that was read, and only while what the token is bound to still holds. A store
// that fails in between leaves the token good: asking again is safe.
Task<UserResult<User>> AccountService::write(User user, std::string bound, Binding binding, Write once) {
  for (int i = 0; i < kMaxTries; ++i) {
    User copy = user;
    Task<StoreResult<bool>> writing = once(std::move(copy));
    auto written = co_await std::move(writing);
    if (!written) co_return failure(written.error());
    if (*written) co_return std::move(user);
    const std::string id = user.id;
    auto again = co_await users_.find_by_id(id);
    if (!again) co_return failure(again.error());
    if (!*again || (*again)->disabled || binding(**again) != bound) co_return no_such_token();
    user = std::move(**again);
  }
  co_return failure(Kind::conflict);
}

// Of several calls with one token at once the first that writes changes the hash that the token is bound to.
Task<UserResult<Change>> AccountService::reset_password(config::Secret token, config::Secret wanted) {
  auto meaning = co_await meaning_of("reset", std::move(token), bound_to_password);
  if (!meaning) co_return meaning.error();
  auto messages = password_problems(rules_.password, wanted.reveal(), meaning->user.name);
  if (!messages.empty()) co_return invalid("new_password", std::move(messages));
  auto hash = co_await pool_.hash(std::move(wanted));
  if (!hash) co_return failure(Kind::overloaded);

  Write once = [this, made = std::move(*hash)](User user) {
    std::string copy = made;
    return users_.replace_hash(std::move(user), std::move(copy));
  };
  auto written = co_await write(std::move(meaning->user), meaning->bound, bound_to_password, std::move(once));
  if (!written) co_return written.error();
  // Worth nothing any more; and the guesses of before say nothing about the one who had it.
  std::string name = written->name;
  (void)co_await tokens_.take(std::move(meaning->key));
  (void)co_await throttle_.unlock(std::move(name));
  Change change{std::move(*written), EndSessions::all, sessions::EndCause::password_changed};
  co_return std::move(change);
}

// Confirming twice changes nothing; whoever takes the token away is the one who did it.
Task<UserResult<User>> AccountService::confirm_email(config::Secret token) {
  auto meaning = co_await meaning_of("confirm", std::move(token), bound_to_address);
  if (!meaning) co_return meaning.error();
  Write once = [this](User user) {
    user.email_confirmed = true;
    return users_.update(std::move(user));
  };
  auto written = co_await write(std::move(meaning->user), meaning->bound, bound_to_address, std::move(once));
  if (!written) co_return written.error();
  auto taken = co_await tokens_.take(std::move(meaning->key));
  if (!taken) co_return failure(taken.error());
  if (!*taken) co_return no_such_token();
  co_return std::move(*written);
}

}  // namespace sallyport::users
