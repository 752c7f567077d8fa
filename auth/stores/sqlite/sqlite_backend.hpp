// The embedded store: a SQLite file that several processes of one host may share, or a database in memory.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "auth/stores/stores.hpp"

namespace sallyport::stores {

namespace sqlite {
class StoreThread;
}

struct SqliteOptions {
  std::string path;  // a file, or ":memory:"
  // After it a call is a store error. Not the network's 200 ms: a disk that syncs may take longer, and there
  // is no other replica that a client could be sent to.
  std::chrono::milliseconds timeout{2'000};
  std::size_t queue = 4096;           // operations waiting for the disk; over it `overloaded`
  std::int64_t max_pages = 0;         // upper bound of the file in pages; 0: none
  std::function<UnixMillis()> clock;  // the store's clock; empty: the host's. Called on the store's thread
};

class SqliteBackend final : public Backend {
 public:
  SqliteBackend(std::shared_ptr<sqlite::StoreThread> thread, std::chrono::milliseconds timeout);
  ~SqliteBackend() override;  // the thread ends with the last Stores and the last pending call
  Stores connect(net::any_io_executor executor) override;
  Task<Health> probe(net::any_io_executor executor) override;

  // For metrics and tests: transactions that wrote, and operations in them.
  struct Commits {
    std::uint64_t transactions = 0;
    std::uint64_t operations = 0;
  };
  Commits commits() const;

 private:
  std::shared_ptr<sqlite::StoreThread> thread_;
  std::chrono::milliseconds timeout_;
};

// The error is a sentence for the operator: the file, what is wrong, the way out.
boost::system::result<std::unique_ptr<SqliteBackend>, std::string> open_sqlite(const SqliteOptions& options,
                                                                               const config::Refresh& rules);

}  // namespace sallyport::stores
