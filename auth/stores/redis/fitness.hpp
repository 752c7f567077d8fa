// Is this Redis fit to keep sessions and revocations? Judged from what INFO says. Pure.
#pragma once

#include <string>
#include <string_view>

#include "auth/stores/stores.hpp"

namespace sallyport::stores::redis {

// `info` is the text of INFO's sections server, replication and memory, whatever of it could be had.
Backend::Health judge_fitness(std::string_view store, std::string_view info);

// The value of `name:` in INFO; empty: not there.
std::string_view info_field(std::string_view info, std::string_view name);

}  // namespace sallyport::stores::redis
