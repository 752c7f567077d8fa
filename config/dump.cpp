#include "config/dump.hpp"

#include <string_view>

#include "config/visitor.hpp"

namespace sallyport::config {
namespace {

// Plain where YAML could not read anything else into it, else in double quotes.
std::string scalar(std::string_view text) {
  constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+";
  constexpr std::string_view kHex = "0123456789abcdef";
  const bool plain = !text.empty() && text.find_first_not_of(kPlain) == std::string_view::npos &&
                     text[0] != '-' && text != "null" && text != "Null" && text != "NULL";
  if (plain) return std::string(text);
  std::string out = "\"";
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (text[i] == '"' || text[i] == '\\') out += '\\';
    if (text.substr(i).starts_with("${")) out += '$';  // $${ is a plain ${
    if (byte < 0x20 || byte == 0x7f) {
      out += "\\x";
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    } else {
      out += text[i];
    }
  }
  return out + "\"";
}

class Dumper : public Visitor<Dumper> {
 public:
  explicit Dumper(unsigned depth = 0) : depth_(depth) {}

  template <class T>
  static std::string section(T& value, unsigned depth) {
    Dumper dumper(depth);
    describe(dumper, value);
    return dumper.out_;
  }

  void at(Mark&) {}

  void on_leaf(const Key& key, const Leaf& leaf) {
    if (leaf.set) line(key.name, scalar(leaf.print()));
  }

  template <class T>
  void on_leaves(const Key& key, std::vector<T>& values) {
    line(key.name, flow(values));
  }

  template <class T>
  void on_section(const Key& key, T& value) {
    block(key.name, section(value, depth_ + 1));
  }

  template <class T>
  void on_optional(const Key& key, std::optional<T>& value) {
    if (value) on_section(key, *value);
  }

  template <class T>
  void on_list(const Key& key, std::vector<T>& list) {
    if (list.empty()) return line(key.name, "[]");
    line(key.name, "");
    for (auto& item : list) {
      auto text = section(item, depth_ + 2);
      if (text.empty()) text = std::string(2 * (depth_ + 2), ' ') + "{}\n";
      text[2 * (depth_ + 1)] = '-';  // the first key's indentation becomes the dash
      out_ += text;
    }
  }

  template <class T>
  void on_one_or_more(const Key& key, std::vector<T>& list) {
    if (!list.empty()) on_list(key, list);
  }

  template <class T>
  void on_brief(const Key& key, std::vector<T>& list) {
    on_list(key, list);
  }

  template <class T>
  void on_named(const Key& key, std::vector<T>& list) {
    if (list.empty()) return line(key.name, "{}");
    std::string items;
    for (auto& item : list) {
      items += std::string(2 * (depth_ + 1), ' ') + scalar(item.name) + ":\n" + section(item, depth_ + 2);
    }
    block(key.name, items);
  }

  template <class T>
  void on_map(const Key& key, std::map<std::string, T>& map) {
    std::string items;
    for (auto& [name, value] : map) {
      items += std::string(2 * (depth_ + 1), ' ') + scalar(name) + ": ";
      if constexpr (is_vector<T>)
        items += flow(value);
      else
        items += scalar(leaf(value, Rule{}).print());
      items += "\n";
    }
    block(key.name, items);
  }

  template <class T>
  void on_switch(const Key& key, bool& on, T& value) {
    on ? on_section(key, value) : line(key.name, "off");
  }

  template <class T>
  void on_short(const Key& key, const Leaf&, T& value) {
    on_section(key, value);
  }

 private:
  void line(std::string_view key, const std::string& value) {
    out_ += std::string(2 * depth_, ' ') + scalar(key) + ":" + (value.empty() ? "" : " " + value) + "\n";
  }

  void block(std::string_view key, const std::string& inside) {
    if (inside.empty()) return line(key, "{}");
    line(key, "");
    out_ += inside;
  }

  template <class T>
  static std::string flow(std::vector<T>& values) {
    std::string out = "[";
    for (auto& value : values) out += (out.size() > 1 ? ", " : "") + scalar(leaf(value, Rule{}).print());
    return out + "]";
  }

  unsigned depth_;
  std::string out_;
};

}  // namespace

std::string dump(const Config& config) {
  auto copy = config;  // describe() wants fields that it could write
  return Dumper::section(copy, 0);
}

}  // namespace sallyport::config
