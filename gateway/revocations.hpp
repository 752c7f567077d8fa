// The events that refuse a key, a token, another issuer's user, or everything: as commands and administrators
// put them into the log. Pure.
#pragma once

#include <boost/system/result.hpp>

#include <chrono>
#include <optional>
#include <string>

#include "auth/revocation/revocation_log.hpp"
#include "auth/time.hpp"
#include "config/config.hpp"

namespace sallyport::gateway {

// How long something must be refused where no token says how long.
std::chrono::seconds longest_life(const config::Tokens& tokens);

// By an administrator.
revocation::Event ending_of(revocation::Kind kind, std::string issuer, std::string id, UnixSeconds until);

// One token, which needn't verify here: its keys may come from a URL, or be gone. nullopt: it has expired, so
// there is nothing to do. The error says why it can't be named.
using TokenEnding = boost::system::result<std::optional<revocation::Event>, std::string>;
TokenEnding token_ending(const std::string& token, const config::Tokens& tokens, UnixSeconds now);

// Everything of this issuer that was issued until now, or before the moment given. The next epoch of ours is
// a time, so it is above every earlier one even when the log has forgotten them; it tells tokens of this very
// second apart.
revocation::Event everything_ending(const config::Tokens& tokens, const std::string& issuer,
                                    std::optional<UnixSeconds> before, UnixMillis now);

}  // namespace sallyport::gateway
