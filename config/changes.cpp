#include "config/changes.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>
#include <utility>

#include "config/visitor.hpp"

namespace sallyport::config {
namespace {

// What an item of a list is known by; empty: its place alone.
template <class T>
std::string label_of(const T&) {
  return {};
}
std::string label_of(const Route& route) { return route.host + route.path; }
std::string label_of(const ForeignIssuer& issuer) { return issuer.issuer; }
std::string label_of(const TlsFiles& files) { return files.certificate; }
std::string label_of(const Upstream::Server& server) { return server.url; }
std::string label_of(const Listener& listener) {
  Address address = listener.address;
  return leaf(address, Rule{}).print();
}

struct Setting {
  std::string key;
  std::string value;               // as compared; never shown
  std::vector<std::string> items;  // of lists, that it is part of: the outermost first
};

// A configuration as one long list of settings.
class Flattener : public Visitor<Flattener> {
 public:
  explicit Flattener(std::vector<Setting>& out) : out_(out) {}

  void at(Mark&) {}

  void on_leaf(const Key& key, const Leaf& leaf) {
    out_.push_back({prefix_ + key.name, leaf.set ? value_of(leaf) : std::string(), items_});
  }

  template <class T>
  void on_leaves(const Key& key, std::vector<T>& values) {
    std::string all;
    for (auto& value : values) append(all, value_of(leaf(value, Rule{})));
    out_.push_back({prefix_ + key.name, std::move(all), items_});
  }

  template <class T>
  void on_section(const Key& key, T& value) {
    section(prefix_ + key.name, value);
  }

  template <class T>
  void on_optional(const Key& key, std::optional<T>& value) {
    out_.push_back({prefix_ + key.name, value ? "on" : "", items_});
    if (value) on_section(key, *value);
  }

  template <class T>
  void on_list(const Key& key, std::vector<T>& list) {
    std::map<std::string, int> seen;
    for (std::size_t i = 0; i < list.size(); ++i) {
      std::string label = label_of(list[i]);
      if (label.empty()) label = std::to_string(i);
      if (const int before = seen[label]++; before > 0) label += "#" + std::to_string(before + 1);
      item(prefix_ + key.name + "[" + label + "]", list[i]);
    }
  }

  template <class T>
  void on_one_or_more(const Key& key, std::vector<T>& list) {
    on_list(key, list);
  }

  template <class T>
  void on_brief(const Key& key, std::vector<T>& list) {
    on_list(key, list);
  }

  template <class T>
  void on_named(const Key& key, std::vector<T>& list) {
    for (auto& one : list) item(prefix_ + key.name + "." + one.name, one);
  }

  template <class T>
  void on_map(const Key& key, std::map<std::string, T>& map) {
    for (auto& [name, value] : map) {
      std::string all;
      if constexpr (is_vector<T>) {
        for (const auto& one : value) append(all, one);
      } else {
        append(all, value_of(leaf(value, Rule{})));
      }
      out_.push_back({prefix_ + key.name + "." + name, std::move(all), items_});
    }
  }

  template <class T>
  void on_switch(const Key& key, bool& on, T& value) {
    out_.push_back({prefix_ + key.name, on ? "on" : "", items_});
    on_section(key, value);
  }

  template <class T>
  void on_short(const Key& key, const Leaf&, T& value) {
    on_section(key, value);
  }

 private:
  static std::string value_of(const Leaf& leaf) { return leaf.digest ? leaf.digest() : leaf.print(); }

  // A length in front, so that no two lists look alike.
  static void append(std::string& all, const std::string& value) {
    all += std::to_string(value.size()) + ":" + value;
  }

  template <class T>
  void section(const std::string& name, T& value) {
    const std::string outer = std::exchange(prefix_, name + ".");
    describe(*this, value);
    prefix_ = outer;
  }

  template <class T>
  void item(const std::string& name, T& value) {
    items_.push_back(name);
    out_.push_back({name, "here", items_});
    section(name, value);
    items_.pop_back();
  }

  std::vector<Setting>& out_;
  std::string prefix_;
  std::vector<std::string> items_;
};

std::vector<Setting> flat(const Config& config) {
  std::vector<Setting> all;
  Config copy = config;  // describe() wants fields that it could write
  Flattener flattener(all);
  describe(flattener, copy);
  return all;
}

using ByKey = std::unordered_map<std::string_view, std::string_view>;

ByKey by_key(const std::vector<Setting>& all) {
  ByKey map;
  map.reserve(all.size());
  for (const Setting& setting : all) map.emplace(setting.key, setting.value);
  return map;
}

}  // namespace

std::string Change::text() const {
  return kind == Kind::changed ? key : key + (kind == Kind::added ? " added" : " removed");
}

std::vector<Change> changes(const Config& before, const Config& after) {
  const std::vector<Setting> old_settings = flat(before), new_settings = flat(after);
  const ByKey olds = by_key(old_settings), news = by_key(new_settings);
  std::vector<Change> found;
  std::set<std::string_view> told;
  const auto look = [&](const Setting& setting, const ByKey& others, Change::Kind lonely) {
    const auto same = others.find(setting.key);
    if (same != others.end() && same->second == setting.value) return;
    const auto gone = std::find_if(setting.items.begin(), setting.items.end(),
                                   [&](const std::string& item) { return !others.contains(item); });
    const bool whole = gone != setting.items.end();  // an item that came or went is told once
    const std::string& key = whole ? *gone : setting.key;
    if (told.insert(key).second) found.push_back({whole ? lonely : Change::Kind::changed, key});
  };
  for (const Setting& setting : new_settings) look(setting, olds, Change::Kind::added);
  for (const Setting& setting : old_settings) look(setting, news, Change::Kind::removed);
  return found;
}

bool is_in(std::string_view key, std::string_view setting) {
  if (!key.starts_with(setting)) return false;
  return key.size() == setting.size() || key[setting.size()] == '.' || key[setting.size()] == '[';
}

bool touch(const std::vector<Change>& changes, std::string_view setting) {
  return std::any_of(changes.begin(), changes.end(),
                     [&](const Change& change) { return is_in(change.key, setting); });
}

}  // namespace sallyport::config
