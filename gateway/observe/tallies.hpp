// Counts the requests of one worker: by route, status and reason, and how long they took, in all and at the
// upstream. Of one thread: plain numbers, without a lock and without an allocation once a route was asked
// for. /metrics gets copies and adds them up.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "auth/stores/tally.hpp"

namespace sallyport::gateway {

struct DurationTally {
  // Upper bounds in microseconds; what is longer counts beside them.
  static constexpr std::array<std::int64_t, 14> kBounds{500,       1'000,     2'500,      5'000,     10'000,
                                                        25'000,    50'000,    100'000,    250'000,   500'000,
                                                        1'000'000, 2'500'000, 10'000'000, 30'000'000};
  void add(std::chrono::microseconds time);
  void add(const DurationTally& other);

  std::array<std::uint64_t, kBounds.size() + 1> counts{};
  std::uint64_t sum = 0;  // microseconds
};

struct RouteTally {
  struct Outcome {
    unsigned status = 0;  // 0: the client got none
    std::string reason;   // `error` of a refusal; empty: none
    std::uint64_t count = 0;
  };
  void add(unsigned status, std::string_view reason);
  void add(const RouteTally& other);

  std::vector<Outcome> outcomes;  // the usual one first: it came first
  DurationTally total, upstream;
};

class RequestTallies {
 public:
  // By name, made where it is new; stays where it is.
  RouteTally& of(std::string_view route);
  // What the audit log tells too: a login, a refusal, a session's end.
  void event(std::string_view act);
  void add(const RequestTallies& other);
  const std::map<std::string, RouteTally, std::less<>>& routes() const { return routes_; }
  const std::map<std::string, std::uint64_t, std::less<>>& events() const { return events_; }

 private:
  std::map<std::string, RouteTally, std::less<>> routes_;
  std::map<std::string, std::uint64_t, std::less<>> events_;
};

std::string prometheus_label(std::string_view value);  // escaped, without the quotes

// In Prometheus' text format 0.0.4.
void append_requests(std::string& out, const RequestTallies& tallies);
void append_store(std::string& out, const stores::Tally& tally);

}  // namespace sallyport::gateway
