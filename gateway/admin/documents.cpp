#include "gateway/admin/documents.hpp"

#include <boost/json.hpp>

#include "gateway/date.hpp"

namespace sallyport::gateway {
namespace {

namespace json = boost::json;

json::array texts(const std::vector<std::string>& all) { return json::array(all.begin(), all.end()); }

void fill(json::object& into, const ReloadOutcome& outcome) {
  into["outcome"] = outcome.good ? "success" : "refused";
  if (outcome.good)
    into["changed"] = texts(outcome.changed);
  else
    into["problems"] = texts(outcome.problems);
}

std::string_view word(config::AuthMode mode) {
  switch (mode) {
    case config::AuthMode::optional:
      return "optional";
    case config::AuthMode::none:
      return "none";
    case config::AuthMode::required:
      break;
  }
  return "required";
}

}  // namespace

ReadyState readiness_of(const Shared& shared, const Follower& follower, const KeyKeeper& keys) {
  if (shared.draining) return {false, "draining"};
  const Follower::Status status = follower.status();
  std::string problem = status.problem.empty() ? keys.problem() : status.problem;
  return {status.ready && problem.empty(), std::move(problem)};
}

std::string status_json(const ReadyState& readiness, std::size_t connections, const ReloadRecord& reloads) {
  json::object status{
      {"version", SALLYPORT_VERSION}, {"ready", readiness.ready}, {"connections", connections}};
  if (!readiness.problem.empty()) status["problem"] = readiness.problem;
  json::object configuration{{"in_force_since", rfc3339(reloads.in_force_since)},
                             {"reloads_succeeded", reloads.succeeded},
                             {"reloads_failed", reloads.failed}};
  if (reloads.last_tried != UnixSeconds{}) {
    json::object last{{"time", rfc3339(reloads.last_tried)}, {"trigger", reloads.last_trigger}};
    fill(last, reloads.last);
    configuration["last_reload"] = std::move(last);
  }
  status["configuration"] = std::move(configuration);
  return json::serialize(status);
}

std::string reload_json(const ReloadOutcome& outcome) {
  json::object answer;
  fill(answer, outcome);
  return json::serialize(answer);
}

std::string routes_json(const Runtime& runtime) {
  json::array routes;
  for (const CompiledRoute& route : runtime.routes) {
    const config::Route& rules = *route.config;
    json::object one{{"route", route.name},        {"path", rules.path},
                     {"host", rules.host},         {"methods", texts(rules.methods)},
                     {"upstream", rules.upstream}, {"auth", word(rules.auth)},
                     {"line", rules.mark.line}};
    routes.push_back(std::move(one));
  }
  return json::serialize(json::object{{"routes", std::move(routes)}});
}

std::string revocations_json(const Follower::Status& status) {
  json::object answer{{"ready", status.ready},
                      {"entries", status.revoked},
                      {"bytes", status.bytes},
                      {"read", status.entries},
                      {"resyncs", status.resyncs}};
  if (status.staleness) answer["staleness_ms"] = status.staleness->count();
  if (!status.problem.empty()) answer["problem"] = status.problem;
  return json::serialize(answer);
}

std::string keys_json(const KeySnapshot& keys) {
  json::array issuers;
  for (const jose::Issuer& issuer : *keys.issuers) {
    json::array all;
    if (issuer.keys)
      for (const jose::Key& key : issuer.keys->keys())
        all.push_back(json::object{{"id", key.id},
                                   {"algorithm", to_string(key.algorithm)},
                                   {"signs", issuer.own && keys.signing && keys.signing->id == key.id}});
    issuers.push_back(json::object{{"issuer", issuer.issuer}, {"own", issuer.own}, {"keys", std::move(all)}});
  }
  json::array refresh;
  for (const jose::MacKey& key : keys.refresh) refresh.emplace_back(key.id);
  return json::serialize(json::object{{"issuers", std::move(issuers)}, {"refresh_keys", std::move(refresh)}});
}

}  // namespace sallyport::gateway
