// One canonical spelling of a path: what is matched is what is forwarded. Refuses rather than repairs
// (SECURITY P1).
#pragma once

#include <string>
#include <string_view>

namespace sallyport::gateway {

struct NormalPath {
  std::string_view path;     // into `raw` where it was canonical already, else into `scratch`
  std::string_view refusal;  // empty: good; else a code for the log ("dot_segment"), and the answer is 400
  // Doubtful features that only a route may permit (Router::find asks).
  bool encoded_slash = false;  // %2F somewhere
  bool empty_segment = false;  // "//", or a segment of nothing but parameters ("/;x/")
  bool parameters = false;     // ';' or %3B somewhere

  bool good() const { return refusal.empty(); }
  bool doubtful() const { return encoded_slash || empty_segment || parameters; }
};

// `raw` is an origin-form path without its query. Unreserved characters are decoded, hex is upper-cased,
// nothing else changes: normalise(normalise(x)) is normalise(x). Refused: dot segments in any spelling (%2e,
// behind %2F, before ';'), backslashes, control bytes, bytes >= 0x80 and '#' '?' unencoded, %25 before two
// hexadecimal digits (double encoding), bad UTF-8, bad %xx. `scratch` is overwritten only when needed; its
// memory is kept.
NormalPath normalise_path(std::string_view raw, std::string& scratch);

// How another server might read a canonical path.
struct Reading {
  bool cut_parameters = false;
  bool decode_slashes = false;
  bool merge_slashes = false;
};
std::string read_as(std::string_view path, const Reading& reading);

// `path` behind `prefix` where that ends at a segment's end: "/api" off "/api/x" is "/x", off "/api" it is
// "/". Otherwise `path`.
std::string_view without_prefix(std::string_view path, std::string_view prefix);

}  // namespace sallyport::gateway
