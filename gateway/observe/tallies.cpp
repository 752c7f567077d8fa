#include "gateway/observe/tallies.hpp"

#include <algorithm>
#include <cstdio>

namespace sallyport::gateway {
namespace {

std::string seconds(std::uint64_t microseconds) {
  char text[32];
  std::snprintf(text, sizeof text, "%g", static_cast<double>(microseconds) / 1e6);
  return text;
}

std::string exact_seconds(std::uint64_t microseconds) {
  char text[32];
  std::snprintf(text, sizeof text, "%llu.%06llu", static_cast<unsigned long long>(microseconds / 1'000'000),
                static_cast<unsigned long long>(microseconds % 1'000'000));
  return text;
}

void append_head(std::string& out, const char* name, const char* type, const char* help) {
  out += std::string("# HELP ") + name + " " + help + "\n# TYPE " + name + " " + type + "\n";
}

void append_durations(std::string& out, const char* name, const char* help, const RequestTallies& tallies,
                      DurationTally RouteTally::* which) {
  append_head(out, name, "histogram", help);
  for (const auto& [route, tally] : tallies.routes()) {
    const DurationTally& durations = tally.*which;
    std::uint64_t below = 0;
    for (const std::uint64_t count : durations.counts) below += count;
    if (below == 0) continue;
    const std::string labels = "{route=\"" + prometheus_label(route) + "\"";
    std::uint64_t so_far = 0;
    for (std::size_t i = 0; i < DurationTally::kBounds.size(); ++i) {
      so_far += durations.counts[i];
      out += std::string(name) + "_bucket" + labels + ",le=\"" +
             seconds(static_cast<std::uint64_t>(DurationTally::kBounds[i])) + "\"} " +
             std::to_string(so_far) + "\n";
    }
    out += std::string(name) + "_bucket" + labels + ",le=\"+Inf\"} " + std::to_string(below) + "\n";
    out += std::string(name) + "_sum" + labels + "} " + exact_seconds(durations.sum) + "\n";
    out += std::string(name) + "_count" + labels + "} " + std::to_string(below) + "\n";
  }
}

}  // namespace

std::string prometheus_label(std::string_view value) {
  std::string out;
  for (const char c : value) {
    if (c == '\\' || c == '"') out += '\\';
    if (c == '\n')
      out += "\\n";
    else
      out += c;
  }
  return out;
}

void DurationTally::add(std::chrono::microseconds time) {
  const std::int64_t us = std::max<std::int64_t>(0, time.count());
  const auto bound = std::lower_bound(kBounds.begin(), kBounds.end(), us);
  ++counts[static_cast<std::size_t>(bound - kBounds.begin())];
  sum += static_cast<std::uint64_t>(us);
}

void DurationTally::add(const DurationTally& other) {
  for (std::size_t i = 0; i < counts.size(); ++i) counts[i] += other.counts[i];
  sum += other.sum;
}

void RouteTally::add(unsigned status, std::string_view reason) {
  for (Outcome& outcome : outcomes) {
    if (outcome.status != status || outcome.reason != reason) continue;
    ++outcome.count;
    return;
  }
  outcomes.push_back({status, std::string(reason), 1});
}

void RouteTally::add(const RouteTally& other) {
  for (const Outcome& theirs : other.outcomes) {
    const auto same = std::find_if(outcomes.begin(), outcomes.end(), [&](const Outcome& ours) {
      return ours.status == theirs.status && ours.reason == theirs.reason;
    });
    if (same == outcomes.end())
      outcomes.push_back(theirs);
    else
      same->count += theirs.count;
  }
  total.add(other.total);
  upstream.add(other.upstream);
}

RouteTally& RequestTallies::of(std::string_view route) {
  const auto found = routes_.find(route);
  return found != routes_.end() ? found->second
                                : routes_.emplace(std::string(route), RouteTally()).first->second;
}

void RequestTallies::add(const RequestTallies& other) {
  for (const auto& [route, tally] : other.routes_) of(route).add(tally);
}

void append_requests(std::string& out, const RequestTallies& tallies) {
  constexpr const char* kRequests = "sallyport_requests_total";
  append_head(out, kRequests, "counter",
              "Requests by route, status (0: the client got none) and the reason of a refusal");
  for (const auto& [route, tally] : tallies.routes())
    for (const RouteTally::Outcome& outcome : tally.outcomes)
      out += std::string(kRequests) + "{route=\"" + prometheus_label(route) + "\",status=\"" +
             std::to_string(outcome.status) + "\",reason=\"" + prometheus_label(outcome.reason) + "\"} " +
             std::to_string(outcome.count) + "\n";
  append_durations(out, "sallyport_request_duration_seconds",
                   "From the end of the request's head to the end of its answer, tunnels excluded", tallies,
                   &RouteTally::total);
  append_durations(
      out, "sallyport_upstream_duration_seconds",
      "From asking the upstream to the head of its answer, retries and the wait for a connection "
      "included",
      tallies, &RouteTally::upstream);
}

}  // namespace sallyport::gateway
