#include "config/substitute.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <fstream>

#include "config/suggest.hpp"
#include "config/urls.hpp"

namespace sallyport::config {
namespace {

constexpr std::size_t kLargestSecret = 64 * 1024;

// Shorter ones ("1", "on", a port) would riddle every message and hide nothing.
constexpr std::size_t kShortestMasked = 4;

// Nothing in `problem` means success.
std::string read_secret(const std::string& path, std::string& problem, bool& exposed) {
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0) {
    problem = "the file " + in_quotes(path) + " is missing or in a folder that we may not enter";
    return {};
  }
  if (!S_ISREG(info.st_mode)) {
    problem = in_quotes(path) + " is not a regular file";
    return {};
  }
  std::ifstream in(path, std::ios::binary);
  std::string text(kLargestSecret + 1, '\0');
  if (!in) {
    problem = "the file " + in_quotes(path) + " cannot be read; check its owner and mode";
    return {};
  }
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  if (text.size() > kLargestSecret) {
    problem = "the file " + in_quotes(path) + " is larger than 64KiB";
    return {};
  }
  exposed = (info.st_mode & S_IROTH) != 0;
  if (text.ends_with('\n')) text.pop_back();
  if (text.ends_with('\r')) text.pop_back();
  return text;
}

}  // namespace

bool Substitution::look_up(std::string_view what, std::string& out, std::string& problem) {
  if (what.starts_with("env:")) {
    const auto name = what.substr(4);
    const auto found = environment_.find(name);
    if (found == environment_.end()) {
      problem = "the environment variable " + in_quotes(name) + " is not set";
      return false;
    }
    out = found->second;
    return true;
  }
  if (what.starts_with("file:") && what.size() > 5 && what.find('\0') == std::string_view::npos) {
    const auto path = resolved(what.substr(5), folder_);
    bool exposed = false;
    out = read_secret(path, problem, exposed);
    if (!problem.empty()) return false;
    if (exposed && std::find(exposed_files_.begin(), exposed_files_.end(), path) == exposed_files_.end())
      exposed_files_.push_back(path);
    return true;
  }
  problem = in_quotes("${" + std::string(what) + "}") +
            " is not known; write ${env:NAME} or ${file:path}, or $${ for a plain ${";
  return false;
}

Substitution::Outcome Substitution::apply(std::string_view written) {
  Outcome outcome;
  while (!written.empty()) {
    const auto start = written.find("${");
    outcome.text += written.substr(0, start);
    if (start == std::string_view::npos) break;
    if (start > 0 && written[start - 1] == '$') {
      outcome.text += '{';
      written.remove_prefix(start + 2);
      continue;
    }
    const auto end = written.find('}', start);
    if (end == std::string_view::npos) {
      outcome.problems.emplace_back("a ${ has no }");
      break;
    }
    std::string text, problem;
    if (look_up(written.substr(start + 2, end - start - 2), text, problem)) {
      outcome.text += text;
      if (text.size() >= kShortestMasked)
        used_.push_back({Secret(std::move(text)), std::string(written.substr(start, end + 1 - start))});
    } else {
      outcome.problems.push_back(std::move(problem));
    }
    written.remove_prefix(end + 1);
  }
  return outcome;
}

std::string Substitution::masked(std::string message) const {
  for (const auto& used : used_) {
    const auto text = used.text.reveal();
    for (auto at = message.find(text); at != std::string::npos;
         at = message.find(text, at + used.written.size()))
      message.replace(at, text.size(), used.written);
  }
  return message;
}

}  // namespace sallyport::config
