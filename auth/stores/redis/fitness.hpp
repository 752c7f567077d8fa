// Is this Redis fit to keep sessions and revocations? Judged from what INFO says. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "auth/stores/redis/topology.hpp"
#include "auth/stores/stores.hpp"

namespace sallyport::stores::redis {

// What a server is to us.
enum class Standing {
  master,   // our only one
  replica,  // may take a master's place one day
  node      // a master in a Cluster
};

// `info` is the text of INFO's sections server, replication and memory, and for a node of CLUSTER INFO,
// whatever of it could be had.
Backend::Health judge_fitness(std::string_view store, std::string_view info,
                              Standing standing = Standing::master);

// The replicas that a master names in INFO replication.
std::vector<Endpoint> replicas_in(std::string_view info);

// The value of `name:` in INFO; empty: not there.
std::string_view info_field(std::string_view info, std::string_view name);

}  // namespace sallyport::stores::redis
