#include "tests/integration/stores/worlds.hpp"

#include <atomic>
#include <stdexcept>

#include "config/urls.hpp"
#include "tests/support/certificates.hpp"
#include "tests/support/redis_cluster.hpp"
#include "tests/support/redis_sentinels.hpp"
#include "tests/support/redis_server.hpp"
#include "tests/support/temp_dir.hpp"

namespace sallyport::testing {
namespace {

std::unique_ptr<stores::Backend> open_or_throw(const config::Store& store, const config::Refresh& rules) {
  auto backend = stores::open(store, rules);
  if (!backend) throw std::runtime_error(backend.error());
  return std::move(*backend);
}

config::Store patient_store(config::StoreKind kind) {
  config::Store store;
  store.kind = kind;
  store.timeout =
      std::chrono::seconds(10);  // the suite asks what is answered, not how fast on a busy machine
  return store;
}

class MemoryWorld final : public World {
 public:
  std::unique_ptr<stores::Backend> open(const config::Refresh& rules) override {
    return open_or_throw(patient_store(config::StoreKind::memory), rules);
  }
  bool can_be_shared() const override { return false; }
};

class SqliteWorld final : public World {
 public:
  std::unique_ptr<stores::Backend> open(const config::Refresh& rules) override {
    auto store = patient_store(config::StoreKind::sqlite);
    store.path = folder_ / "state.db";
    store.url = "sqlite:" + store.path;
    return open_or_throw(store, rules);
  }
  bool can_be_shared() const override { return true; }

 private:
  TempDir folder_;
};

// A Redis in any of its forms. Starting a fleet takes seconds, so those serve all tests of the process, and
// each test has keys of its own.
class RedisWorld final : public World {
 public:
  explicit RedisWorld(config::StorePlace place, config::StoreTls tls = {}, unsigned wait_replicas = 0)
      : store_(patient_store(config::StoreKind::redis)) {
    static std::atomic<unsigned> serial{0};
    static_cast<config::StorePlace&>(store_) = std::move(place);
    store_.tls_rules = std::move(tls);
    store_.wait_replicas = wait_replicas;
    store_.wait_timeout = store_.timeout / 2;
    store_.connect_timeout = std::chrono::seconds(10);
    store_.key_prefix = "test" + std::to_string(++serial) + ":";
  }
  std::unique_ptr<stores::Backend> open(const config::Refresh& rules) override {
    return open_or_throw(store_, rules);
  }
  bool can_be_shared() const override { return true; }

 private:
  config::Store store_;
};

config::StorePlace place_of(const std::string& url) {
  auto place = config::parse_store(url, "/");
  if (!place) throw std::runtime_error(place.error().text);
  return std::move(*place);
}

std::unique_ptr<World> redis_world() {
  static RedisServer server;
  return std::make_unique<RedisWorld>(place_of(server.url()));
}

// Wants a client certificate of the same authority.
std::unique_ptr<World> tls_world() {
  static TestAuthority authority;
  static TempDir files;
  static const config::StoreTls rules = [] {
    const PemPair pair = authority.issue({"IP:127.0.0.1"});
    files.write("ca.pem", authority.pem());
    files.write("pair.pem", pair.certificate);
    files.write("pair.key", pair.key);
    return config::StoreTls{
        .ca = files / "ca.pem", .certificate = files / "pair.pem", .key = files / "pair.key"};
  }();
  static RedisServer server({.tls = RedisTls{rules.certificate, rules.key, rules.ca}});
  return std::make_unique<RedisWorld>(place_of("rediss://127.0.0.1:" + std::to_string(server.tls_port())),
                                      rules);
}

std::unique_ptr<World> sentinel_world() {
  static RedisSentinels fleet({.extra = {"--min-replicas-to-write", "1"}});
  return std::make_unique<RedisWorld>(place_of(fleet.url()), config::StoreTls{}, 1);
}

std::unique_ptr<World> cluster_world() {
  static RedisCluster cluster;
  return std::make_unique<RedisWorld>(place_of(cluster.url()), config::StoreTls{}, 1);
}

}  // namespace

std::string name_of(Kind kind) {
  switch (kind) {
    case Kind::memory:
      return "memory";
    case Kind::sqlite:
      return "sqlite";
    case Kind::redis:
      return "redis";
    case Kind::redis_tls:
      return "redis_tls";
    case Kind::redis_sentinel:
      return "redis_sentinel";
    case Kind::redis_cluster:
      return "redis_cluster";
  }
  return "unknown";
}

std::unique_ptr<World> make_world(Kind kind) {
  switch (kind) {
    case Kind::memory:
      return std::make_unique<MemoryWorld>();
    case Kind::sqlite:
      return std::make_unique<SqliteWorld>();
    case Kind::redis:
      return redis_world();
    case Kind::redis_tls:
      return tls_world();
    case Kind::redis_sentinel:
      return sentinel_world();
    case Kind::redis_cluster:
      return cluster_world();
  }
  throw std::logic_error("no such kind of store");
}

}  // namespace sallyport::testing
