// What a worker tells of its requests and its upstreams' servers, and how all of it together is shown. Pure
// but for report_of(), which runs on the worker's thread.
#pragma once

#include <string>
#include <vector>

#include "auth/time.hpp"
#include "gateway/observe/tallies.hpp"

namespace sallyport::gateway {

class Worker;

struct ServerReport {
  std::string url;
  bool healthy = true;   // by its active checks
  bool broken = false;   // its breaker is open
  bool ejected = false;  // it refused connections lately
  unsigned busy = 0, idle = 0;
};
struct UpstreamReport {
  std::string name;
  bool checked = false;  // there are active checks
  std::size_t waiting = 0;
  std::vector<ServerReport> servers;
};
struct WorkerReport {
  RequestTallies requests;
  std::vector<UpstreamReport> upstreams;
};

WorkerReport report_of(Worker& worker, SteadyTime now);

// Adds up what the workers of one configuration say: a server is healthy where all find it so, broken or
// ejected where any does.
std::vector<UpstreamReport> together(const std::vector<WorkerReport>& reports);

std::string upstreams_json(const std::vector<UpstreamReport>& upstreams);
void append_upstreams(std::string& out, const std::vector<UpstreamReport>& upstreams);  // for Prometheus

}  // namespace sallyport::gateway
