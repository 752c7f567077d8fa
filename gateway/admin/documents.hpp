// What the admin listener tells about the running gateway, as JSON. Pure. Never a secret.
#pragma once

#include <string>

#include "gateway/follower.hpp"
#include "gateway/key_keeper.hpp"
#include "gateway/reload.hpp"
#include "gateway/runtime.hpp"

namespace sallyport::gateway {

struct ReadyState {
  bool ready = false;
  std::string problem;  // "draining", or what is missing
};

// On the control thread.
ReadyState readiness_of(const Shared& shared, const Follower& follower, const KeyKeeper& keys);

std::string status_json(const ReadyState& readiness, std::size_t connections, const ReloadRecord& reloads);
std::string reload_json(const ReloadOutcome& outcome);
std::string routes_json(const Runtime& runtime);
std::string revocations_json(const Follower::Status& status);
std::string keys_json(const KeySnapshot& keys);  // their ids

}  // namespace sallyport::gateway
