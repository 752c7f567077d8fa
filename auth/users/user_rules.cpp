// The pure half of UserService: what may be registered, and what an edit changes.
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <stdexcept>

#include "auth/jose/base64url.hpp"
#include "auth/users/password_policy.hpp"
#include "auth/users/profile.hpp"
#include "auth/users/text.hpp"
#include "auth/users/user_service.hpp"

namespace sallyport::users {
namespace {

void apply(std::map<std::string, std::string>& to,
           const std::map<std::string, std::optional<std::string>>& changes) {
  for (const auto& [name, value] : changes) {
    if (value) {
      to[name] = *value;
    } else {
      to.erase(name);
    }
  }
}

bool clean(std::string_view text) { return count_characters(text).has_value() && !has_control(text); }

}  // namespace

std::string new_user_id() {
  std::array<unsigned char, 16> bytes{};
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1)
    throw std::runtime_error("no randomness");
  return jose::base64url_encode(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
}

FieldProblems registration_problems(const Registration& wanted, const config::Users& rules) {
  FieldProblems problems;
  if (wanted.name.empty()) {
    problems["username"].push_back("The user name is required.");
  } else if (!valid_name(wanted.name)) {
    problems["username"].push_back("The user name must be 1 to 64 letters, digits or any of . _ - @ +.");
  }
  if (wanted.password.empty()) {
    problems["password"].push_back("The password is required.");
  } else {
    auto messages = password_problems(rules.password, wanted.password.reveal(), wanted.name);
    if (!messages.empty()) problems["password"] = std::move(messages);
  }
  const bool email_required =
      rules.require_confirmed_email ||
      std::any_of(rules.profile.begin(), rules.profile.end(),
                  [](const config::ProfileField& field) { return field.name == "email" && field.required; });
  if (wanted.email.empty()) {
    if (email_required) problems["email"].push_back("The e-mail address is required.");
  } else if (!clean(wanted.email) || !plausible_email(wanted.email)) {
    problems["email"].push_back("The e-mail address is not valid.");
  }
  for (const auto& field : rules.profile) {
    if (field.name == "email") continue;
    const auto found = wanted.profile.find(field.name);
    const bool there = found != wanted.profile.end() && !found->second.empty();
    auto messages = there            ? profile_problems(field, found->second)
                    : field.required ? std::vector<std::string>{"This field is required."}
                                     : std::vector<std::string>{};
    if (!messages.empty()) problems[field.name] = std::move(messages);
  }
  return problems;
}

Change applied(User user, const Edit& edit) {
  Change change;
  const auto roles = user.roles;
  const auto claims = user.claims;
  if (edit.roles) {
    user.roles = *edit.roles;
    std::sort(user.roles.begin(), user.roles.end());
    user.roles.erase(std::unique(user.roles.begin(), user.roles.end()), user.roles.end());
  }
  apply(user.claims, edit.claims);
  apply(user.profile, edit.profile);
  if (edit.email) {
    if (*edit.email != user.email) user.email_confirmed = false;
    user.email = *edit.email;
  }
  if (edit.email_confirmed) user.email_confirmed = *edit.email_confirmed;
  const bool barred = edit.disabled.value_or(false) && !user.disabled;
  if (edit.disabled) user.disabled = *edit.disabled;

  const bool same_roles = roles.size() == user.roles.size() &&
                          std::is_permutation(roles.begin(), roles.end(), user.roles.begin());
  if (barred) {
    change.end = EndSessions::all;
    change.cause = sessions::EndCause::disabled;
  } else if (!same_roles || claims != user.claims) {
    change.end = EndSessions::all;
    change.cause = sessions::EndCause::role_changed;
  }
  change.user = std::move(user);
  return change;
}

}  // namespace sallyport::users
