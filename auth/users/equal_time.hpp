// When a failed login is answered: at full steps of time since it began, whatever was hashed meanwhile. An
// unknown user costs one argon2id hash; a user who was moved here with a hash of another system costs less
// (ASP.NET Identity v2) or more (bcrypt), and the clock would tell who has an account and where it came from.
#pragma once

#include <chrono>

namespace sallyport::users {

// Longer than any usual hash takes on a busy machine: bcrypt of cost 12 is a quarter of a second.
inline constexpr std::chrono::milliseconds kFailureStep{500};

// How much longer to wait with the answer to a login that failed after `elapsed`. Pure; never negative, at
// most a step.
constexpr std::chrono::milliseconds hold_back(std::chrono::steady_clock::duration elapsed) {
  const auto over = std::chrono::floor<std::chrono::milliseconds>(elapsed) % kFailureStep;
  return kFailureStep - over;
}

}  // namespace sallyport::users
