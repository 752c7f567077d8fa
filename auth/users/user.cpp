#include "auth/users/user.hpp"

#include <algorithm>

namespace sallyport::users {
namespace {

constexpr std::size_t kMaxName = 64;

// ASCII only, whatever the locale: a name must have one meaning on every host.
constexpr bool name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
         c == '-' || c == '@' || c == '+';
}

}  // namespace

std::string folded_name(std::string_view name) {
  std::string folded(name);
  for (char& c : folded) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return folded;
}

bool valid_name(std::string_view name) {
  return !name.empty() && name.size() <= kMaxName && std::all_of(name.begin(), name.end(), name_character);
}

}  // namespace sallyport::users
