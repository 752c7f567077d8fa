// Tells two states of a file apart without reading it: which file a path leads to, how long it is, changed
// when. Links are followed (Kubernetes swaps them).
#pragma once

#include <string>

namespace sallyport::gateway {

// "-;" where there is none. Stamps of several files may be strung together.
std::string file_stamp(const std::string& path);

}  // namespace sallyport::gateway
