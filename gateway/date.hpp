// Times as text: the Date of a message (RFC 9110 5.6.7) and times in JSON (RFC 3339). Time is an argument.
#pragma once

#include <string>

#include "auth/time.hpp"

namespace sallyport::gateway {

std::string imf_fixdate(UnixSeconds now);  // "Sun, 06 Nov 1994 08:49:37 GMT"
std::string rfc3339(UnixSeconds time);     // "1994-11-06T08:49:37Z"

}  // namespace sallyport::gateway
