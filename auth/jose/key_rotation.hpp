// What the age of our signing keys asks for. Pure: the folder is changed by key_directory.hpp.
//
// While rotation by age is on there is always a next key: it is published as soon as the one before begins to
// sign, so everybody who fetches our keys has known it for a whole period when its first token arrives.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "auth/jose/key_state.hpp"

namespace sallyport::jose {

struct RotationRules {
  std::chrono::seconds every{0};       // a key signs for so long; 0: until somebody rotates it
  std::chrono::seconds token_life{0};  // once retired for so long, none of its tokens is alive
  std::chrono::seconds remember{
      0};  // once retired for so long it goes; till then its tokens are told expired
};

struct RotationPlan {
  bool promote = false;           // the next key becomes current
  bool make_next = false;         // afterwards there is none
  std::vector<std::string> drop;  // ids of keys that are of no use any more
  bool empty() const { return !promote && !make_next && drop.empty(); }
};

// A next key is published for at least so long: what the JWKS endpoint lets others cache, twice.
inline constexpr std::chrono::seconds kPublishAhead{600};

RotationPlan plan_rotation(const Entries& entries, Algorithm algorithm, const RotationRules& rules,
                           UnixSeconds now);

}  // namespace sallyport::jose
