// One connection to PostgreSQL: libpq speaks the protocol and never waits, Asio waits. One question at a
// time; after any error but a refusal by the server the connection is closed and stays so.
#pragma once

#include <libpq-fe.h>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "auth/store_error.hpp"
#include "auth/stores/postgres/user_row.hpp"
#include "auth/task.hpp"
#include "auth/time.hpp"

namespace sallyport::stores::postgres {

// Host names resolved, defaults filled in: what connect() is given. libpq's own look-up of names would hold
// up the whole thread.
struct Target {
  std::vector<std::string> keywords, values;
};

// The URL or key=value text taken apart; the error is libpq's, without the text itself (it holds the
// password).
boost::system::result<Target, std::string> parse_target(const std::string& url);

// Each host with each of its addresses. Hosts that can't be found are left out; all of them: an error.
Task<boost::system::result<Target, std::string>> resolved(Target target);

class Connection {
 public:
  explicit Connection(net::any_io_executor executor);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Empty, or why not: for the operator.
  Task<std::string> connect(Target target, SteadyTime deadline);

  // `refused` errors say that the server understood and said no; `data_exception` that a value was none for
  // the column (SQLSTATE class 22).
  struct Failure {
    StoreError error;
    bool data_exception = false;
  };
  using Asked = boost::system::result<Answer, Failure>;
  Task<Asked> ask(std::string query, std::vector<std::string> parameters, SteadyTime deadline);

  bool open() const { return connection_ != nullptr; }
  // Whether the server closed it, or said something unasked, while it was idle.
  bool stale();
  void close();

 private:
  enum class Direction { read, write };
  struct Finish {
    void operator()(PGconn* connection) const { PQfinish(connection); }
  };
  // false: the deadline passed, or the connection was closed meanwhile.
  Task<bool> wait(Direction direction, SteadyTime deadline);
  std::string problem() const;
  Failure broken(StoreError::Kind kind, std::string what);

  net::any_io_executor executor_;
  std::unique_ptr<PGconn, Finish> connection_;
};

}  // namespace sallyport::stores::postgres
