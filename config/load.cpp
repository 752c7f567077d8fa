#include "config/load.hpp"

#include <algorithm>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <tuple>

#include "config/complete.hpp"
#include "config/places.hpp"
#include "config/presets.hpp"
#include "config/reader.hpp"
#include "config/substitute.hpp"
#include "config/validate.hpp"
#include "config/yaml.hpp"

extern char** environ;

namespace sallyport::config {
namespace {

// In the order of the file, so that an operator works from top to bottom; what has no place comes first.
void in_order(Problems& problems) {
  std::stable_sort(problems.begin(), problems.end(), [](const Problem& a, const Problem& b) {
    return std::tie(a.mark.line, a.mark.column) < std::tie(b.mark.line, b.mark.column);
  });
}

const YamlNode* member(const YamlNode& map, std::string_view key) {
  for (const auto& entry : map.entries)
    if (entry.key == key) return entry.value.get();
  return nullptr;
}

// A preset is other defaults, so it must be known before anything else is read. A word that is none is left
// for the reader to complain about.
void apply_preset_of(const YamlNode& root, Config& config) {
  const YamlNode* auth = member(root, "auth");
  const YamlNode* preset = auth ? member(*auth, "preset") : nullptr;
  if (!preset) return;
  for (const auto& [word, meaning] : words_of(Preset{}))
    if (word == preset->text) apply_preset(config, meaning);
}

void load_into(Loaded& out, std::string_view yaml, const std::string& path, const Environment& environment) {
  const auto folder = std::filesystem::absolute(std::filesystem::path(path)).parent_path().string();
  const auto root = parse_yaml(yaml, path, out.problems);
  if (!root) return;
  Substitution substitution(environment, folder);
  Places places;
  Reading reading{path, folder, substitution, places, out.problems};
  apply_preset_of(*root, out.config);
  const Preset applied = out.config.auth.preset;
  SectionReader::read(reading, *root, "", out.config);
  if (out.config.auth.preset != applied)
    reading.problem(places.of("auth.preset"), "auth.preset: write the word itself, without ${...}");
  complete(out.config, places);
  auto judged = validate(out.config, path, places);
  // The reader quotes values as written; only rules over the loaded values could show what a ${...} stood
  // for.
  for (auto* list : {&judged.problems, &judged.warnings})
    for (auto& problem : *list) problem.message = substitution.masked(std::move(problem.message));
  std::move(judged.problems.begin(), judged.problems.end(), std::back_inserter(out.problems));
  out.warnings = std::move(judged.warnings);
  for (const auto& file : substitution.exposed_files())
    out.warnings.push_back({path, {}, "every user of this machine can read " + file + "; chmod o-r it"});
  in_order(out.problems);
  in_order(out.warnings);
}

}  // namespace

std::string Problem::text() const {
  if (mark.line == 0) return file + ": " + message;
  return file + ":" + std::to_string(mark.line) + ":" + std::to_string(mark.column) + ": " + message;
}

Loaded load_text(std::string_view yaml, const std::string& path, const Environment& environment) {
  Loaded out;
  try {
    load_into(out, yaml, path, environment);
  } catch (
      const std::exception&) {  // no memory, no current folder: nothing that a message could mend in the file
    out.problems.push_back({path, {}, "the file could not be read to its end"});
  }
  return out;
}

Loaded load_file(const std::string& path, const Environment& environment) {
  const auto refuse = [&](const char* message) {
    Loaded out;
    out.problems.push_back({path, {}, message});
    return out;
  };
  std::error_code ec;
  if (std::filesystem::is_directory(path, ec)) return refuse("this is a folder; name the YAML file in it");
  std::ifstream in(path, std::ios::binary);
  if (!in) {
    const bool exists = std::filesystem::exists(path, ec);
    return refuse(exists ? "this file cannot be read; check its owner and mode"
                         : "there is no such file; --config names the YAML file");
  }
  std::string text(YamlLimits{}.bytes + 1, '\0');  // one more than allowed: parse_yaml says so
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  return load_text(text, path, environment);
}

Environment process_environment() {
  Environment out;
  for (auto** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const auto equals = text.find('=');
    if (equals != std::string_view::npos) out.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return out;
}

}  // namespace sallyport::config
