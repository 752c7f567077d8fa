// Reads one YAML file into a Config, or says everything that is wrong with it. Unknown and duplicate keys,
// bad units, missing secrets and what validate() finds are reported together, each with file, line, column,
// what is allowed and, where a name is close to one that we know, "did you mean".
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.hpp"

namespace sallyport::config {

struct Problem {
  std::string file;
  Mark mark;                 // 0:0 when the problem has no place in the file
  std::string message;       // one sentence: the thing, what is allowed, the way out. Never a secret's text.
  std::string text() const;  // "gateway.yaml:12:5: ..."
};
using Problems = std::vector<Problem>;

struct Loaded {
  Config config;  // meaningful only when `problems` is empty
  Problems problems;
  Problems warnings;  // nested public/private routes, plain HTTP for login on a public address, ...
};

using Environment = std::map<std::string, std::string, std::less<>>;

// Reads the file at `path`; relative paths in it start at its folder; ${env:NAME} from `environment`,
// ${file:p} from disk.
Loaded load_file(const std::string& path, const Environment& environment);

// The same for text in memory; `path` is only for messages and relative paths. Never throws on any input.
Loaded load_text(std::string_view yaml, const std::string& path, const Environment& environment);

Environment process_environment();

}  // namespace sallyport::config
