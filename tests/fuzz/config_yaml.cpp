// Any text as configuration: load_text never throws, and either finds a problem or returns something
// complete.
// Covers: config/load.cpp, config/yaml.cpp, config/reader.cpp, config/leaf.cpp, config/units.cpp
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "config/load.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sallyport::config;
  if (size > 16 * 1024) return 0;
  const std::string_view yaml(reinterpret_cast<const char*>(data), size);
  const Environment environment{{"NAME", "value"}};
  const Loaded loaded = load_text(yaml, "fuzz.yaml", environment);
  if (loaded.problems.empty() && loaded.config.listeners.empty()) std::abort();
  for (const Problem& problem : loaded.problems)
    if (problem.message.empty() || problem.mark.line < 0) std::abort();
  return 0;
}
