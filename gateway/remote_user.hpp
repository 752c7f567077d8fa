// What a team's login API is asked, and what its answers say about a user. Pure.
#pragma once

#include <boost/system/result.hpp>

#include <string>
#include <string_view>

#include "auth/users/user.hpp"
#include "config/config.hpp"

namespace sallyport::gateway {

// The JSON of a login call.
config::Secret login_body(const config::HttpUsers& rules, std::string_view name,
                          const config::Secret& password);

// `rules.state` with the id in its place, percent-encoded (RFC 3986 2.1): an id can't lead to another path.
std::string state_url(const config::HttpUsers& rules, std::string_view id);

// What an answer's status means. `other`: it isn't one that we can act on.
enum class Verdict { yes, no, other };
Verdict login_verdict(unsigned status);  // yes: 2xx; no: 400, 401, 403, 404, 422
Verdict state_verdict(unsigned status);  // yes: 2xx; no: 404, 410

// What it says of a user where an answer is silent: the name that was typed, or the id that was asked for.
struct Known {
  std::string name;
  std::string id;
};
// For the operator: which member is missing or of the wrong type. It quotes no value.
struct AnswerFlaw {
  std::string text;
};
boost::system::result<users::User, AnswerFlaw> remote_user(std::string_view json,
                                                           const config::HttpUserFields& fields,
                                                           const Known& known);

}  // namespace sallyport::gateway
