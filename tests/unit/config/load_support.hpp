// A complete small configuration for tests to change, and a folder that lives as long as a test.
#pragma once

#include <sys/stat.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "config/load.hpp"

namespace sallyport::config::test {

// Lines 1-8; what a test adds begins in line 9.
inline const std::string kBase =
    "listeners:\n"
    "  - address: 127.0.0.1:8080\n"
    "tokens: {issuer: https://auth.example.com, audience: [api], signing: {keys: keys/}}\n"
    "upstreams:\n"
    "  orders: {servers: [\"http://10.0.0.5:8080\"]}\n"
    "routes:\n"
    "  - {path: /api/, upstream: orders, auth: required}\n"
    "  - {path: /public/, upstream: orders, auth: none}\n";

inline Loaded load(const std::string& yaml, const Environment& environment = {}) {
  return load_text(yaml, "/etc/sallyport/gateway.yaml", environment);
}

// Every problem as "line:column: message", one per line.
inline std::string shown(const Problems& problems) {
  std::string out;
  for (const auto& problem : problems)
    out += std::to_string(problem.mark.line) + ":" + std::to_string(problem.mark.column) + ": " +
           problem.message + "\n";
  return out;
}

inline std::string text_of(const std::string& path) {
  std::ifstream in(path);
  std::stringstream out;
  out << in.rdbuf();
  return out.str();
}

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "sallyport-config-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  std::string write(const std::string& name, const std::string& text, ::mode_t mode = 0600) const {
    const auto path = path_ / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
    ::chmod(path.c_str(), mode);
    return path.string();
  }
  std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

}  // namespace sallyport::config::test
