// The process's own figures for Prometheus. Control thread only; the request path touches none of it.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "auth/time.hpp"

namespace sallyport::gateway {

class Metrics {
 public:
  Metrics();
  ~Metrics();

  // A revocation of another process is in force here, this long after the store took it.
  void revocation_arrived(std::chrono::milliseconds lag);
  void revocations(std::size_t entries, std::size_t bytes);
  // Of tokens that were sent: known to the cache, or verified anew. Totals since the start.
  // How old our knowledge of revocations is (nothing: the log was never read), and how often the store had
  // been replaced.
  void followed(std::optional<std::chrono::milliseconds> staleness, std::uint64_t resyncs);
  void token_cache(std::uint64_t hits, std::uint64_t misses);
  // `since`: when the configuration in force was read.
  void reloads(std::uint64_t succeeded, std::uint64_t failed, bool last_good, UnixSeconds since);
  void process(std::size_t connections, bool ready, std::uint64_t log_lines_dropped);

  // Messages to users, by what became of them, as totals since the start; and how many wait.
  void webhook(std::uint64_t sent, std::uint64_t failed, std::uint64_t dropped, std::size_t waiting);

  // Spans for the collector, by what became of them, as totals since the start.
  void spans(std::uint64_t sent, std::uint64_t dropped, std::uint64_t failed);

  std::string text() const;  // exposition format 0.0.4

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sallyport::gateway
