// `users.source: postgres`: users are rows of a table that the team already has. One per worker. README.md
// names the columns and shows the queries for ASP.NET Identity.
#pragma once

#include <boost/asio/any_io_executor.hpp>

#include <memory>
#include <string>

#include "auth/stores/postgres/pool.hpp"
#include "auth/users/foreign_users.hpp"
#include "config/config.hpp"

namespace sallyport::stores::postgres {

class PostgresUsers final : public users::ForeignUsers {
 public:
  PostgresUsers(net::any_io_executor executor, Target target, config::PostgresUsers rules);

  Task<StoreResult<std::optional<users::User>>> find_by_name(std::string_view name) override;
  Task<StoreResult<std::optional<users::User>>> find_by_id(std::string_view id) override;
  // Changes nothing where the hash that was read isn't there any more.
  Task<StoreResult<bool>> replace_hash(users::User as_read, std::string hash) override;

  // Asks both queries for nobody: empty, or what an operator has to mend.
  Task<std::string> probe();

 private:
  Task<StoreResult<std::optional<users::User>>> find(std::string setting, std::string query, std::string by);

  config::PostgresUsers rules_;
  std::shared_ptr<Pool> pool_;
};

}  // namespace sallyport::stores::postgres
