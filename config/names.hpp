// Syntax of names that a configuration holds: route paths, header fields, methods, origins. Pure.
#pragma once

#include <string>
#include <string_view>

namespace sallyport::config {

// What is wrong with the path of a route or endpoint, and its normal form where one is near; empty: nothing.
// The same rules as for requests (CONTRACT 3.2), so that a route can be reached at all.
std::string path_flaw(std::string_view path);

// RFC 9110 5.6.2.
bool is_token(std::string_view text);

// Whether the field is for one hop only or frames the message: never ours to set.
bool is_hop_by_hop(std::string_view field);

// What is wrong with `field` as the target of claims_to_headers; empty: nothing.
std::string claim_header_flaw(std::string_view field);

// scheme://host[:port] in lower case, no path.
bool is_origin(std::string_view text);

// `inner` is `outer` or lies below it, by whole segments: /x/ covers /x and /x/..., /x only itself.
bool covers(std::string_view outer, std::string_view inner);

}  // namespace sallyport::config
