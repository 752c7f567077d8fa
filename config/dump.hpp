// The configuration in force as YAML that load_text reads again: every setting, defaults too, secrets as ***.
#pragma once

#include <string>

#include "config/config.hpp"

namespace sallyport::config {

std::string dump(const Config& config);

}  // namespace sallyport::config
