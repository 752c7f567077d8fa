// From the configuration to servers: the only place that knows which setting means which object.
#pragma once

#include <memory>
#include <vector>

#include "auth/stores/redis/client.hpp"
#include "auth/stores/redis/servers.hpp"
#include "config/config.hpp"

namespace sallyport::stores::redis {

Connection::Settings connection_settings(const config::Store& store);
Client::Settings client_settings(const config::Store& store);
std::vector<Endpoint> seeds_of(const config::Store& store);

// Nothing is sent before the first call.
std::shared_ptr<Servers> make_servers(net::any_io_executor executor, const config::Store& store);

}  // namespace sallyport::stores::redis
