// A few connections to one PostgreSQL for one thread, opened when somebody asks. Who asks waits for a
// connection or for the reason why there is none, never longer than the deadline; a server that isn't there
// is tried again after a back-off.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "auth/stores/postgres/connection.hpp"
#include "config/config.hpp"

namespace sallyport::stores::postgres {

class Pool : public std::enable_shared_from_this<Pool> {
 public:
  // Its connectors keep it alive until they are done.
  Pool(net::any_io_executor executor, Target target, const config::PostgresUsers& rules);

  // Repeats the question once where an idle connection turns out to be dead.
  Task<Connection::Asked> ask(std::string query, std::vector<std::string> parameters);

 private:
  struct Waiter {
    net::steady_timer timer;  // cancelled: look at the other two
    std::unique_ptr<Connection> got;
    std::string problem;
  };
  struct Lease {
    std::unique_ptr<Connection> connection;
    bool fresh = false;  // opened for us: it can't have died of idleness
  };

  Task<boost::system::result<Lease, Connection::Failure>> take(SteadyTime deadline);
  std::unique_ptr<Connection> take_idle();
  void give_back(std::unique_ptr<Connection> connection);
  void open_one();
  static Task<> connect(std::shared_ptr<Pool> pool);
  void opened(std::unique_ptr<Connection> connection);
  void failed(const std::string& problem);

  net::any_io_executor executor_;
  Target target_;
  unsigned most_;
  std::size_t queue_;
  std::chrono::milliseconds timeout_;

  std::vector<std::unique_ptr<Connection>> idle_;
  std::list<Waiter> waiters_;
  unsigned count_ = 0;  // connections, those that are being opened too
  std::chrono::milliseconds back_off_{0};
  SteadyTime retry_at_{};
  std::string last_problem_;
};

}  // namespace sallyport::stores::postgres
