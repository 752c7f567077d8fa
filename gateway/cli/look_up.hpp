// A user by name or id, for commands: from wherever the configuration says that users are.
#pragma once

#include <optional>
#include <string>

#include "auth/stores/stores.hpp"
#include "auth/task.hpp"
#include "auth/users/user.hpp"
#include "config/config.hpp"

namespace sallyport::cli {

// A login API can't be asked by name: there the text is taken for the id of somebody who exists.
Task<StoreResult<std::optional<users::User>>> look_up(stores::Stores& stores, const config::Config& config,
                                                      std::string name);

// The plain message for a source that didn't answer; returns kNotThere.
int look_up_failed(const config::Config& config, const StoreError& error);

}  // namespace sallyport::cli
