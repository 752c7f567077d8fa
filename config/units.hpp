// Durations, sizes and rates as operators write them (10s, 64KiB, 500B/s, 10/15m), and back. Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace sallyport::config {

// "500ms" "10s" "5m" "2h" "7d", "off" = 0. A number needs its unit, "0" too: nobody should guess what 30
// means.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);
std::string print_duration(std::chrono::milliseconds value);  // the largest unit that is exact; "0s"

// "500B" "64KiB" "10MiB" "1GiB"; powers of 1024 only.
std::optional<std::uint64_t> parse_size(std::string_view text);
std::string print_size(std::uint64_t bytes);

// "500B/s" "1MiB/s", "off" = 0.
std::optional<std::uint64_t> parse_rate(std::string_view text);
std::string print_rate(std::uint64_t bytes_per_second);

// "10/15m": so many in that time; at least 1 and at least a second.
std::optional<std::pair<unsigned, std::chrono::seconds>> parse_throttle(std::string_view text);

// "0", "0.25", "1": decimals from 0 to 1.
std::optional<double> parse_ratio(std::string_view text);
std::string print_ratio(double value);  // the shortest text that is read as the same

// A whole number without sign, blanks or leading zeros' tricks; nothing when it does not fit.
std::optional<std::uint64_t> parse_number(std::string_view text);

}  // namespace sallyport::config
