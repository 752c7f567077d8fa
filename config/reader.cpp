#include "config/reader.hpp"

#include <openssl/crypto.h>

namespace sallyport::config {
namespace {

const char* expected(YamlNode::Kind kind) {
  switch (kind) {
    case YamlNode::Kind::list:
      return "a list";
    case YamlNode::Kind::map:
      return "a section of keys";
    case YamlNode::Kind::scalar:
      return "one value";
    case YamlNode::Kind::null:
      break;
  }
  return "nothing";
}

}  // namespace

bool is_plain_name(std::string_view name) {
  constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
  return !name.empty() && name.size() <= 64 && name.find_first_not_of(kPlain) == std::string_view::npos;
}

bool Reading::is(YamlNode::Kind kind, const YamlNode& node, const std::string& path) {
  if (node.kind == kind) return true;
  const auto what = path.empty() ? std::string("the file") : path;
  if (node.kind == YamlNode::Kind::null)
    problem(node.mark, what + " has no value; give it one or remove the key");
  else
    problem(node.mark, what + ": expected " + expected(kind) + ", found " + expected(node.kind));
  return false;
}

void Reading::read(const YamlNode& node, const std::string& path, const Leaf& leaf) {
  if (!is(YamlNode::Kind::scalar, node, path)) return;
  auto value = substitution.apply(node.text);
  for (auto& why : value.problems) problem(node.mark, path + ": " + why);
  if (!value.problems.empty()) return;
  const auto outcome = leaf.parse(value.text, folder);
  OPENSSL_cleanse(value.text.data(), value.text.size());
  if (outcome.ok) return;
  // The value as written: what a ${...} stands for stays unseen.
  auto message = path + ": " + (leaf.secret ? "this value" : in_quotes(node.text)) + " is not allowed";
  if (!outcome.why.empty()) message += ", " + outcome.why;
  if (!leaf.secret) message += did_you_mean(node.text, leaf.words);
  problem(node.mark, message + "; allowed: " + leaf.allowed);
}

void Reading::unknown_key(const YamlNode::Entry& entry, const std::string& path,
                          const std::vector<std::string>& known) {
  const auto where = path.empty() ? std::string() : " in " + path;
  if (entry.key == "<<") {
    problem(entry.mark, "merge keys (<<)" + where + " are not supported; write the keys out");
    return;
  }
  problem(entry.mark, "unknown key " + in_quotes(entry.key) + where + did_you_mean(entry.key, known) +
                          "; allowed: " + one_of(known));
}

}  // namespace sallyport::config
