// What the rules of validate*.cpp share: where to report, and at which place.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "config/validate.hpp"

namespace sallyport::config {

struct Judge {
  const std::string& file;
  const Places& places;
  Verdict& verdict;

  void problem(const std::string& path, const std::string& message) {
    verdict.problems.push_back({file, places.of(path), path + ": " + message});
  }
  void warning(const std::string& path, const std::string& message) {
    verdict.warnings.push_back({file, places.of(path), path + ": " + message});
  }

  // A URL that the gateway calls; `in_clear`: what to warn of where it is http:// to another
  // machine; null: nothing.
  void called(const std::string& url, const std::string& path, const char* in_clear);
  void methods(const std::vector<std::string>& methods, const std::string& path);
  void cors(const Cors& cors, const std::string& path);
};

void judge_auth(const Config& config, Judge& judge);
void judge_routes(const Config& config, Judge& judge);
void judge_users(const Config& config, Judge& judge);
void judge_accounts(const Config& config, Judge& judge);
void judge_tracing(const Config& config, Judge& judge);

}  // namespace sallyport::config
