// The revocation log as a Redis stream. Reading waits on a connection of its own, so that nobody else waits
// with it.
#pragma once

#include <memory>

#include "auth/revocation/revocation_log.hpp"
#include "auth/stores/redis/client.hpp"
#include "auth/stores/redis/keys.hpp"

namespace sallyport::stores::redis {

class RedisRevocationLog final : public revocation::RevocationLog {
 public:
  // `client` is shared with the other stores, `reader` is ours alone.
  RedisRevocationLog(std::shared_ptr<Client> client, std::unique_ptr<Client> reader, Keys keys)
      : client_(std::move(client)), reader_(std::move(reader)), keys_(std::move(keys)) {}

  Task<StoreResult<void>> append(std::vector<revocation::Event> events) override;
  // Answers after a second at most, whatever `wait` says: the marker is checked with each answer.
  Task<StoreResult<revocation::Batch>> read(std::string from, std::size_t limit,
                                            std::chrono::milliseconds wait) override;
  Task<StoreResult<void>> trim(UnixSeconds now) override;

 private:
  std::shared_ptr<Client> client_;
  std::unique_ptr<Client> reader_;
  Keys keys_;
  unsigned trims_ = 0;
};

}  // namespace sallyport::stores::redis
