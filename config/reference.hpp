// Tables of every setting (key, default, what is allowed, meaning) in Markdown, from the descriptions:
// config/README.md holds them and a test compares.
#pragma once

#include <string>

namespace sallyport::config {

std::string reference();

}  // namespace sallyport::config
