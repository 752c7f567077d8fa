// Which keys are in force after a reload: those that the new configuration names, and of those that come from
// elsewhere with time (a URL, the store) what is known already. Pure.
#pragma once

#include "config/config.hpp"
#include "gateway/key_snapshot.hpp"

namespace sallyport::gateway {

// `current`: in force, under `before`. `loaded`: what the files of `after` say. What is the same in both
// keeps its place in memory, so that nobody verifies anew what he has verified.
KeySnapshot keys_after_reload(const KeySnapshot& current, const config::Tokens& before,
                              const KeySnapshot& loaded, const config::Tokens& after);

bool same_key(const jose::Key& a, const jose::Key& b);  // material, id and algorithm

}  // namespace sallyport::gateway
