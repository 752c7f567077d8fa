// A fleet's sealed key ring in Redis, and which keys its gateways say they have.
#pragma once

#include <memory>

#include "auth/jose/key_ring_store.hpp"
#include "auth/stores/redis/client.hpp"
#include "auth/stores/redis/keys.hpp"

namespace sallyport::stores::redis {

class RedisKeyRingStore final : public jose::KeyRingStore {
 public:
  RedisKeyRingStore(std::shared_ptr<Client> client, Keys keys)
      : client_(std::move(client)), keys_(std::move(keys)) {}

  Task<StoreResult<Stored>> load(std::uint64_t known_version) override;
  Task<StoreResult<bool>> compare_and_swap(std::uint64_t expected, std::string sealed) override;
  Task<StoreResult<std::string>> agree(std::string purpose, std::string ours, std::vector<std::string> known,
                                       bool force) override;

 private:
  std::shared_ptr<Client> client_;
  Keys keys_;
};

}  // namespace sallyport::stores::redis
