#include "config/reference.hpp"

#include <string_view>

#include "config/visitor.hpp"

namespace sallyport::config {
namespace {

std::string cell(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '|') out += '\\';
    out += c;
  }
  return out;
}

// One table per section at the top of the file; what lies below a section is named by its path in there.
class Tables : public Visitor<Tables> {
 public:
  explicit Tables(std::string prefix = {}) : prefix_(std::move(prefix)) {}

  std::string text() const { return rows_ + sections_; }

  void at(Mark&) {}

  void on_leaf(const Key& key, const Leaf& leaf) {
    row(key, leaf.set && !leaf.secret ? leaf.print() : "", leaf.allowed);
  }

  template <class T>
  void on_leaves(const Key& key, std::vector<T>& values) {
    std::string shown;
    for (auto& value : values) shown += (shown.empty() ? "" : ", ") + leaf(value, Rule{}).print();
    T probe{};
    row(key, shown, "one or a list of: " + leaf(probe, Rule{}).allowed);
  }

  template <class T>
  void on_section(const Key& key, T& value) {
    inside(key, value, prefix_ + key.name + ".");
  }

  template <class T>
  void on_optional(const Key& key, std::optional<T>&) {
    T value{};
    inside(key, value, prefix_ + key.name + ".");
  }

  template <class T>
  void on_list(const Key& key, std::vector<T>&) {
    T value{};
    inside(key, value, prefix_ + key.name + "[].");
  }

  template <class T>
  void on_one_or_more(const Key& key, std::vector<T>&) {
    row(key, "", "a section, or a list of them");
    T value{};
    inside(key, value, prefix_ + key.name + ".");
  }

  template <class T>
  void on_brief(const Key& key, std::vector<T>&) {
    T value{};
    row(key, "", "one or a list of: " + brief_leaf(value).allowed + ", or a section");
    inside(key, value, prefix_ + key.name + "[].");
  }

  template <class T>
  void on_named(const Key& key, std::vector<T>&) {
    T value{};
    inside(key, value, prefix_ + key.name + ".NAME.");
  }

  template <class T>
  void on_map(const Key& key, std::map<std::string, T>&) {
    row(key, "", is_vector<T> ? "names, each with one or a list of values" : "names, each with a value");
  }

  template <class T>
  void on_switch(const Key& key, bool& on, T& value) {
    row(key, on ? "on" : "off", "off | on | a section");
    Tables below(prefix_ + key.name + ".");
    describe(below, value);
    rows_ += below.rows_;
  }

  template <class T>
  void on_short(const Key& key, const Leaf& leaf, T& value) {
    row(key, leaf.print(), leaf.allowed);
    inside(key, value, prefix_ + key.name + ".");
  }

 private:
  void row(const Key& key, const std::string& standard, const std::string& allowed) {
    rows_ += "| `" + prefix_ + key.name + "` | " +
             (key.rule.required  ? "required"
              : standard.empty() ? ""
                                 : "`" + cell(standard) + "`") +
             " | " + cell(key.doc) + " | " + cell(allowed) + " |\n";
  }

  template <class T>
  void inside(const Key& key, T& value, std::string prefix) {
    Tables below(std::move(prefix));
    describe(below, value);
    if (!prefix_.empty()) {
      rows_ += below.rows_;
      return;
    }
    sections_ += "\n### " + std::string(key.name) + "\n\n" + key.doc +
                 ".\n\n| Key | Default | Meaning | Allowed |\n|---|---|---|---|\n" + below.rows_;
  }

  std::string prefix_;
  std::string rows_;
  std::string sections_;
};

}  // namespace

std::string reference() {
  Config standard;
  Tables tables;
  describe(tables, standard);
  return "| Key | Default | Meaning | Allowed |\n|---|---|---|---|\n" + tables.text();
}

}  // namespace sallyport::config
