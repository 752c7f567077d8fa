// A user as the JSON text that Redis keeps of it. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "auth/users/user.hpp"

namespace sallyport::stores::redis {

// Everything but `version`, which stands beside it.
std::string encode_user(const users::User& user);

// nullopt: not ours.
std::optional<users::User> parse_user(std::string_view id, std::string_view version, std::string_view data);

}  // namespace sallyport::stores::redis
