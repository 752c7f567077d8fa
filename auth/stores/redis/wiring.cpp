#include "auth/stores/redis/wiring.hpp"

#include <algorithm>

#include "auth/stores/redis/cluster.hpp"
#include "auth/stores/redis/sentinel.hpp"

namespace sallyport::stores::redis {
namespace {

// One attempt to connect asks every Sentinel if it must, and still has time for the master.
std::shared_ptr<Topology> make_sentinels(net::any_io_executor executor, const config::Store& store) {
  Connection::Settings settings = connection_settings(store);
  settings.login = {.store = store.url, .user = store.sentinels.user, .password = store.sentinels.password};
  settings.timeout = std::max(std::chrono::milliseconds{50},
                              store.connect_timeout / static_cast<int>(store.seeds.size() + 1));
  return std::make_shared<SentinelTopology>(std::move(executor), seeds_of(store), store.master,
                                            std::move(settings));
}

}  // namespace

Connection::Settings connection_settings(const config::Store& store) {
  Connection::Settings settings;
  settings.login = {
      .store = store.url, .user = store.user, .password = store.password, .database = store.database};
  settings.timeout = store.timeout;
  settings.attempt = store.connect_timeout;
  if (store.tls) settings.tls = store.tls_rules;
  settings.wait_replicas = store.wait_replicas;
  settings.wait_timeout = store.wait_timeout;
  return settings;
}

Client::Settings client_settings(const config::Store& store) {
  return {.store = store.url, .timeout = store.timeout, .waits = store.wait_replicas > 0};
}

std::vector<Endpoint> seeds_of(const config::Store& store) {
  std::vector<Endpoint> seeds;
  for (const config::Address& seed : store.seeds) seeds.push_back({seed.host, seed.port, {}});
  return seeds;
}

std::shared_ptr<Servers> make_servers(net::any_io_executor executor, const config::Store& store) {
  Connection::Settings settings = connection_settings(store);
  if (store.mode == config::RedisMode::cluster)
    return std::make_shared<Cluster>(std::move(executor), seeds_of(store), std::move(settings));
  std::shared_ptr<Topology> where;
  if (store.mode == config::RedisMode::sentinel)
    where = make_sentinels(executor, store);
  else
    where = std::make_shared<SingleServer>(Endpoint{store.address.host, store.address.port, store.path});
  return std::make_shared<OneServer>(std::move(executor), std::move(where), std::move(settings));
}

}  // namespace sallyport::stores::redis
