// Where each setting stood in the file, by its path ("routes[2].strip_prefix"), so that rules over the whole
// configuration can point at the line that breaks them.
#pragma once

#include <map>
#include <string>

#include "config/config.hpp"

namespace sallyport::config {

class Places {
 public:
  void note(const std::string& path, Mark mark) { marks_.emplace(path, mark); }

  bool given(const std::string& path) const { return marks_.contains(path); }

  // The nearest place: of the setting, else of the section or list that would hold it.
  Mark of(std::string path) const {
    while (!path.empty()) {
      if (const auto found = marks_.find(path); found != marks_.end()) return found->second;
      const auto cut = path.find_last_of(".[");
      path.resize(cut == std::string::npos ? 0 : cut);
    }
    return {};
  }

 private:
  std::map<std::string, Mark> marks_;
};

}  // namespace sallyport::config
