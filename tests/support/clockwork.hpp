// A wall clock that a test moves: Debian's libfaketime for one process. Its steady clock goes on, as a real
// one does.
#pragma once

#include <filesystem>
#include <map>
#include <stdexcept>
#include <string>

#include "tests/support/temp_dir.hpp"

namespace sallyport::testing {

// Loading a library before a sanitizer's is refused by it.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kClocksMove = false;
#else
inline constexpr bool kClocksMove = true;
#endif

inline std::string faketime_library() {
  for (const auto& entry : std::filesystem::directory_iterator("/usr/lib")) {
    const auto path = entry.path() / "faketime" / "libfaketimeMT.so.1";
    std::error_code ec;
    if (std::filesystem::exists(path, ec)) return path.string();
  }
  throw std::runtime_error("no libfaketime: apt-get install faketime");
}

// As far from the true one as the test says: "+2d", "-90", "+0".
class Clockwork {
 public:
  Clockwork() { move("+0"); }
  std::map<std::string, std::string> env() const {
    return {{"LD_PRELOAD", faketime_library()},
            {"FAKETIME_TIMESTAMP_FILE", dir_ / "offset"},
            {"FAKETIME_NO_CACHE", "1"},
            {"FAKETIME_DONT_FAKE_MONOTONIC", "1"}};
  }
  // Replaced in one step: the process reads it at any moment.
  void move(const std::string& offset) {
    dir_.write("next", offset + "\n");
    std::filesystem::rename(dir_ / "next", dir_ / "offset");
  }

 private:
  TempDir dir_;
};

}  // namespace sallyport::testing
