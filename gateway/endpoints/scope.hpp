// What a logout is about, from its query. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace sallyport::gateway::endpoints {

enum class LogoutScope : std::uint8_t {
  self,    // ?scope=this, or nothing said
  others,  // every session of the user but this one
  all,
};

// nullopt: another word, or `scope` twice. Other parameters are ignored.
std::optional<LogoutScope> logout_scope(std::string_view query);
std::string_view to_string(LogoutScope scope);  // as in the query

}  // namespace sallyport::gateway::endpoints
