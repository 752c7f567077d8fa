// Which of our keys a refresh token says that it is under. Unverified: good for nothing but looking for that
// key, which another gateway may have made a moment ago.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sallyport::sessions {

// nullopt: not a refresh token in our spelling.
std::optional<std::string> refresh_key_id(std::string_view text);

}  // namespace sallyport::sessions
