// The gateway's own users in Redis, and the counters of failed logins.
// A user's record and the names live in different slots, so no step covers both. The record is written first
// and its name claimed second (removal the other way round): what a crash between leaves behind is a record
// that nobody can log in to.
// Who has an address is a hint, written before the record and dropped after it: the record itself decides.
#pragma once

#include <memory>

#include "auth/stores/redis/client.hpp"
#include "auth/stores/redis/keys.hpp"
#include "auth/users/user_store.hpp"

namespace sallyport::stores::redis {

class RedisUserStore final : public users::UserStore {
 public:
  RedisUserStore(std::shared_ptr<Client> client, Keys keys)
      : client_(std::move(client)), keys_(std::move(keys)) {}

  Task<StoreResult<std::optional<users::User>>> find_by_name(std::string_view name) override;
  Task<StoreResult<std::optional<users::User>>> find_by_id(std::string_view id) override;
  Task<StoreResult<std::vector<users::User>>> find_by_email(std::string_view email) override;
  Task<StoreResult<bool>> add(users::User user) override;
  Task<StoreResult<bool>> update(
      users::User user) override;  // a new name is claimed first; false where it is taken
  Task<StoreResult<bool>> remove(std::string_view id) override;
  Task<StoreResult<Page>> list(std::string cursor, std::size_t limit) override;

 private:
  Task<StoreResult<bool>> write(const Script& script, const users::User& user);
  Task<StoreResult<bool>> name_step(const Script& script, std::string name, std::string id);
  Task<StoreResult<void>> hint(std::string verb, std::string email, std::string id);
  Task<StoreResult<bool>> update_record(users::User user, users::User before);
  std::string encode_read(std::string_view id) const;
  StoreResult<std::optional<users::User>> parse(std::string_view id, const Reply& fields) const;

  std::shared_ptr<Client> client_;
  Keys keys_;
};

class RedisAttemptStore final : public users::AttemptStore {
 public:
  RedisAttemptStore(std::shared_ptr<Client> client, Keys keys)
      : client_(std::move(client)), keys_(std::move(keys)) {}

  Task<StoreResult<unsigned>> add(std::string key, std::chrono::seconds window) override;
  Task<StoreResult<unsigned>> count(std::string key) override;
  Task<StoreResult<void>> clear(std::string key) override;

 private:
  std::shared_ptr<Client> client_;
  Keys keys_;
};

}  // namespace sallyport::stores::redis
