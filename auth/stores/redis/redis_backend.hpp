// Opens a Redis as the store. Nothing is sent until the first call; a Redis that isn't there is each call's
// error.
#pragma once

#include <boost/system/result.hpp>

#include <memory>
#include <string>

#include "auth/stores/stores.hpp"
#include "config/config.hpp"

namespace sallyport::stores::redis {

// An error (the message) only where the configuration asks for what we can't do.
boost::system::result<std::unique_ptr<Backend>, std::string> open_redis(const config::Store& store,
                                                                        const config::Refresh& rules);

}  // namespace sallyport::stores::redis
