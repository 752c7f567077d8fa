// One value of the configuration, whatever its C++ type: how it is read from text, printed, and what is
// allowed. The visitors (load, dump, reference) know leaves, sections and lists; this file is all that knows
// units and words.
#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "config/config.hpp"

namespace sallyport::config {

// What a setting may be, beside its type. min and max count in the field's own unit (ms, s, bytes, plain).
struct Rule {
  bool required = false;
  std::int64_t min = 0;
  std::int64_t max = std::numeric_limits<std::int64_t>::max();
};
inline constexpr Rule kRequired{.required = true};
inline constexpr Rule kPositive{.min = 1};

struct Leaf {
  struct Outcome {
    bool ok = false;
    std::string why;  // more than "not allowed", or empty; never the value itself
  };

  std::string allowed;  // "a duration such as 10s"; what a message says and the reference prints
  std::function<Outcome(std::string_view text, const std::string& folder)> parse;
  std::function<std::string()> print;
  std::vector<std::string> words;  // for suggestions
  bool secret = false;             // print() says ***; messages never quote it
  bool set = true;                 // false: nothing to print (an empty text, an absent option)
  // Of a secret, in place of print(): what tells two of them apart. Not for anybody's eyes.
  std::function<std::string()> digest;
};

// The words of each enumeration, first spelling is the printed one.
template <class E>
using Words = std::vector<std::pair<std::string, E>>;
Words<RotationMode> words_of(RotationMode);
Words<WhenFull> words_of(WhenFull);
Words<Degraded> words_of(Degraded);
Words<AuthMode> words_of(AuthMode);
Words<RetryOn> words_of(RetryOn);
Words<Preset> words_of(Preset);
Words<Style> words_of(Style);
Words<ErrorShape> words_of(ErrorShape);
Words<Grant> words_of(Grant);
Words<ClientCertificates> words_of(ClientCertificates);
Words<StreamEnds> words_of(StreamEnds);
Words<ClaimFormat> words_of(ClaimFormat);
Words<ProfileKind> words_of(ProfileKind);

// Meanings that the C++ type alone doesn't tell; describe() wraps a field in one of these.
struct Size {
  std::uint64_t& value;
};  // 64KiB
struct Count {
  std::uint64_t& value;
};  // a plain number
struct Rate {
  std::uint64_t& value;
};  // 500B/s
struct Ratio {
  double& value;
};  // 0 to 1
struct Workers {
  unsigned& value;
};  // auto or a number
struct Path {
  std::string& value;
  std::vector<std::string> words = {};
};  // relative to the file, or a word
struct Choice {
  std::string& value;
  std::vector<std::string> words;
};  // one of the words
struct Url {
  std::string& value;
};  // https://..., or file:path relative to the file
struct Endpoint {
  std::string& value;
};  // a path or off
struct PassOrRefuse {
  bool& value;
};
struct Stated {
  AuthMode& value;
  bool& stated;
};  // remembers that the file said it
struct ServerUrl {
  Upstream::Server& value;
};  // keeps what stands beside the URL
struct StoreUrl {
  Store& value;
};

Leaf leaf(bool& value, const Rule& rule);
Leaf leaf(unsigned& value, const Rule& rule);
Leaf leaf(Millis& value, const Rule& rule);
Leaf leaf(Seconds& value, const Rule& rule);
Leaf leaf(std::string& value, const Rule& rule);
Leaf leaf(Secret& value, const Rule& rule);
Leaf leaf(Address& value, const Rule& rule);
Leaf leaf(Throttle& value, const Rule& rule);
Leaf leaf(Balancing& value, const Rule& rule);
Leaf leaf(ServerUrl value, const Rule& rule);
Leaf leaf(Size value, const Rule& rule);
Leaf leaf(Count value, const Rule& rule);
Leaf leaf(Rate value, const Rule& rule);
Leaf leaf(Ratio value, const Rule& rule);
Leaf leaf(Workers value, const Rule& rule);
Leaf leaf(Path value, const Rule& rule);
Leaf leaf(Choice value, const Rule& rule);
Leaf leaf(Url value, const Rule& rule);
Leaf leaf(Endpoint value, const Rule& rule);
Leaf leaf(PassOrRefuse value, const Rule& rule);
Leaf leaf(StoreUrl value, const Rule& rule);

template <class E>
  requires std::is_enum_v<E>
Leaf leaf(E& value, const Rule&) {
  Leaf out;
  const auto words = words_of(E{});
  for (const auto& [word, ignored] : words) {
    out.allowed += (out.allowed.empty() ? "" : " | ") + word;
    out.words.push_back(word);
  }
  out.parse = [&value, words](std::string_view text, const std::string&) -> Leaf::Outcome {
    for (const auto& [word, meaning] : words)
      if (word == text) {
        value = meaning;
        return {true, {}};
      }
    return {};
  };
  out.print = [&value, words] {
    for (const auto& [word, meaning] : words)
      if (meaning == value) return word;
    return std::string{};
  };
  return out;
}

inline Leaf leaf(Stated value, const Rule& rule) {
  auto out = leaf(value.value, rule);
  out.parse = [inner = std::move(out.parse), &stated = value.stated](std::string_view text,
                                                                     const std::string& folder) {
    auto outcome = inner(text, folder);
    stated = stated || outcome.ok;
    return outcome;
  };
  return out;
}

// An absent option prints nothing; reading creates it.
template <class T>
  requires std::same_as<T, std::uint64_t> || std::same_as<T, Millis> || std::is_enum_v<T>
Leaf leaf(std::optional<T>& value, const Rule& rule) {
  T probe{};
  auto out = [&] {
    if constexpr (std::same_as<T, std::uint64_t>)
      return leaf(Size{probe}, rule);
    else
      return leaf(probe, rule);
  }();
  out.parse = [&value, rule](std::string_view text, const std::string& folder) {
    T parsed{};
    auto outcome = [&] {
      if constexpr (std::same_as<T, std::uint64_t>)
        return leaf(Size{parsed}, rule).parse(text, folder);
      else
        return leaf(parsed, rule).parse(text, folder);
    }();
    if (outcome.ok) value = std::move(parsed);
    return outcome;
  };
  out.set = value.has_value();
  out.print = [&value, rule] {
    T shown = value.value_or(T{});
    if constexpr (std::same_as<T, std::uint64_t>)
      return leaf(Size{shown}, rule).print();
    else
      return leaf(shown, rule).print();
  };
  return out;
}

template <class T>
concept LeafLike = requires(T&& value, const Rule& rule) { leaf(std::forward<T>(value), rule); };

}  // namespace sallyport::config
