// What one-time tokens stand for, in Redis: a key each, which ends by itself.
#pragma once

#include <memory>

#include "auth/stores/redis/client.hpp"
#include "auth/stores/redis/keys.hpp"
#include "auth/users/one_time_store.hpp"

namespace sallyport::stores::redis {

class RedisOneTimeStore final : public users::OneTimeStore {
 public:
  RedisOneTimeStore(std::shared_ptr<Client> client, Keys keys)
      : client_(std::move(client)), keys_(std::move(keys)) {}

  Task<StoreResult<void>> put(std::string key, std::string value, std::chrono::seconds ttl) override;
  Task<StoreResult<std::optional<std::string>>> find(std::string key) override;
  Task<StoreResult<std::optional<std::string>>> take(std::string key) override;

 private:
  std::shared_ptr<Client> client_;
  Keys keys_;
};

}  // namespace sallyport::stores::redis
