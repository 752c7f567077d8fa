// What a new password lacks. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/config.hpp"

namespace sallyport::users {

// One sentence for each rule that `password` breaks; empty: it is fine. Never repeats the password.
std::vector<std::string> password_problems(const config::PasswordPolicy& policy, std::string_view password,
                                           std::string_view user_name);

}  // namespace sallyport::users
