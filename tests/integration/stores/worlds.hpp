// The stores that the contract suite runs against: each world is one real store that several gateways can
// open.
#pragma once

#include <boost/asio/io_context.hpp>

#include <memory>
#include <ostream>
#include <string>
#include <utility>

#include "auth/stores/stores.hpp"
#include "tests/support/await.hpp"

namespace sallyport::testing {

enum class Kind { memory, sqlite, redis, redis_tls, redis_sentinel, redis_cluster };
std::string name_of(Kind kind);
inline std::ostream& operator<<(std::ostream& out, Kind kind) { return out << name_of(kind); }

class World {
 public:
  virtual ~World() = default;
  // Opens it once more, as another process would. A memory: store has no such second door.
  virtual std::unique_ptr<stores::Backend> open(const config::Refresh& rules) = 0;
  virtual bool can_be_shared() const = 0;
};

// An empty store of that kind. Throws where it can't be had: no redis-server on this machine is a failed
// test.
std::unique_ptr<World> make_world(Kind kind);

// One gateway's view: a backend, an executor, the interfaces, and a short way to await them. Make it on the
// thread that uses it.
struct Gateway {
  explicit Gateway(std::shared_ptr<stores::Backend> opened)
      : backend(std::move(opened)), stores(backend->connect(context.get_executor())) {}

  template <typename T>
  T operator()(Task<T> task) {
    return await(context, std::move(task));
  }

  std::shared_ptr<stores::Backend> backend;
  net::io_context context{1};
  stores::Stores stores;
};

}  // namespace sallyport::testing
