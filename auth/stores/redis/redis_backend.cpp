#include "auth/stores/redis/redis_backend.hpp"

#include "auth/stores/redis/client.hpp"
#include "auth/stores/redis/fitness.hpp"
#include "auth/stores/redis/redis_key_ring_store.hpp"
#include "auth/stores/redis/redis_revocation_log.hpp"
#include "auth/stores/redis/redis_session_store.hpp"
#include "auth/stores/redis/redis_user_store.hpp"

namespace sallyport::stores::redis {
namespace {

class RedisBackend final : public Backend {
 public:
  RedisBackend(config::Store store, config::Refresh rules)
      : store_(std::move(store)), rules_(std::move(rules)), keys_(store_.key_prefix) {}

  // Two connections for each executor: one that all share, and one on which the revocation log waits.
  Stores connect(net::any_io_executor executor) override {
    auto shared = std::make_shared<Client>(servers(executor), client_settings());
    auto reader = std::make_unique<Client>(servers(executor), client_settings());
    Stores stores;
    stores.sessions = std::make_unique<RedisSessionStore>(shared, keys_, rules_);
    stores.log = std::make_unique<RedisRevocationLog>(shared, std::move(reader), keys_);
    stores.users = std::make_unique<RedisUserStore>(shared, keys_);
    stores.attempts = std::make_unique<RedisAttemptStore>(shared, keys_);
    stores.keys = std::make_unique<RedisKeyRingStore>(shared, keys_);
    return stores;
  }

  Task<Health> probe(net::any_io_executor executor) override {
    const auto all = servers(std::move(executor));
    Piece questions;
    for (const auto section : {"server", "replication", "memory"})
      questions.commands.push_back(encode({"INFO", section}));
    questions.commands.push_back(encode({"PING"}));
    auto answers = co_await all->execute(std::move(questions));
    if (!answers) co_return Health{.ok = false, .message = answers.error().detail};
    if (const Reply& pong = answers->back(); pong.is_error())
      co_return Health{.ok = false, .message = refusal_of(store_.url, pong.text).error.detail};
    std::string info;
    for (const Reply& answer : *answers)
      if (answer.is_string()) info += answer.text + "\n";
    co_return judge_fitness(store_.url, info);
  }

 private:
  std::shared_ptr<Topology> topology() const {
    return std::make_shared<SingleServer>(Endpoint{store_.address.host, store_.address.port, store_.path});
  }
  std::shared_ptr<Servers> servers(net::any_io_executor executor) const {
    return std::make_shared<OneServer>(std::move(executor), topology(), settings());
  }
  Client::Settings client_settings() const { return {.store = store_.url, .timeout = store_.timeout}; }
  Connection::Settings settings() const {
    return {.login = {store_.url, store_.user, store_.password, store_.database},
            .timeout = store_.timeout,
            .attempt = store_.connect_timeout};
  }

  config::Store store_;
  config::Refresh rules_;
  Keys keys_;
};

}  // namespace

boost::system::result<std::unique_ptr<Backend>, std::string> open_redis(const config::Store& store,
                                                                        const config::Refresh& rules) {
  if (store.mode != config::RedisMode::single || store.wait_replicas > 0)
    return store.url + ": only a single server is supported so far";
  if (store.tls)
    return store.url +
           ": rediss:// is not supported; use redis:// or redis+unix://, over a private network or a tunnel";
  if (store.path.empty() && (store.address.host.empty() || store.address.port == 0))
    return store.url + ": it names no host and port, nor a socket";
  if (store.key_prefix.find_first_of("{}") != std::string::npos)
    return std::string(
        "store.key_prefix must not contain { or }: they would break the hash tags of the keys");
  return std::unique_ptr<Backend>(std::make_unique<RedisBackend>(store, rules));
}

}  // namespace sallyport::stores::redis
