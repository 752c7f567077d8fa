#include "auth/stores/redis/survey.hpp"

#include "auth/stores/redis/ask.hpp"
#include "auth/stores/redis/cluster.hpp"
#include "auth/stores/redis/fitness.hpp"
#include "auth/stores/redis/wiring.hpp"

namespace sallyport::stores::redis {
namespace {

using Health = Backend::Health;

std::vector<std::string> questions(bool cluster) {
  std::vector<std::string> out;
  for (const auto section : {"server", "replication", "memory"}) out.push_back(encode({"INFO", section}));
  if (cluster) out.push_back(encode({"CLUSTER", "INFO"}));
  out.push_back(encode({"PING"}));
  return out;
}

// What of it could be had. PING is allowed to everybody, so its error tells what is wrong with all.
StoreResult<std::string> text_of(const std::string& store, StoreResult<std::vector<Reply>> answers) {
  if (!answers) return answers.error();
  if (answers->back().is_error()) return refusal_of(store, answers->back().text).error;
  std::string info;
  for (const Reply& answer : *answers)
    if (answer.is_string()) info += answer.text + "\n";
  return info;
}

// Adds what was found out about one more server.
void add(Health& all, Health one) {
  for (std::string& warning : one.warnings) all.warnings.push_back(std::move(warning));
  if (one.ok) return;
  all.ok = false;
  all.message = std::move(one.message);
}

// The others of a fleet. One that doesn't answer isn't judged: it isn't needed now.
Task<> judge_others(const net::any_io_executor& executor, const config::Store& store,
                    const std::vector<Endpoint>& others, Standing standing, Health& health) {
  const bool cluster = store.mode == config::RedisMode::cluster;
  for (const Endpoint& other : others) {
    if (!health.ok) co_return;
    net::any_io_executor here = executor;
    Endpoint server = other;
    Connection::Settings settings = connection_settings(store);
    std::vector<std::string> asked = questions(cluster);
    auto answers = co_await ask(std::move(here), std::move(server), std::move(settings), std::move(asked));
    const std::string name = store.url + " (" + other.name() + ")";
    const auto info = text_of(name, std::move(answers));
    if (info)
      add(health, judge_fitness(name, *info, standing));
    else if (standing == Standing::node)
      add(health, Health{.ok = false, .message = info.error().detail});
  }
}

Task<Health> survey_cluster(net::any_io_executor executor, config::Store store) {
  net::any_io_executor here = executor;
  std::vector<Endpoint> seeds = seeds_of(store);
  Connection::Settings settings = connection_settings(store);
  auto map = co_await read_map(std::move(here), std::move(seeds), std::move(settings));
  if (!map) co_return Health{.ok = false, .message = map.error().detail};
  if (const unsigned missing = kSlots - map->covered(); missing > 0)
    co_return Health{.ok = false,
                     .message = store.url + ": " + std::to_string(missing) + " of its slots have no node"};
  Health health{.ok = true, .message = store.url + ": ready"};
  co_await judge_others(executor, store, map->masters(), Standing::node, health);
  co_await judge_others(executor, store, map->replicas(), Standing::replica, health);
  co_return health;
}

}  // namespace

Task<Health> survey(net::any_io_executor executor, config::Store store) {
  if (store.mode == config::RedisMode::cluster)
    co_return co_await survey_cluster(std::move(executor), std::move(store));
  const auto servers = make_servers(executor, store);
  Piece piece{.commands = questions(false)};
  auto answers = co_await servers->execute(std::move(piece));
  const auto info = text_of(store.url, std::move(answers));
  if (!info) co_return Health{.ok = false, .message = info.error().detail};
  Health health = judge_fitness(store.url, *info, Standing::master);
  if (health.ok && store.mode == config::RedisMode::sentinel) {
    const std::vector<Endpoint> replicas = replicas_in(*info);
    co_await judge_others(executor, store, replicas, Standing::replica, health);
  }
  co_return health;
}

}  // namespace sallyport::stores::redis
