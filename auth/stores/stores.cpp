#include "auth/stores/stores.hpp"

#include "auth/stores/redis/redis_backend.hpp"
#include "auth/stores/sqlite/sqlite_backend.hpp"

namespace sallyport::stores {
namespace {

// `timeout` is meant for a network. A disk that syncs is slower than that, and there is no other replica to
// ask.
constexpr int kDiskTimeouts = 10;

boost::system::result<std::unique_ptr<Backend>, std::string> open_embedded(std::string path,
                                                                           const config::Store& store,
                                                                           const config::Refresh& rules) {
  SqliteOptions options;
  options.path = std::move(path);
  options.timeout = store.timeout * kDiskTimeouts;
  auto backend = open_sqlite(options, rules);
  if (!backend) return backend.error();
  return std::unique_ptr<Backend>(std::move(*backend));
}

}  // namespace

boost::system::result<std::unique_ptr<Backend>, std::string> open(const config::Store& store,
                                                                  const config::Refresh& rules) {
  switch (store.kind) {
    case config::StoreKind::memory:
      return open_embedded(":memory:", store, rules);
    case config::StoreKind::sqlite:
      return open_embedded(store.path, store, rules);
    case config::StoreKind::redis:
      return redis::open_redis(store, rules);
  }
  return std::string("store " + store.url + ": of no kind that is built in");
}

}  // namespace sallyport::stores
