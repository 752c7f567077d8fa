// The five samples as data: what a preset means for the settings, and the sentences that it refuses with.
#pragma once

#include <span>
#include <string_view>

#include "config/config.hpp"

namespace sallyport::config {

// Sets the preset's defaults: paths, names of JSON members, error shape, expiry header, lifetimes, rotation,
// sessions per user, password policy. Load calls this before the file is read, so whatever the file says
// stands; a program that builds a Config by hand calls it first.
void apply_preset(Config& config, Preset preset);

// Statuses and sentences of a sample's refusals, which nobody wants to set one by one. An empty sentence or
// a 0: the gateway's own.
struct Sentences {
  unsigned invalid = 0;              // status of a body that is malformed or lacks something
  unsigned taken = 0;                // of a user name that is taken
  std::string_view invalid_request;  // body malformed, field missing
  std::string_view login;            // wrong name or password
  std::string_view refresh;          // any refused refresh
  std::string_view required;         // of one missing field; {0}: its name
};
const Sentences& sentences_of(Preset preset);

// Our own names of the members that `auth.fields` may rename, beside the profile fields. A profile field in
// an answer is "user.NAME" where it is to stand beside the tokens instead of in `user`.
std::span<const std::string_view> request_fields();
std::span<const std::string_view> response_fields();

}  // namespace sallyport::config
