#include "auth/stores/redis/redis_backend.hpp"

#include "auth/stores/redis/redis_key_ring_store.hpp"
#include "auth/stores/redis/redis_one_time_store.hpp"
#include "auth/stores/redis/redis_revocation_log.hpp"
#include "auth/stores/redis/redis_session_store.hpp"
#include "auth/stores/redis/redis_user_store.hpp"
#include "auth/stores/redis/survey.hpp"
#include "auth/stores/redis/tls.hpp"
#include "auth/stores/redis/wiring.hpp"

namespace sallyport::stores::redis {
namespace {

class RedisBackend final : public Backend {
 public:
  RedisBackend(config::Store store, config::Refresh rules)
      : store_(std::move(store)), rules_(std::move(rules)), keys_(store_.key_prefix) {}

  // Two ways for each executor: one that all share, and one on which the revocation log waits.
  Stores connect(net::any_io_executor executor) override {
    Client::Settings counted = client_settings(store_);
    counted.tally = tally_;
    auto shared = std::make_shared<Client>(make_servers(executor, store_), std::move(counted));
    auto reader = std::make_unique<Client>(make_servers(executor, store_), client_settings(store_));
    Stores stores;
    stores.sessions = std::make_unique<RedisSessionStore>(shared, keys_, rules_);
    stores.log = std::make_unique<RedisRevocationLog>(shared, std::move(reader), keys_);
    stores.users = std::make_unique<RedisUserStore>(shared, keys_);
    stores.attempts = std::make_unique<RedisAttemptStore>(shared, keys_);
    stores.one_time = std::make_unique<RedisOneTimeStore>(shared, keys_);
    stores.keys = std::make_unique<RedisKeyRingStore>(shared, keys_);
    return stores;
  }

  Task<Health> probe(net::any_io_executor executor) override { return survey(std::move(executor), store_); }
  const Tally* tally() const override { return tally_.get(); }

 private:
  config::Store store_;
  config::Refresh rules_;
  Keys keys_;
  std::shared_ptr<Tally> tally_ = std::make_shared<Tally>();
};

}  // namespace

boost::system::result<std::unique_ptr<Backend>, std::string> open_redis(const config::Store& store,
                                                                        const config::Refresh& rules) {
  if (store.path.empty() && store.seeds.empty() && (store.address.host.empty() || store.address.port == 0))
    return store.url + ": it names no host and port, nor a socket";
  if (store.tls)
    if (auto context = make_tls_context(store.tls_rules); !context) return context.error();
  if (store.key_prefix.find_first_of("{}") != std::string::npos)
    return std::string(
        "store.key_prefix must not contain { or }: they would break the hash tags of the keys");
  return std::unique_ptr<Backend>(std::make_unique<RedisBackend>(store, rules));
}

}  // namespace sallyport::stores::redis
