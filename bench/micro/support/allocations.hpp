// Counts what a benchmark allocates, OpenSSL's own included: `allocations` is told beside the times, for each
// iteration.
#pragma once

#include <benchmark/benchmark.h>

#include <cstdint>

namespace sallyport::bench {

std::uint64_t allocations();  // of this program until now

class CountAllocations {
 public:
  explicit CountAllocations(benchmark::State& state) : state_(state), before_(allocations()) {}
  CountAllocations(const CountAllocations&) = delete;
  CountAllocations& operator=(const CountAllocations&) = delete;
  ~CountAllocations() {
    const auto made = static_cast<double>(allocations() - before_);
    state_.counters["allocations"] = benchmark::Counter(made, benchmark::Counter::kAvgIterations);
  }

 private:
  benchmark::State& state_;
  std::uint64_t before_;
};

}  // namespace sallyport::bench
