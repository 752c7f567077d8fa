#include "config/yaml.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <istream>
#include <map>
#include <optional>
#include <sstream>
#include <streambuf>

#include "config/suggest.hpp"

namespace sallyport::config {
namespace {

using NodePtr = std::shared_ptr<YamlNode>;

Mark place(const YAML::Mark& mark) { return mark.is_null() ? Mark{} : Mark{mark.line + 1, mark.column + 1}; }

// Stops the parser at a limit; caught in parse_yaml only.
struct Stop {
  Mark mark;
  std::string message;
};

class TreeBuilder : public YAML::EventHandler {
 public:
  TreeBuilder(const std::string& file, Problems& problems, const YamlLimits& limits)
      : file_(file), problems_(problems), limits_(limits) {}

  NodePtr root() const { return root_; }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    leaf(YamlNode::Kind::null, place(mark), anchor, {});
  }

  void OnScalar(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                const std::string& value) override {
    leaf(YamlNode::Kind::scalar, place(mark), anchor, value);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end() || !found->second->complete)
      throw Stop{place(mark), "an alias here points at something that contains it; write the value out"};
    add(found->second, place(mark));
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(YamlNode::Kind::list, place(mark), anchor);
  }
  void OnSequenceEnd() override { close(); }

  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(YamlNode::Kind::map, place(mark), anchor);
  }
  void OnMapEnd() override { close(); }

 private:
  struct Level {
    NodePtr node;
    std::optional<std::string> key;  // of a map: read, waiting for its value
    Mark key_mark;
    bool key_was_bad = false;
    std::map<std::string, int> lines;  // of a map: where each key stood first
  };

  void leaf(YamlNode::Kind kind, Mark mark, YAML::anchor_t anchor, const std::string& text) {
    auto node = std::make_shared<YamlNode>();
    node->kind = kind;
    node->mark = mark;
    node->text = text;
    node->complete = true;
    if (anchor != 0) anchors_[anchor] = node;
    add(node, mark);
  }

  void open(YamlNode::Kind kind, Mark mark, YAML::anchor_t anchor) {
    if (levels_.size() >= limits_.depth) throw Stop{mark, too_deep()};
    auto node = std::make_shared<YamlNode>();
    node->kind = kind;
    node->mark = mark;
    if (anchor != 0) anchors_[anchor] = node;
    levels_.push_back({std::move(node), std::nullopt, {}, false, {}});
  }

  void close() {
    auto node = std::move(levels_.back().node);
    levels_.pop_back();
    node->complete = true;
    add(node, node->mark);
  }

  std::string too_deep() const {
    return "nested deeper than " + std::to_string(limits_.depth) + " levels, which no setting needs";
  }

  void add(const NodePtr& node, Mark mark) {
    nodes_ += node->kind == YamlNode::Kind::list || node->kind == YamlNode::Kind::map ? 1 : node->weight;
    if (levels_.empty()) {
      if (!root_) root_ = node;
      return;
    }
    auto& level = levels_.back();
    auto& parent = *level.node;
    if (levels_.size() + node->height > limits_.depth + 1) throw Stop{mark, too_deep()};
    parent.weight += node->weight;
    parent.height = std::max(parent.height, node->height + 1);
    // The weight counts each alias as a copy: that is what walking the tree costs.
    if (nodes_ > limits_.nodes || parent.weight > limits_.nodes)
      throw Stop{mark, "more than " + std::to_string(limits_.nodes) + " values once aliases are followed"};
    if (parent.kind == YamlNode::Kind::list) {
      parent.items.push_back(node);
    } else if (!level.key) {
      take_key(level, *node, mark);
    } else {
      // Nothing after a key: yaml-cpp places that at the next token, which may be far below.
      if (node->kind == YamlNode::Kind::null) node->mark = level.key_mark;
      if (!level.key_was_bad) parent.entries.push_back({std::move(*level.key), level.key_mark, node});
      level.key.reset();
    }
  }

  void take_key(Level& level, const YamlNode& node, Mark mark) {
    level.key = node.text;
    level.key_mark = mark;
    level.key_was_bad = true;
    if (node.kind != YamlNode::Kind::scalar) {
      problems_.push_back({file_, mark, "a key must be plain text"});
      return;
    }
    const auto [first, is_new] = level.lines.emplace(node.text, mark.line);
    if (is_new) {
      level.key_was_bad = false;
      return;
    }
    problems_.push_back({file_, mark,
                         in_quotes(node.text) + " is given twice (first in line " +
                             std::to_string(first->second) + "); keep one"});
  }

  const std::string& file_;
  Problems& problems_;
  const YamlLimits& limits_;
  std::vector<Level> levels_;
  std::map<YAML::anchor_t, NodePtr> anchors_;
  NodePtr root_;
  std::size_t nodes_ = 0;
};

// Reads the caller's bytes in place.
struct ViewBuffer : std::streambuf {
  explicit ViewBuffer(std::string_view text) {
    auto* begin = const_cast<char*>(text.data());  // streambuf's interface; never written
    setg(begin, begin, begin + text.size());
  }
};

}  // namespace

std::shared_ptr<const YamlNode> parse_yaml(std::string_view text, const std::string& file, Problems& problems,
                                           const YamlLimits& limits) {
  const auto refuse = [&](Mark mark, std::string message) {
    problems.push_back({file, mark, std::move(message)});
    return nullptr;
  };
  if (text.size() > limits.bytes)
    return refuse({},
                  "the file is larger than " + std::to_string(limits.bytes) + " bytes; is it the right one?");
  try {
    TreeBuilder builder(file, problems, limits);
    ViewBuffer buffer(text);
    std::istream stream(&buffer);
    YAML::Parser parser(stream);
    if (!parser.HandleNextDocument(builder) || !builder.root() ||
        builder.root()->kind == YamlNode::Kind::null)
      return refuse({}, "the file is empty; config/examples/quickstart.yaml shows a complete one");
    Problems second_problems;
    TreeBuilder second(file, second_problems, limits);
    if (parser.HandleNextDocument(second))
      return refuse(second.root() ? second.root()->mark : Mark{}, "one document per file: remove this one");
    return builder.root();
  } catch (const Stop& stop) {
    return refuse(stop.mark, stop.message);
  } catch (const YAML::Exception& error) {
    // The one message that repeats the file's own text, which may be a password that begins with an asterisk.
    const bool unknown_alias = error.msg.find("anchor") != std::string::npos;
    return refuse(place(error.mark), unknown_alias
                                         ? "this alias has no anchor; quote a value that begins with *"
                                         : "not valid YAML: " + printable(error.msg, 200));
  } catch (const std::exception&) {
    return refuse({}, "the YAML reader gave up on this file");
  }
}

}  // namespace sallyport::config
