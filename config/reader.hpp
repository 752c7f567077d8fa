// Fills configuration structs from a YAML tree along describe(): one problem for each thing that is wrong,
// none fatal.
#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "config/places.hpp"
#include "config/substitute.hpp"
#include "config/suggest.hpp"
#include "config/visitor.hpp"
#include "config/yaml.hpp"

namespace sallyport::config {

// What all sections of one file share.
struct Reading {
  const std::string& file;
  const std::string& folder;
  Substitution& substitution;
  Places& places;
  Problems& problems;

  void problem(Mark mark, std::string message) { problems.push_back({file, mark, std::move(message)}); }

  // Reports and returns false where the node is not of that kind.
  bool is(YamlNode::Kind kind, const YamlNode& node, const std::string& path);
  void read(const YamlNode& node, const std::string& path, const Leaf& leaf);
  void unknown_key(const YamlNode::Entry& entry, const std::string& path,
                   const std::vector<std::string>& known);
};

// Upstreams are a map in YAML, whose keys are their names; a name ends up in paths, logs and metrics.
bool is_plain_name(std::string_view name);

class SectionReader : public Visitor<SectionReader> {
 public:
  SectionReader(Reading& reading, const YamlNode& map, std::string path)
      : reading_(reading), map_(map), path_(std::move(path)) {}

  template <class T>
  static void read(Reading& reading, const YamlNode& node, const std::string& path, T& section) {
    if (!reading.is(YamlNode::Kind::map, node, path)) return;
    SectionReader reader(reading, node, path);
    describe(reader, section);
    reader.finish();
  }

  void at(Mark& mark) { mark = map_.mark; }

  void on_leaf(const Key& key, const Leaf& leaf) {
    if (const auto* node = find(key)) reading_.read(*node, below(key), leaf);
  }

  template <class T>
  void on_leaves(const Key& key, std::vector<T>& values) {
    if (const auto* node = find(key)) read_leaves(*node, below(key), values, key.rule);
  }

  template <class T>
  void on_section(const Key& key, T& section) {
    if (const auto* node = find(key)) read(reading_, *node, below(key), section);
  }

  template <class T>
  void on_optional(const Key& key, std::optional<T>& section) {
    if (const auto* node = find(key)) read(reading_, *node, below(key), section.emplace());
  }

  template <class T>
  void on_list(const Key& key, std::vector<T>& list) {
    const auto* node = find(key);
    if (!node || !reading_.is(YamlNode::Kind::list, *node, below(key))) return;
    list.clear();
    for (const auto& item : node->items) {
      const auto path = below(key) + "[" + std::to_string(list.size()) + "]";
      reading_.places.note(path, item->mark);
      read(reading_, *item, path, list.emplace_back());
    }
  }

  template <class T>
  void on_one_or_more(const Key& key, std::vector<T>& list) {
    const auto* node = find(key);
    if (!node) return;
    if (node->kind == YamlNode::Kind::list) return on_list(key, list);
    list.clear();
    read(reading_, *node, below(key), list.emplace_back());
  }

  template <class T>
  void on_brief(const Key& key, std::vector<T>& list) {
    const auto* node = find(key);
    if (!node) return;
    list.clear();
    if (node->kind == YamlNode::Kind::scalar)
      return reading_.read(*node, below(key), brief_leaf(list.emplace_back()));
    if (!reading_.is(YamlNode::Kind::list, *node, below(key))) return;
    for (const auto& item : node->items) {
      const auto path = below(key) + "[" + std::to_string(list.size()) + "]";
      reading_.places.note(path, item->mark);
      if (item->kind == YamlNode::Kind::map)
        read(reading_, *item, path, list.emplace_back());
      else
        reading_.read(*item, path, brief_leaf(list.emplace_back()));
    }
  }

  template <class T>
  void on_named(const Key& key, std::vector<T>& list) {
    const auto* node = find(key);
    if (!node || !reading_.is(YamlNode::Kind::map, *node, below(key))) return;
    list.clear();
    for (const auto& entry : node->entries) {
      if (!is_plain_name(entry.key))
        reading_.problem(entry.mark, below(key) + ": the name " + in_quotes(entry.key) +
                                         " may hold letters, digits, - and _ only, at most 64");
      auto& item = list.emplace_back();
      item.name = entry.key;
      const auto path = below(key) + "." + entry.key;
      reading_.places.note(path, entry.mark);
      read(reading_, *entry.value, path, item);
    }
  }

  template <class T>
  void on_map(const Key& key, std::map<std::string, T>& map) {
    const auto* node = find(key);
    if (!node || !reading_.is(YamlNode::Kind::map, *node, below(key))) return;
    // Entries that are there already are a preset's; the file adds to them and overrides single ones.
    for (const auto& entry : node->entries) {
      const auto path = below(key) + "." + entry.key;
      reading_.places.note(path, entry.value->mark);
      if constexpr (is_vector<T>)
        read_leaves(*entry.value, path, map[entry.key], Rule{});
      else
        reading_.read(*entry.value, path, leaf(map[entry.key], Rule{}));
    }
  }

  template <class T>
  void on_switch(const Key& key, bool& on, T& section) {
    const auto* node = find(key);
    if (!node) return;
    on = true;
    if (node->kind == YamlNode::Kind::map) return read(reading_, *node, below(key), section);
    auto word = leaf(on, Rule{});
    word.allowed = "off | on | a section of keys";
    word.words = {"off", "on"};
    reading_.read(*node, below(key), word);
  }

  template <class T>
  void on_short(const Key& key, const Leaf& leaf, T& section) {
    const auto* node = find(key);
    if (!node) return;
    if (node->kind == YamlNode::Kind::map) return read(reading_, *node, below(key), section);
    reading_.read(*node, below(key), leaf);
    section.mark = node->mark;
  }

 private:
  std::string below(const Key& key) const { return path_.empty() ? key.name : path_ + "." + key.name; }

  template <class T>
  void read_leaves(const YamlNode& node, const std::string& path, std::vector<T>& values, const Rule& rule) {
    values.clear();
    if (node.kind == YamlNode::Kind::scalar) {
      reading_.read(node, path, leaf(values.emplace_back(), rule));
      return;
    }
    if (!reading_.is(YamlNode::Kind::list, node, path)) return;
    for (const auto& item : node.items) {
      const auto item_path = path + "[" + std::to_string(values.size()) + "]";
      reading_.places.note(item_path, item->mark);
      reading_.read(*item, item_path, leaf(values.emplace_back(), rule));
    }
  }

  const YamlNode* find(const Key& key) {
    known_.emplace_back(key.name);
    for (const auto& entry : map_.entries)
      if (entry.key == key.name) {
        reading_.places.note(below(key), entry.value->mark);
        return entry.value.get();
      }
    if (key.rule.required)
      reading_.problem(map_.mark,
                       (path_.empty() ? "" : path_ + ": ") + in_quotes(key.name) + " is missing: " + key.doc);
    return nullptr;
  }

  void finish() {
    for (const auto& entry : map_.entries)
      if (std::find(known_.begin(), known_.end(), entry.key) == known_.end())
        reading_.unknown_key(entry, path_, known_);
  }

  Reading& reading_;
  const YamlNode& map_;
  std::string path_;
  std::vector<std::string> known_;
};

}  // namespace sallyport::config
