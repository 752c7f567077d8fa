#include "auth/users/password_policy.hpp"

#include <algorithm>

#include "auth/users/password_hash.hpp"
#include "auth/users/text.hpp"
#include "auth/users/user.hpp"

namespace sallyport::users {
namespace {

bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
// Beyond ASCII counts as a symbol: a passphrase in another script isn't weaker for it.
bool is_symbol(char c) { return !is_upper(c) && !is_lower(c) && !is_digit(c); }

}  // namespace

std::vector<std::string> password_problems(const config::PasswordPolicy& policy, std::string_view password,
                                           std::string_view user_name) {
  const auto characters = count_characters(password);
  if (!characters) return {"The password is not valid UTF-8."};
  if (has_control(password)) return {"The password must not contain control characters."};

  std::vector<std::string> problems;
  const std::size_t longest = std::min<std::size_t>(policy.max_length, kMaxPasswordCharacters);
  if (*characters > longest) {
    return {"The password must have at most " + std::to_string(longest) + " characters."};
  }
  if (*characters < policy.min_length) {
    problems.push_back("The password must have at least " + std::to_string(policy.min_length) +
                       " characters.");
  }
  const auto lacks = [&](bool wanted, bool (*is)(char), const char* what) {
    if (wanted && std::none_of(password.begin(), password.end(), is)) {
      problems.push_back(std::string("The password must contain ") + what + ".");
    }
  };
  lacks(policy.upper, is_upper, "an upper case letter");
  lacks(policy.lower, is_lower, "a lower case letter");
  lacks(policy.digit, is_digit, "a digit");
  lacks(policy.symbol, is_symbol, "a symbol");
  if (!user_name.empty() && folded_name(password) == folded_name(user_name)) {
    problems.push_back("The password must not be the user name.");
  }
  return problems;
}

}  // namespace sallyport::users
