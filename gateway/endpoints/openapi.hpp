// The OpenAPI 3.1 description of exactly the endpoints that a configuration serves, in its dialect. Pure.
#pragma once

#include <boost/json/object.hpp>

#include "config/config.hpp"
#include "gateway/endpoints/dialect.hpp"

namespace sallyport::gateway::endpoints {

boost::json::object openapi_document(const config::Config& config, const Dialect& dialect);

}  // namespace sallyport::gateway::endpoints
