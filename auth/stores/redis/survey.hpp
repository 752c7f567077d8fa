// Asks every server of the store what it is, and whether it is fit: the master, the replicas that may take
// its place, all nodes of a Cluster.
#pragma once

#include "auth/stores/stores.hpp"
#include "config/config.hpp"

namespace sallyport::stores::redis {

Task<Backend::Health> survey(net::any_io_executor executor, config::Store store);

}  // namespace sallyport::stores::redis
