// Fills what follows from other settings: endpoint paths from their prefix, a route's auth from the defaults.
#pragma once

#include "config/config.hpp"
#include "config/places.hpp"

namespace sallyport::config {

// An endpoint that the file gave (or turned off) stays as it is; without tokens.issuer there are none. Load
// calls this before validate(); a program that builds a Config by hand calls it itself.
void complete(Config& config, const Places& places = {});

}  // namespace sallyport::config
