// Replaces ${env:NAME} and ${file:path} in a value, and remembers what it put in so that no message ever
// shows it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/load.hpp"
#include "config/secret.hpp"

namespace sallyport::config {

class Substitution {
 public:
  // `folder` is where relative files start.
  Substitution(const Environment& environment, std::string folder)
      : environment_(environment), folder_(std::move(folder)) {}

  struct Outcome {
    std::string text;
    std::vector<std::string> problems;  // name the variable or file, never its text
  };

  // "$${" stands for a plain "${". A file loses one trailing newline.
  Outcome apply(std::string_view written);

  // `message` with everything that was put in written as its ${...} again.
  std::string masked(std::string message) const;

  // Files read that every user of the machine may read too.
  const std::vector<std::string>& exposed_files() const { return exposed_files_; }

 private:
  bool look_up(std::string_view what, std::string& out, std::string& problem);

  const Environment& environment_;
  std::string folder_;
  struct Used {
    Secret text;
    std::string written;
  };
  std::vector<Used> used_;
  std::vector<std::string> exposed_files_;
};

}  // namespace sallyport::config
