// The two clocks that decisions are given. Nothing below gateway/ reads a clock: time is an argument.
#pragma once

#include <chrono>

namespace sallyport {

using UnixSeconds = std::chrono::sys_seconds;  // a token's times (RFC 7519 NumericDate)
using UnixMillis = std::chrono::sys_time<std::chrono::milliseconds>;  // a store's times
using SteadyTime = std::chrono::steady_clock::time_point;             // deadlines

inline UnixSeconds to_seconds(UnixMillis t) { return std::chrono::floor<std::chrono::seconds>(t); }

}  // namespace sallyport
