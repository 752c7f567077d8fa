#include "auth/stores/redis/fitness.hpp"

#include <optional>

#include "auth/stores/redis/errors.hpp"
#include "auth/stores/redis/numbers.hpp"

namespace sallyport::stores::redis {
namespace {

// "7.0.15" -> 700; nullopt: no such text. 6.2 brought XTRIM MINID and exclusive ranges of streams.
std::optional<int> version_number(std::string_view text) {
  const auto dot = text.find('.');
  if (dot == std::string_view::npos) return std::nullopt;
  const auto rest = text.substr(dot + 1);
  const auto major = parse_number<int>(text.substr(0, dot));
  const auto minor = parse_number<int>(rest.substr(0, rest.find('.')));
  if (!major || !minor || *major < 0 || *major > 1000 || *minor < 0 || *minor > 99) return std::nullopt;
  return *major * 100 + *minor;
}

constexpr int kOldest = 602;

}  // namespace

std::string_view info_field(std::string_view info, std::string_view name) {
  while (!info.empty()) {
    const auto end = info.find('\n');
    std::string_view line = info.substr(0, end);
    info.remove_prefix(end == std::string_view::npos ? info.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.size() > name.size() && line.starts_with(name) && line[name.size()] == ':')
      return line.substr(name.size() + 1);
  }
  return {};
}

// "slave0:ip=10.0.0.2,port=6379,state=online,..."
std::vector<Endpoint> replicas_in(std::string_view info) {
  std::vector<Endpoint> found;
  for (int i = 0;; ++i) {
    const std::string_view line = info_field(info, "slave" + std::to_string(i));
    if (line.empty()) return found;
    const auto part = [line](std::string_view name) {
      const auto at = line.find(name);
      if (at == std::string_view::npos) return std::string_view();
      const auto value = line.substr(at + name.size());
      return value.substr(0, value.find(','));
    };
    const auto port = parse_number<std::uint16_t>(part("port="));
    if (port && !part("ip=").empty()) found.push_back({std::string(part("ip=")), *port, {}});
  }
}

Backend::Health judge_fitness(std::string_view store, std::string_view info, Standing standing) {
  Backend::Health health;
  const std::string at = std::string(store) + ": ";
  const auto unfit = [&](const std::string& why) {
    health.message = at + why;
    return health;
  };
  const std::string version = printable(info_field(info, "redis_version"));
  const auto number = version_number(version);
  if (number && *number < kOldest) return unfit("Redis " + version + " is too old: 6.2 or later is needed");
  const auto role = info_field(info, "role");
  if (standing == Standing::master && !role.empty() && role != "master")
    return unfit("it is a replica: the address must lead to the master");
  if (standing == Standing::master && info_field(info, "redis_mode") == "cluster")
    return unfit("this is a node of a Redis Cluster: write redis+cluster:// in place of redis://");
  if (standing == Standing::node && info_field(info, "cluster_state") == "fail")
    return unfit("the Cluster is down, says this node: see CLUSTER INFO");
  const std::string policy = printable(info_field(info, "maxmemory_policy"));
  if (policy.starts_with("allkeys-"))
    return unfit("its maxmemory-policy is " + policy +
                 ", so it may drop revocations and sessions at any time: set `maxmemory-policy noeviction` "
                 "(CONFIG SET, and "
                 "in its configuration file)");
  if (policy.starts_with("volatile-"))
    health.warnings.push_back(
        at + "its maxmemory-policy is " + policy +
        ": under memory pressure it may drop sessions (revocations are safe); `noeviction` is better");
  if (!number)
    health.warnings.push_back(
        at + "its version could not be read (is INFO forbidden by its ACL?): 6.2 or later is needed");
  if (policy.empty())
    health.warnings.push_back(
        at + "its maxmemory-policy could not be read (is INFO forbidden by its ACL?): it must be noeviction");
  health.ok = true;
  health.message = at + "ready" + (version.empty() ? "" : ", Redis " + version);
  return health;
}

}  // namespace sallyport::stores::redis
