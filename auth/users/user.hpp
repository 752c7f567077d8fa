// A person or machine that logs in, as the gateway's own store keeps it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "auth/time.hpp"

namespace sallyport::users {

struct User {
  std::string id;             // `sub`: random, never reused, never the name
  std::string name;           // as written at registration
  std::string password_hash;  // PHC string ($argon2id$...)
  std::string email;
  bool email_confirmed = false;
  bool disabled = false;
  std::vector<std::string> roles;
  std::map<std::string, std::string> claims;   // go into the token
  std::map<std::string, std::string> profile;  // go into the token response
  UnixMillis created{};
  std::uint64_t version = 0;  // update() writes only over the version that it read
};

// The form under which a name is unique: lower case of ASCII letters; names are limited to what valid_name
// allows.
std::string folded_name(std::string_view name);

// 1 to 64 characters of letters, digits and . _ - @ +: no control, space or look-alike.
bool valid_name(std::string_view name);

}  // namespace sallyport::users
