// A Postman collection (schema 2.1) made from the OpenAPI document, with tests that keep the tokens of an
// answer for the calls that follow. Pure.
#pragma once

#include <boost/json/object.hpp>

#include "gateway/endpoints/dialect.hpp"

namespace sallyport::gateway::endpoints {

boost::json::object postman_collection(const boost::json::object& openapi, const Dialect& dialect);

}  // namespace sallyport::gateway::endpoints
