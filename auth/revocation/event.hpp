// What the revocation log is made of: "from now until `until`, this is refused".
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "auth/time.hpp"

namespace sallyport::revocation {

enum class Kind : std::uint8_t {
  token,       // id = jti
  session,     // id = sid
  user,        // id = sub; with `before`: only tokens issued before it
  key,         // id = kid
  everything,  // own tokens of an epoch below `epoch`, or without one those issued before `before`; foreign
               // ones of that issuer issued before `before`
};

struct Event {
  Kind kind = Kind::token;
  std::string issuer;   // exact `iss`; ids of two issuers never meet
  std::string id;       // empty for `everything`
  UnixSeconds until{};  // the last moment at which it can matter (longest life that it can match + skew)
  std::optional<UnixSeconds> before;  // user, everything
  std::uint64_t epoch = 0;            // everything
  std::string reason;                 // for the audit log and lists: logout, reused, password, admin, ...

  friend bool operator==(const Event&, const Event&) = default;
};

}  // namespace sallyport::revocation
