// A folder of one test: made on construction, removed with all in it on destruction.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace sallyport::testing {

class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::string operator/(std::string_view name) const { return (path_ / name).string(); }

  // Writes a file of the given text (folders on the way are made) and returns its path.
  std::string write(std::string_view name, std::string_view text) const;

 private:
  std::filesystem::path path_;
};

std::string read_file(const std::filesystem::path& path);  // throws when it can't be read

}  // namespace sallyport::testing
