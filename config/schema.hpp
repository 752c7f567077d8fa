// The configuration as a JSON Schema (draft 07), for editors that check and complete YAML: from the
// descriptions that the loader reads by, so that they can't disagree about what there is. What only the
// loader knows (that an address is one, that two settings fit each other) it says itself.
#pragma once

#include <boost/json/object.hpp>

namespace sallyport::config {

boost::json::object schema();

}  // namespace sallyport::config
