#include "tests/integration/stores/worlds.hpp"

#include <stdexcept>

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

class RedisWorld final : public World {
 public:
  std::unique_ptr<stores::Backend> open(const config::Refresh& rules) override {
    auto store = patient_store(config::StoreKind::redis);
    store.url = server_.url();
    store.address = {"127.0.0.1", server_.port()};
    return open_or_throw(store, rules);
  }
  bool can_be_shared() const override { return true; }

 private:
  RedisServer server_;
};

}  // namespace

std::string name_of(Kind kind) {
  switch (kind) {
    case Kind::memory:
      return "memory";
    case Kind::sqlite:
      return "sqlite";
    case Kind::redis:
      return "redis";
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
      return std::make_unique<RedisWorld>();
  }
  throw std::logic_error("no such kind of store");
}

}  // namespace sallyport::testing
