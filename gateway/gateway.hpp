// The running gateway: opens store, keys, ports and logs, starts the workers, obeys signals, and ends in
// order.
#pragma once

#include <string>

#include "config/config.hpp"

namespace sallyport::gateway {

// Serves until SIGTERM or SIGINT. Returns the exit code: 0 after a drain, 1 when keys or routes are wrong, 3
// when a port or file isn't to be had (a Redis that isn't there is not a reason: the gateway starts and isn't
// ready).
int serve(const config::Config& config, const std::string& config_path);

}  // namespace sallyport::gateway
