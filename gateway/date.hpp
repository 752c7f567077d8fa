// The Date of a message (RFC 9110 5.6.7). Time is an argument: compute it once per second and reuse it.
#pragma once

#include <string>

#include "auth/time.hpp"

namespace sallyport::gateway {

std::string imf_fixdate(UnixSeconds now);  // "Sun, 06 Nov 1994 08:49:37 GMT"

}  // namespace sallyport::gateway
