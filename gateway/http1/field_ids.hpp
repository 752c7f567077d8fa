// From a field's name to the id that the rules ask for.
#pragma once

#include <string_view>

#include "gateway/message.hpp"

namespace sallyport::http1 {

// `name` is a token (RFC 9110 5.6.2).
gateway::FieldId field_id(std::string_view name);

}  // namespace sallyport::http1
