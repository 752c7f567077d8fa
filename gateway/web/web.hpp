// The files of this folder, built into the program.
#pragma once

#include <string_view>

namespace sallyport::gateway::web {

// The text of "docs.html", ...; empty: there is no such file.
std::string_view file(std::string_view name);

}  // namespace sallyport::gateway::web
