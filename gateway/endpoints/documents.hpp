// The JSON that endpoints answer with when all went well. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "auth/sessions/session_service.hpp"
#include "auth/users/user.hpp"
#include "config/config.hpp"

namespace sallyport::gateway::endpoints {

// {"id","username", profile fields}: those that `profile` shows and the user has. The fields of the account
// itself keep their meaning, whatever a configuration names.
std::string user_json(const users::User& user, const std::vector<config::ProfileField>& profile);
// Does nobody register without an address?
bool is_email_required(const config::Users& users);
// May `name` be a profile field, or is it one of the account's own?
bool is_profile_field(std::string_view name);

// The token response of CONTRACT section 2.
std::string token_json(const sessions::TokenPair& pair, const std::vector<config::ProfileField>& profile);

// {"sessions":[...]}; `current`: the session id of whoever asks.
std::string sessions_json(const std::vector<sessions::Session>& sessions, std::string_view current);

// RFC 8414: what is served, and how clients authenticate. Without URLs where the issuer is none.
std::string metadata_json(const config::Config& config);

}  // namespace sallyport::gateway::endpoints
