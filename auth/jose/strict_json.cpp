#include "auth/jose/strict_json.hpp"

#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/value_stack.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

namespace sallyport::jose {
namespace {

namespace json = boost::json;
using boost::system::error_code;

// Up to here members are compared pairwise, which needs no memory; beyond, they are sorted.
constexpr std::size_t kPairwise = 12;
constexpr std::size_t kShownName = 64;  // of a stranger's member name in our message

// Names of the objects that are open, one behind the other. Finds the first name that an object has twice.
class OpenNames {
 public:
  void clear() {
    text_.clear();
    names_.clear();
    objects_.clear();
  }
  void open() { objects_.push_back({names_.size(), text_.size()}); }
  void part(std::string_view piece) { text_.append(piece); }
  void end_of_name() {
    const std::size_t begin =
        names_.size() > objects_.back().first ? end_of(names_.back()) : objects_.back().text;
    names_.push_back({begin, text_.size() - begin, beginning(begin)});
  }
  // Ends the innermost object. False: it had a name twice, see duplicate().
  bool close() {
    const Object object = objects_.back();
    objects_.pop_back();
    const bool unique = check(object.first);
    names_.resize(object.first);
    if (unique) text_.resize(object.text);
    return unique;
  }
  std::string_view duplicate() const { return duplicate_; }

 private:
  struct Name {
    std::size_t begin, size;
    std::uint64_t beginning;  // its length and first bytes, which tell most names apart
  };
  struct Object {
    std::size_t first, text;  // where its names begin, in names_ and in text_
  };

  std::uint64_t beginning(std::size_t begin) const {
    const std::size_t size = text_.size() - begin;
    std::uint64_t bytes = size << 56;
    std::memcpy(&bytes, text_.data() + begin, std::min<std::size_t>(size, 7));
    return bytes;
  }
  static std::size_t end_of(const Name& name) { return name.begin + name.size; }
  std::string_view view(const Name& name) const {
    return std::string_view(text_).substr(name.begin, name.size);
  }

  bool check(std::size_t first) {
    const std::size_t count = names_.size() - first;
    if (count <= kPairwise) {
      for (std::size_t i = first + 1; i < names_.size(); ++i)
        for (std::size_t j = first; j < i; ++j)
          if (names_[i].beginning == names_[j].beginning && view(names_[i]) == view(names_[j]))
            return refuse(names_[i]);
      return true;
    }
    const auto begin = names_.begin() + static_cast<std::ptrdiff_t>(first);
    std::sort(begin, names_.end(), [&](const Name& a, const Name& b) { return view(a) < view(b); });
    const auto twice = std::adjacent_find(begin, names_.end(),
                                          [&](const Name& a, const Name& b) { return view(a) == view(b); });
    return twice == names_.end() || refuse(*twice);
  }
  bool refuse(const Name& name) {
    duplicate_ = view(name).substr(0, kShownName);
    return false;
  }

  std::string text_;
  std::vector<Name> names_;
  std::vector<Object> objects_;
  std::string_view duplicate_;
};

// Builds the value; the parser has already checked grammar, UTF-8, surrogates and depth.
struct Handler {
  static constexpr std::size_t max_object_size = std::size_t(-1);
  static constexpr std::size_t max_array_size = std::size_t(-1);
  static constexpr std::size_t max_key_size = std::size_t(-1);
  static constexpr std::size_t max_string_size = std::size_t(-1);

  json::value_stack stack;
  OpenNames names;
  std::string problem;

  bool refuse(std::string why, error_code& ec) {
    problem = std::move(why);
    ec = json::error::extra_data;  // any: `problem` is what is told
    return false;
  }

  bool on_document_begin(error_code&) { return true; }
  bool on_document_end(error_code&) { return true; }
  bool on_object_begin(error_code&) {
    names.open();
    return true;
  }
  bool on_object_end(std::size_t n, error_code& ec) {
    if (!names.close()) return refuse("duplicate member \"" + std::string(names.duplicate()) + '"', ec);
    stack.push_object(n);
    return true;
  }
  bool on_array_begin(error_code&) { return true; }
  bool on_array_end(std::size_t n, error_code&) {
    stack.push_array(n);
    return true;
  }
  bool on_key_part(json::string_view s, std::size_t, error_code&) {
    names.part(s);
    stack.push_chars(s);
    return true;
  }
  bool on_key(json::string_view s, std::size_t, error_code&) {
    names.part(s);
    names.end_of_name();
    stack.push_key(s);
    return true;
  }
  bool on_string_part(json::string_view s, std::size_t, error_code&) {
    stack.push_chars(s);
    return true;
  }
  bool on_string(json::string_view s, std::size_t, error_code&) {
    stack.push_string(s);
    return true;
  }
  bool on_number_part(json::string_view, error_code&) { return true; }
  bool on_int64(std::int64_t i, json::string_view, error_code&) {
    stack.push_int64(i);
    return true;
  }
  bool on_uint64(std::uint64_t u, json::string_view, error_code&) {
    stack.push_uint64(u);
    return true;
  }
  bool on_double(double d, json::string_view text, error_code& ec) {
    if (!std::isfinite(d)) return refuse("a number that is too large", ec);
    // The parser turns an integer that doesn't fit into a double, and so into another number.
    if (text.find_first_of(".eE") == json::string_view::npos) return refuse("an integer beyond 64 bits", ec);
    stack.push_double(d);
    return true;
  }
  bool on_bool(bool b, error_code&) {
    stack.push_bool(b);
    return true;
  }
  bool on_null(error_code&) {
    stack.push_null();
    return true;
  }
  bool on_comment_part(json::string_view, error_code&) { return true; }
  bool on_comment(json::string_view, error_code&) { return true; }
};

json::parse_options options(std::size_t max_depth) {
  json::parse_options o;
  o.max_depth = std::min(max_depth, kJsonDepthLimit);
  o.allow_comments = false;
  o.allow_trailing_commas = false;
  o.allow_invalid_utf8 = false;
  return o;
}

}  // namespace

struct StrictJsonParser::Impl {
  explicit Impl(std::size_t max_depth) : parser(options(max_depth)) {}
  json::basic_parser<Handler> parser;
};

StrictJsonParser::StrictJsonParser(std::size_t max_depth) : impl_(std::make_unique<Impl>(max_depth)) {}
StrictJsonParser::~StrictJsonParser() = default;
StrictJsonParser::StrictJsonParser(StrictJsonParser&&) noexcept = default;
StrictJsonParser& StrictJsonParser::operator=(StrictJsonParser&&) noexcept = default;

boost::system::result<json::value, std::string> StrictJsonParser::parse(std::string_view text,
                                                                        json::storage_ptr storage) {
  // A string would be taken for the value too, so the error is named.
  const auto refused = [](std::string why) {
    return boost::system::result<json::value, std::string>(boost::system::in_place_error, std::move(why));
  };
  auto& parser = impl_->parser;
  Handler& handler = parser.handler();
  parser.reset();
  handler.stack.reset(std::move(storage));
  handler.names.clear();
  handler.problem.clear();

  error_code ec;
  const std::size_t used = parser.write_some(false, text.data(), text.size(), ec);
  if (!ec && used < text.size()) return refused("bytes behind the value");
  if (!ec && !parser.done()) return refused("not JSON: incomplete");
  if (!ec) return handler.stack.release();

  std::string problem = handler.problem.empty() ? "not JSON: " + ec.message() : handler.problem;
  handler.stack.reset();  // drops what was built, and our hold on the caller's storage
  return refused(std::move(problem));
}

boost::system::result<json::value, std::string> parse_strict_json(std::string_view text,
                                                                  std::size_t max_depth) {
  return StrictJsonParser(max_depth).parse(text);
}

}  // namespace sallyport::jose
