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

// `counts`: one for each bound, and one for what is longer. `labels`: without braces.
void append_buckets(std::string& out, const std::string& name, const std::string& labels,
                    std::span<const std::int64_t> bounds, std::span<const std::uint64_t> counts,
                    std::uint64_t sum) {
  std::uint64_t so_far = 0;
  const auto bucket = [&](const std::string& le) {
    out += name + "_bucket{" + labels + (labels.empty() ? "" : ",") + "le=\"" + le + "\"} " +
           std::to_string(so_far) + "\n";
  };
  for (std::size_t i = 0; i < bounds.size(); ++i) {
    so_far += counts[i];
    bucket(seconds(static_cast<std::uint64_t>(bounds[i])));
  }
  so_far += counts.back();
  bucket("+Inf");
  const std::string braced = labels.empty() ? "" : "{" + labels + "}";
  out += name + "_sum" + braced + " " + exact_seconds(sum) + "\n";
  out += name + "_count" + braced + " " + std::to_string(so_far) + "\n";
}

void append_durations(std::string& out, const char* name, const char* help, const RequestTallies& tallies,
                      DurationTally RouteTally::* which) {
  append_head(out, name, "histogram", help);
  for (const auto& [route, tally] : tallies.routes()) {
    const DurationTally& durations = tally.*which;
    const bool any =
        std::any_of(durations.counts.begin(), durations.counts.end(), [](auto n) { return n > 0; });
    if (any)
      append_buckets(out, name, "route=\"" + prometheus_label(route) + "\"", DurationTally::kBounds,
                     durations.counts, durations.sum);
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

void RequestTallies::event(std::string_view act) {
  const auto found = events_.find(act);
  ++(found != events_.end() ? found->second : events_[std::string(act)]);
}

void RequestTallies::add(const RequestTallies& other) {
  for (const auto& [route, tally] : other.routes_) of(route).add(tally);
  for (const auto& [act, count] : other.events_) events_[act] += count;
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
  constexpr const char* kEvents = "sallyport_auth_events_total";
  append_head(out, kEvents, "counter",
              "Logins, refreshes, refusals and endings, as the audit log names them");
  for (const auto& [act, count] : tallies.events())
    out += std::string(kEvents) + "{event=\"" + prometheus_label(act) + "\"} " + std::to_string(count) + "\n";
}

void append_store(std::string& out, const stores::Tally& tally) {
  constexpr const char* kDuration = "sallyport_store_duration_seconds";
  append_head(out, kDuration, "histogram",
              "From a question to Redis to its answer, or until it was given up");
  std::array<std::uint64_t, stores::Tally::kBounds.size() + 1> counts{};
  for (std::size_t i = 0; i < counts.size(); ++i) counts[i] = tally.counts[i].load(std::memory_order_relaxed);
  append_buckets(out, kDuration, {}, stores::Tally::kBounds, counts,
                 tally.sum.load(std::memory_order_relaxed));
  constexpr const char* kErrors = "sallyport_store_errors_total";
  append_head(out, kErrors, "counter", "Questions to Redis without a good answer");
  constexpr std::array<const char*, stores::Tally::kErrors> kKinds{"unreachable", "timeout", "refused",
                                                                   "corrupt", "overloaded"};
  for (std::size_t i = 0; i < kKinds.size(); ++i)
    out += std::string(kErrors) + "{kind=\"" + kKinds[i] + "\"} " +
           std::to_string(tally.errors[i].load(std::memory_order_relaxed)) + "\n";
}

}  // namespace sallyport::gateway
