#include "config/schema.hpp"

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

#include <string>
#include <utility>

#include "config/visitor.hpp"

namespace sallyport::config {
namespace {

namespace json = boost::json;

json::object any_of(json::array choices) { return {{"anyOf", std::move(choices)}}; }

json::object list_of(json::object item) { return {{"type", "array"}, {"items", std::move(item)}}; }

// Only where the words are all that is allowed.
bool is_closed(const Leaf& leaf) {
  std::string all;
  for (const std::string& word : leaf.words) all += (all.empty() ? "" : " | ") + word;
  return !leaf.words.empty() && leaf.allowed == all;
}

// A scalar; any may come from the environment or a file.
json::object scalar(const Leaf& leaf) {
  if (!is_closed(leaf)) return {{"type", {"string", "number", "boolean"}}};
  json::array words(leaf.words.begin(), leaf.words.end());
  // YAML reads two of them as no text, and the loader knows their other names.
  if (leaf.words == std::vector<std::string>{"true", "false"})
    words = {true, false, "on", "off", "yes", "no"};
  json::object from_elsewhere{{"type", "string"}, {"pattern", "\\$\\{(env|file):"}};
  return any_of({json::object{{"enum", std::move(words)}}, std::move(from_elsewhere)});
}

class Section : public Visitor<Section> {
 public:
  template <class T>
  static json::object of(T& value) {
    Section section;
    describe(section, value);
    json::object out{
        {"type", "object"}, {"additionalProperties", false}, {"properties", std::move(section.properties_)}};
    if (!section.required_.empty()) out["required"] = std::move(section.required_);
    return out;
  }

  void at(Mark&) {}

  void on_leaf(const Key& key, const Leaf& leaf) {
    json::object value = scalar(leaf);
    if (leaf.set && !leaf.secret) value["default"] = leaf.print();
    add(key, std::move(value), leaf.allowed);
  }
  template <class T>
  void on_leaves(const Key& key, std::vector<T>&) {
    T probe{};
    const Leaf one = leaf(probe, Rule{});
    add(key, one_or_list(one), "one or a list of: " + one.allowed);
  }
  template <class T>
  void on_section(const Key& key, T& value) {
    add(key, of(value));
  }
  template <class T>
  void on_optional(const Key& key, std::optional<T>&) {
    T value{};
    add(key, of(value));
  }
  template <class T>
  void on_list(const Key& key, std::vector<T>&) {
    T value{};
    add(key, list_of(of(value)));
  }
  template <class T>
  void on_one_or_more(const Key& key, std::vector<T>&) {
    T value{};
    add(key, any_of({of(value), list_of(of(value))}));
  }
  template <class T>
  void on_brief(const Key& key, std::vector<T>&) {
    T value{};
    const Leaf brief = brief_leaf(value);
    add(key, any_of({scalar(brief), list_of(any_of({scalar(brief), of(value)}))}));
  }
  template <class T>
  void on_named(const Key& key, std::vector<T>&) {
    T value{};
    json::object names{{"^[A-Za-z0-9_-]{1,64}$", of(value)}};
    add(key, {{"type", "object"}, {"additionalProperties", false}, {"patternProperties", std::move(names)}});
  }
  template <class T>
  void on_map(const Key& key, std::map<std::string, T>&) {
    json::object value;
    if constexpr (is_vector<T>) {
      typename T::value_type probe{};
      value = one_or_list(leaf(probe, Rule{}));
    } else {
      T probe{};
      value = scalar(leaf(probe, Rule{}));
    }
    add(key, {{"type", "object"}, {"additionalProperties", std::move(value)}});
  }
  template <class T>
  void on_switch(const Key& key, bool&, T& value) {
    json::object words{{"enum", {"off", "on", true, false}}};
    add(key, any_of({std::move(words), of(value)}));
  }
  template <class T>
  void on_short(const Key& key, const Leaf& leaf, T& value) {
    add(key, any_of({scalar(leaf), of(value)}), leaf.allowed);
  }

 private:
  static json::object one_or_list(const Leaf& leaf) { return any_of({scalar(leaf), list_of(scalar(leaf))}); }

  void add(const Key& key, json::object value, const std::string& allowed = {}) {
    value["description"] = std::string(key.doc) + (allowed.empty() ? "" : ". Allowed: " + allowed);
    properties_[key.name] = std::move(value);
    if (key.rule.required) required_.emplace_back(key.name);
  }

  json::object properties_;
  json::array required_;
};

}  // namespace

json::object schema() {
  Config standard;
  json::object whole = Section::of(standard);
  whole["$schema"] = "http://json-schema.org/draft-07/schema#";
  whole["title"] = "Sallyport";
  return whole;
}

}  // namespace sallyport::config
