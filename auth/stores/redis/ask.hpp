// One question to one server, on a connection of its own that ends with the answer: what Sentinels, nodes of
// a Cluster and replicas are asked.
#pragma once

#include <string>
#include <vector>

#include "auth/stores/redis/connection.hpp"

namespace sallyport::stores::redis {

// `settings` as for a connection, `settings.timeout` for everything together. The server's role is of no
// interest; messages name the server beside the store. Replies as they are, errors among them.
Task<StoreResult<std::vector<Reply>>> ask(net::any_io_executor executor, Endpoint server,
                                          Connection::Settings settings, std::vector<std::string> commands);

}  // namespace sallyport::stores::redis
