// How long a store took to answer, and how often it gave no good answer: of the whole process. Any thread;
// plain atomic numbers, since no request to a route asks the store.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "auth/store_error.hpp"

namespace sallyport::stores {

struct Tally {
  // Upper bounds in microseconds; what is longer counts beside them.
  static constexpr std::array<std::int64_t, 12> kBounds{100,    250,    500,     1'000,   2'500,   5'000,
                                                        10'000, 25'000, 100'000, 250'000, 500'000, 1'000'000};
  static constexpr std::size_t kErrors = static_cast<std::size_t>(StoreError::Kind::overloaded) + 1;

  // `error`: null where it answered.
  void add(std::chrono::microseconds time, const StoreError* error) {
    const auto us = std::max<std::int64_t>(0, time.count());
    const auto bound = std::lower_bound(kBounds.begin(), kBounds.end(), us);
    counts[static_cast<std::size_t>(bound - kBounds.begin())].fetch_add(1, std::memory_order_relaxed);
    sum.fetch_add(static_cast<std::uint64_t>(us), std::memory_order_relaxed);
    if (error != nullptr)
      errors[static_cast<std::size_t>(error->kind)].fetch_add(1, std::memory_order_relaxed);
  }

  std::array<std::atomic<std::uint64_t>, kBounds.size() + 1> counts{};
  std::atomic<std::uint64_t> sum{0};                         // microseconds
  std::array<std::atomic<std::uint64_t>, kErrors> errors{};  // by StoreError::Kind
};

}  // namespace sallyport::stores
