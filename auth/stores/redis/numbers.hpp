// Numbers as Redis keeps them: decimal text, read strictly.
#pragma once

#include <charconv>
#include <concepts>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "auth/stores/redis/resp.hpp"

namespace sallyport::stores::redis {

template <std::integral T>
std::optional<T> parse_number(std::string_view text) {
  T value{};
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (ec != std::errc{} || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

// A string reply that is a number.
template <std::integral T>
std::optional<T> number_of(const Reply& reply) {
  if (reply.is_integer() && std::in_range<T>(reply.integer)) return static_cast<T>(reply.integer);
  if (!reply.is_string()) return std::nullopt;
  return parse_number<T>(reply.text);
}

// The reply of TIME in milliseconds.
inline std::optional<long long> millis_of_time(const Reply& time) {
  if (!time.is_array() || time.elements.size() != 2) return std::nullopt;
  const auto seconds = number_of<long long>(time.elements[0]);
  const auto micros = number_of<long long>(time.elements[1]);
  if (!seconds || !micros || *seconds < 0 || *seconds > 100'000'000'000) return std::nullopt;
  return *seconds * 1000 + *micros / 1000;
}

}  // namespace sallyport::stores::redis
