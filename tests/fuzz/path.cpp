// Paths as strangers write them: what is taken has one spelling, which is taken again as it stands, and none
// of the other readings of it leaves the folder that it names.
// Covers: gateway/path.cpp
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "gateway/path.hpp"

namespace {

using namespace sallyport::gateway;

void require(bool held) {
  if (!held) std::abort();
}

bool has_dot_segment(std::string_view path) {
  while (!path.empty()) {
    const std::string_view segment = path.substr(0, path.find('/'));
    if (segment == "." || segment == "..") return true;
    path.remove_prefix(std::min(path.size(), segment.size() + 1));
  }
  return false;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view raw(reinterpret_cast<const char*>(data), size);
  std::string scratch, again;
  const NormalPath normal = normalise_path(raw, scratch);
  if (!normal.good()) return 0;
  require(normal.path.starts_with('/'));
  for (const char c : normal.path)
    require(static_cast<unsigned char>(c) > 0x20 && static_cast<unsigned char>(c) < 0x7f && c != '\\' &&
            c != '?' && c != '#');
  require(!has_dot_segment(normal.path));
  const std::string kept(normal.path);
  const NormalPath twice = normalise_path(kept, again);
  require(twice.good() && twice.path == kept);
  require(twice.encoded_slash == normal.encoded_slash && twice.empty_segment == normal.empty_segment &&
          twice.parameters == normal.parameters);
  for (unsigned how = 0; how < 8; ++how)
    require(!has_dot_segment(read_as(kept, {(how & 1) != 0, (how & 2) != 0, (how & 4) != 0})));
  (void)without_prefix(kept, "/api");
  return 0;
}
