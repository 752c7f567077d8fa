#include "gateway/endpoints/scope.hpp"

namespace sallyport::gateway::endpoints {

std::optional<LogoutScope> logout_scope(std::string_view query) {
  std::optional<LogoutScope> scope;
  while (!query.empty()) {
    const std::size_t end = query.find('&');
    const std::string_view pair = query.substr(0, end);
    query.remove_prefix(end == query.npos ? query.size() : end + 1);
    const std::size_t equals = pair.find('=');
    if (pair.substr(0, equals) != "scope") continue;
    const std::string_view word = equals == pair.npos ? std::string_view{} : pair.substr(equals + 1);
    if (scope) return std::nullopt;
    if (word == "this") {
      scope = LogoutScope::self;
    } else if (word == "others") {
      scope = LogoutScope::others;
    } else if (word == "all") {
      scope = LogoutScope::all;
    } else {
      return std::nullopt;
    }
  }
  return scope.value_or(LogoutScope::self);
}

std::string_view to_string(LogoutScope scope) {
  switch (scope) {
    case LogoutScope::self:
      return "this";
    case LogoutScope::others:
      return "others";
    case LogoutScope::all:
      return "all";
  }
  return "this";
}

}  // namespace sallyport::gateway::endpoints
