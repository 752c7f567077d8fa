// A YAML document as a tree with places, bounded before anything walks it: size, depth, nodes after aliases
// are followed, no key twice. yaml-cpp does the grammar and stays behind this header; its own nodes forget
// duplicates and expand without end.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "config/load.hpp"

namespace sallyport::config {

struct YamlNode {
  enum class Kind { null, scalar, list, map };
  struct Entry;

  Kind kind = Kind::null;
  Mark mark;
  std::string text;                                    // of a scalar, as written
  std::vector<std::shared_ptr<const YamlNode>> items;  // of a list
  std::vector<Entry> entries;                          // of a map, in the file's order, each key once
  std::size_t weight = 1;                              // nodes in this tree, aliases counted each time
  unsigned height = 1;                                 // levels in this tree
  bool complete = false;                               // false while an alias to it would be a loop
};

struct YamlNode::Entry {
  std::string key;
  Mark mark;
  std::shared_ptr<const YamlNode> value;
};

struct YamlLimits {
  std::size_t bytes = 1024 * 1024;
  unsigned depth = 32;
  std::size_t nodes = 100'000;
};

// The first document's root, or null when `problems` says why there is none. Duplicate keys are reported and
// the first kept, so that reading can go on. Never throws.
std::shared_ptr<const YamlNode> parse_yaml(std::string_view text, const std::string& file, Problems& problems,
                                           const YamlLimits& limits = {});

}  // namespace sallyport::config
