// What of a user goes into the access token, and what of a client's words goes into a session.
#pragma once

#include <boost/json/object.hpp>

#include <string>
#include <string_view>

#include "auth/users/user.hpp"
#include "config/config.hpp"

namespace sallyport::sessions {

// The user's own claims, then id, name and roles under their configured names: a claim can't pose as a role.
boost::json::object access_claims(const users::User& user, const config::ClaimNames& names);

// The valid UTF-8 of `text` without control characters, cut to at most `max_bytes` between characters.
std::string clean_text(std::string_view text, std::size_t max_bytes);

}  // namespace sallyport::sessions
