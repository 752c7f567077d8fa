#include "gateway/cli/look_up.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/this_coro.hpp>

#include <utility>

#include "gateway/cli/command.hpp"
#include "gateway/user_source.hpp"

namespace sallyport::cli {
namespace {

Task<StoreResult<std::optional<users::User>>> find_user(users::UserStore& users, std::string name) {
  auto found = co_await users.find_by_name(name);
  if (found && !found->has_value()) found = co_await users.find_by_id(name);
  co_return found;
}

}  // namespace

Task<StoreResult<std::optional<users::User>>> look_up(stores::Stores& stores, const config::Config& config,
                                                      std::string name) {
  if (config.users.source == "store") co_return co_await find_user(*stores.users, std::move(name));
  if (config.users.source == "http") {
    users::User user;
    user.id = user.name = std::move(name);
    co_return std::optional(std::move(user));
  }
  net::io_context unused;
  auto source = gateway::UserSource::open(unused, config.users);
  if (!source) co_return StoreError{StoreError::Kind::refused, source.error()};
  gateway::Deadlines deadlines(std::chrono::steady_clock::now());
  const auto users = (*source)->connect(co_await net::this_coro::executor, deadlines);
  co_return co_await find_user(*users, std::move(name));
}

int look_up_failed(const config::Config& config, const StoreError& error) {
  if (config.users.source == "store") return store_failed(config, error);
  complain("can't look the user up (users.source: " + config.users.source + "): " + error.detail);
  return kNotThere;
}

}  // namespace sallyport::cli
