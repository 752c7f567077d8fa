// Where users come from that aren't in the store (`users.source`): opened once, asked by every worker through
// an interface of its own, watched on the control thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/system/result.hpp>

#include <memory>
#include <string>

#include "auth/users/user_store.hpp"
#include "config/config.hpp"
#include "gateway/net/deadlines.hpp"

namespace sallyport::gateway {

class UserSource {
 public:
  virtual ~UserSource() = default;

  // Null for `source: store`. The error is for the operator: which file or setting, and the way out. A
  // database or login API that isn't there is no error: users who log in are told to come back, the log says
  // why.
  static boost::system::result<std::unique_ptr<UserSource>, std::string> open(net::io_context& control,
                                                                              const config::Users& users);

  // For one executor, on its thread; dies before it. `deadlines` of that thread.
  virtual std::unique_ptr<users::UserStore> connect(net::any_io_executor executor, Deadlines& deadlines) = 0;

  // On the control thread: looks after it until stop().
  virtual void start() = 0;
  virtual void stop() = 0;
};

}  // namespace sallyport::gateway
