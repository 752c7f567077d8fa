// JSON as a gateway reads it (RFC 8259, tightened): UTF-8 only, no duplicate members at any depth, no bytes behind the
// value, bounded depth, integers beyond 64 bits and infinite numbers refused.
#pragma once

#include <boost/json/value.hpp>
#include <boost/system/result.hpp>

#include <string>
#include <string_view>

namespace sallyport::jose {

inline constexpr std::size_t kMaxJsonDepth = 16;

// The error says what is wrong, for a log or a developer: "duplicate member \"exp\"".
boost::system::result<boost::json::value, std::string> parse_strict_json(std::string_view text,
                                                                         std::size_t max_depth = kMaxJsonDepth);

}  // namespace sallyport::jose
