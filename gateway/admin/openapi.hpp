// The OpenAPI 3.1 description of the admin listener. The same under every configuration. Pure.
#pragma once

#include <boost/json/object.hpp>

namespace sallyport::gateway::admin {

boost::json::object openapi_document();

}  // namespace sallyport::gateway::admin
