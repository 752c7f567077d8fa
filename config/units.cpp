#include "config/units.hpp"

#include <array>
#include <charconv>
#include <limits>

namespace sallyport::config {
namespace {

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};

constexpr std::array kDurations{Unit{"d", 86'400'000}, Unit{"h", 3'600'000}, Unit{"m", 60'000},
                                Unit{"s", 1000}, Unit{"ms", 1}};
constexpr std::array kSizes{Unit{"GiB", 1ull << 30}, Unit{"MiB", 1ull << 20}, Unit{"KiB", 1ull << 10},
                            Unit{"B", 1}};

// A thousand years: far beyond any use, and no sum of two overflows.
constexpr std::uint64_t kLongest = 1000ull * 366 * 86'400'000;

template <std::size_t N>
std::optional<std::uint64_t> parse_with(std::string_view text, const std::array<Unit, N>& units,
                                        std::uint64_t most) {
  const auto digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const auto number = parse_number(text.substr(0, digits));
  if (!number) return std::nullopt;
  for (const auto& unit : units)
    if (unit.name == text.substr(digits)) {
      if (*number > most / unit.factor) return std::nullopt;
      return *number * unit.factor;
    }
  return std::nullopt;
}

template <std::size_t N>
std::string print_with(std::uint64_t value, const std::array<Unit, N>& units) {
  for (const auto& unit : units)
    if (value >= unit.factor && value % unit.factor == 0)
      return std::to_string(value / unit.factor) + std::string(unit.name);
  return {};
}

}  // namespace

std::optional<std::uint64_t> parse_number(std::string_view text) {
  std::uint64_t value = 0;
  const auto* end = text.data() + text.size();
  const auto [stop, ec] = std::from_chars(text.data(), end, value);
  if (text.empty() || ec != std::errc{} || stop != end) return std::nullopt;
  return value;
}

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
  if (text == "off") return std::chrono::milliseconds{0};
  const auto value = parse_with(text, kDurations, kLongest);
  if (!value) return std::nullopt;
  return std::chrono::milliseconds{static_cast<std::int64_t>(*value)};
}

std::string print_duration(std::chrono::milliseconds value) {
  return value.count() <= 0 ? "0s" : print_with(static_cast<std::uint64_t>(value.count()), kDurations);
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
  return parse_with(text, kSizes, std::numeric_limits<std::int64_t>::max());
}

std::string print_size(std::uint64_t bytes) { return bytes == 0 ? "0B" : print_with(bytes, kSizes); }

std::optional<std::uint64_t> parse_rate(std::string_view text) {
  if (text == "off") return 0;
  if (!text.ends_with("/s")) return std::nullopt;
  return parse_size(text.substr(0, text.size() - 2));
}

std::string print_rate(std::uint64_t bytes_per_second) { return print_size(bytes_per_second) + "/s"; }

std::optional<double> parse_ratio(std::string_view text) {
  double value = 0;
  const auto* end = text.data() + text.size();
  const auto [stop, ec] = std::from_chars(text.data(), end, value, std::chars_format::fixed);
  const bool whole = !text.empty() && text.front() != '-' && ec == std::errc{} && stop == end;
  if (!whole || !(value >= 0 && value <= 1)) return std::nullopt;  // NaN is neither
  return value;
}

std::string print_ratio(double value) {
  std::array<char, 512> text{};  // the smallest of all has 300 zeros
  const auto [end, ec] =
      std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
  return ec == std::errc{} ? std::string(text.data(), end) : std::string();
}

std::optional<std::pair<unsigned, std::chrono::seconds>> parse_throttle(std::string_view text) {
  const auto slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto count = parse_number(text.substr(0, slash));
  const auto window = parse_duration(text.substr(slash + 1));
  if (!count || *count == 0 || *count > 1'000'000 || !window || window->count() < 1000) return std::nullopt;
  if (window->count() % 1000 != 0) return std::nullopt;
  return std::pair{static_cast<unsigned>(*count), std::chrono::duration_cast<std::chrono::seconds>(*window)};
}

}  // namespace sallyport::config
