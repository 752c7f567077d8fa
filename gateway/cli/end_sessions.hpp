// Ends sessions from the command line so that every running gateway refuses their tokens: events and store
// together.
#pragma once

#include <cstddef>
#include <string>

#include "auth/stores/stores.hpp"
#include "auth/task.hpp"
#include "config/config.hpp"

namespace sallyport::cli {

// All of the user's; how many. Events first, as far as the sessions are known, then the store: whatever fails
// in between, repeating the command finishes the work.
Task<StoreResult<std::size_t>> end_sessions(stores::Stores& stores, const config::Tokens& tokens,
                                            std::string user_id, sessions::EndCause cause);

}  // namespace sallyport::cli
