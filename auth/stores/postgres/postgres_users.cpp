#include "auth/stores/postgres/postgres_users.hpp"

#include <utility>

#include "auth/users/text.hpp"

namespace sallyport::stores::postgres {
namespace {

using Found = std::optional<users::User>;

std::vector<std::string> one(std::string value) {
  std::vector<std::string> values;
  values.push_back(std::move(value));
  return values;
}

}  // namespace

PostgresUsers::PostgresUsers(net::any_io_executor executor, Target target, config::PostgresUsers rules)
    : ForeignUsers("PostgreSQL"),
      rules_(std::move(rules)),
      pool_(std::make_shared<Pool>(std::move(executor), std::move(target), rules_)) {}

Task<StoreResult<Found>> PostgresUsers::find_by_name(std::string_view name) {
  return find("by_name", rules_.by_name, std::string(name));
}

Task<StoreResult<Found>> PostgresUsers::find_by_id(std::string_view id) {
  return find("by_id", rules_.by_id, std::string(id));
}

Task<StoreResult<Found>> PostgresUsers::find(std::string setting, std::string query, std::string by) {
  if (!users::askable(by)) co_return Found();
  auto values = one(std::move(by));
  auto answer = co_await pool_->ask(std::move(query), std::move(values));
  if (!answer) {
    if (answer.error().data_exception) co_return Found();
    co_return answer.error().error;
  }
  auto user = user_of(*answer);
  if (!user)
    co_return StoreError{StoreError::Kind::corrupt, "users.postgres." + setting + ": " + user.error().text};
  co_return std::move(*user);
}

Task<StoreResult<bool>> PostgresUsers::replace_hash(users::User as_read, std::string hash) {
  if (rules_.update_password.empty()) co_return false;
  std::vector<std::string> values;
  values.push_back(std::move(as_read.id));
  values.push_back(std::move(hash));
  values.push_back(std::move(as_read.password_hash));
  std::string query = rules_.update_password;
  auto answer = co_await pool_->ask(std::move(query), std::move(values));
  if (!answer) co_return answer.error().error;
  co_return answer->affected > 0;
}

Task<std::string> PostgresUsers::probe() {
  for (const auto& [setting, query] :
       {std::pair("by_name", &rules_.by_name), std::pair("by_id", &rules_.by_id)}) {
    std::string text = *query;
    auto values = one("sallyport-probe");
    auto answer = co_await pool_->ask(std::move(text), std::move(values));
    if (!answer && answer.error().data_exception) continue;
    const std::string flaw = answer ? column_flaw(answer->columns) : answer.error().error.detail;
    if (!flaw.empty()) co_return std::string("users.postgres.") + setting + ": " + flaw;
  }
  co_return std::string();
}

}  // namespace sallyport::stores::postgres
