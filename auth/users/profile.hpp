// What is wrong with the value of a profile field. Pure; every rule is bounded by the value's length, and no
// pattern of anybody runs.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/config.hpp"

namespace sallyport::users {

// One sentence for each rule that `value` breaks; empty: it is fine. Never repeats the value. A value of no
// characters is one that isn't there: whether it may be is the caller's question.
std::vector<std::string> profile_problems(const config::ProfileField& field, std::string_view value);

// Only what every mail system agrees on: one part, one '@', one domain. Whether it exists only a mail can
// tell.
bool plausible_email(std::string_view email);

}  // namespace sallyport::users
