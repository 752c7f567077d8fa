// Judges a whole Config: what each setting alone cannot know. All problems at once; pure, no file and no
// socket.
#pragma once

#include <string>

#include "config/load.hpp"
#include "config/places.hpp"

namespace sallyport::config {

struct Verdict {
  Problems problems;  // the gateway must not start with these
  Problems warnings;  // somebody should look: nested public and private routes, login without TLS, ...
};

// `config` is complete()d; `places` gives lines and columns where it came from a file.
Verdict validate(const Config& config, const std::string& file, const Places& places = {});

}  // namespace sallyport::config
