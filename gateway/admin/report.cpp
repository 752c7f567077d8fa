#include "gateway/admin/report.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <functional>

#include "gateway/worker.hpp"

namespace sallyport::gateway {
namespace {

namespace json = boost::json;

std::string_view state_of(const ServerReport& server) {
  if (!server.healthy) return "unhealthy";
  if (server.broken) return "broken";
  return server.ejected ? "ejected" : "well";
}

void append_gauge(std::string& out, const char* name, const char* help,
                  const std::vector<UpstreamReport>& upstreams,
                  const std::function<std::string(const UpstreamReport&, const ServerReport&)>& value) {
  out += std::string("# HELP ") + name + " " + help + "\n# TYPE " + name + " gauge\n";
  for (const UpstreamReport& upstream : upstreams)
    for (const ServerReport& server : upstream.servers)
      out += std::string(name) + "{upstream=\"" + prometheus_label(upstream.name) + "\",server=\"" +
             prometheus_label(server.url) + "\"} " + value(upstream, server) + "\n";
}

}  // namespace

WorkerReport report_of(Worker& worker, SteadyTime now) {
  WorkerReport report;
  report.requests = worker.tallies();
  for (const auto& pool : worker.serving()->pools) {
    UpstreamReport& upstream = report.upstreams.emplace_back();
    upstream.name = pool->config().name;
    upstream.checked = pool->config().health.has_value();
    upstream.waiting = pool->state().waiting();
    for (std::size_t i = 0; i < pool->state().size(); ++i) {
      const upstream::PoolState::Server& state = pool->state().server(i);
      upstream.servers.push_back({pool->config().servers[i].url, state.healthy,
                                  state.breaker.state(now) != upstream::Breaker::State::closed,
                                  state.ejected_until > now, state.busy, state.idle});
    }
  }
  return report;
}

std::vector<UpstreamReport> together(const std::vector<WorkerReport>& reports) {
  std::vector<UpstreamReport> all;
  for (const WorkerReport& report : reports)
    for (const UpstreamReport& theirs : report.upstreams) {
      const auto same = std::find_if(all.begin(), all.end(), [&](const UpstreamReport& one) {
        return one.name == theirs.name && one.servers.size() == theirs.servers.size();
      });
      if (same == all.end()) {
        all.push_back(theirs);
        continue;
      }
      same->waiting += theirs.waiting;
      for (std::size_t i = 0; i < same->servers.size(); ++i) {
        ServerReport& ours = same->servers[i];
        const ServerReport& more = theirs.servers[i];
        ours.healthy = ours.healthy && more.healthy;
        ours.broken = ours.broken || more.broken;
        ours.ejected = ours.ejected || more.ejected;
        ours.busy += more.busy;
        ours.idle += more.idle;
      }
    }
  return all;
}

std::string upstreams_json(const std::vector<UpstreamReport>& upstreams) {
  json::array all;
  for (const UpstreamReport& upstream : upstreams) {
    json::array servers;
    for (const ServerReport& server : upstream.servers)
      servers.push_back(json::object{
          {"url", server.url}, {"state", state_of(server)}, {"busy", server.busy}, {"idle", server.idle}});
    all.push_back(json::object{{"name", upstream.name},
                               {"checked", upstream.checked},
                               {"waiting", upstream.waiting},
                               {"servers", std::move(servers)}});
  }
  return json::serialize(json::object{{"upstreams", std::move(all)}});
}

void append_upstreams(std::string& out, const std::vector<UpstreamReport>& upstreams) {
  append_gauge(out, "sallyport_upstream_server_up",
               "1 while a server gets requests; 0: failed checks, an open breaker, or refused connections",
               upstreams, [](const UpstreamReport&, const ServerReport& server) {
                 return std::string(state_of(server) == "well" ? "1" : "0");
               });
  append_gauge(out, "sallyport_upstream_connections_busy", "Connections that carry a request", upstreams,
               [](const UpstreamReport&, const ServerReport& server) { return std::to_string(server.busy); });
  append_gauge(out, "sallyport_upstream_connections_idle", "Connections kept for the next request", upstreams,
               [](const UpstreamReport&, const ServerReport& server) { return std::to_string(server.idle); });
}

}  // namespace sallyport::gateway
