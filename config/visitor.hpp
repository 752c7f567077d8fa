// Sorts the fields that describe() names by their shape, so that a visitor implements six of them and no
// types.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "config/describe.hpp"
#include "config/leaf.hpp"

namespace sallyport::config {

template <class T>
inline constexpr bool is_vector = false;
template <class T>
inline constexpr bool is_vector<std::vector<T>> = true;
template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;
template <class T>
inline constexpr bool is_map = false;
template <class T>
inline constexpr bool is_map<std::map<std::string, T>> = true;
template <class T>
inline constexpr bool is_named = false;
template <class T>
inline constexpr bool is_named<Named<T>> = true;
template <class T>
inline constexpr bool is_one_or_more = false;
template <class T>
inline constexpr bool is_one_or_more<OneOrMore<T>> = true;
template <class T>
inline constexpr bool is_brief = false;
template <class T>
inline constexpr bool is_brief<Brief<T>> = true;
template <class T>
inline constexpr bool is_switch = false;
template <class T>
inline constexpr bool is_switch<Switch<T>> = true;
template <class T>
inline constexpr bool is_short = false;
template <class T, class L>
inline constexpr bool is_short<Short<T, L>> = true;

// What a visitor is told beside the field.
struct Key {
  const char* name;
  const char* doc;
  Rule rule;
};

// Self has: on_leaf(key, Leaf), on_leaves(key, vector of leaves), on_section(key, T&), on_optional(key,
// optional<T>&), on_list(key, vector<T>&), on_named(key, vector<T>&), on_one_or_more(key, vector<T>&),
// on_brief(key, vector<T>&), on_map(key, map&), on_switch(key, bool&, T&), on_short(key, Leaf, T&),
// at(Mark&).
//
// brief_leaf(item) is the scalar that stands for a whole item of a Brief list.
inline Leaf brief_leaf(Upstream::Server& server) { return leaf(ServerUrl{server}, Rule{}); }
inline Leaf brief_leaf(ProfileField& field) {
  Leaf name = leaf(field.name, Rule{});
  name.allowed = "a name";
  return name;
}

template <class Self>
class Visitor {
 public:
  template <class T>
  void operator()(const char* name, T&& field, const char* doc, Rule rule = {}) {
    using Field = std::remove_cvref_t<T>;
    auto& self = static_cast<Self&>(*this);
    const Key key{name, doc, rule};
    if constexpr (LeafLike<T>) {
      self.on_leaf(key, leaf(std::forward<T>(field), rule));
    } else if constexpr (is_vector<Field>) {
      if constexpr (LeafLike<typename Field::value_type&>)
        self.on_leaves(key, field);
      else
        self.on_list(key, field);
    } else if constexpr (is_optional<Field>) {
      self.on_optional(key, field);
    } else if constexpr (is_map<Field>) {
      self.on_map(key, field);
    } else if constexpr (is_named<Field>) {
      self.on_named(key, field.items);
    } else if constexpr (is_one_or_more<Field>) {
      self.on_one_or_more(key, field.items);
    } else if constexpr (is_brief<Field>) {
      self.on_brief(key, field.items);
    } else if constexpr (is_switch<Field>) {
      self.on_switch(key, field.on, field.section);
    } else if constexpr (is_short<Field>) {
      self.on_short(key, leaf(field.leaf, rule), field.section);
    } else {
      self.on_section(key, field);
    }
  }
};

}  // namespace sallyport::config
