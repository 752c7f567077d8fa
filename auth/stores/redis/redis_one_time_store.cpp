#include "auth/stores/redis/redis_one_time_store.hpp"

#include <algorithm>

namespace sallyport::stores::redis {
namespace {

std::optional<std::string> value_of(Reply& reply) {
  if (reply.is_nil()) return std::nullopt;
  return std::move(reply.text);
}

}  // namespace

Task<StoreResult<void>> RedisOneTimeStore::put(std::string key, std::string value, std::chrono::seconds ttl) {
  const std::chrono::milliseconds length = std::max(ttl, std::chrono::seconds{1});
  std::string command =
      encode({"SET", keys_.one_time(key), std::move(value), "PX", std::to_string(length.count())});
  auto reply = co_await client_->write(keys_.one_time(key), std::move(command));
  if (!reply) co_return reply.error();
  co_return StoreResult<void>();
}

Task<StoreResult<std::optional<std::string>>> RedisOneTimeStore::find(std::string key) {
  std::string command = encode({"GET", keys_.one_time(key)});
  auto reply = co_await client_->command(keys_.one_time(key), std::move(command));
  if (!reply) co_return reply.error();
  co_return value_of(*reply);
}

Task<StoreResult<std::optional<std::string>>> RedisOneTimeStore::take(std::string key) {
  Words keys{keys_.one_time(key)};
  auto reply = co_await client_->run(take_value(), std::move(keys), {});
  if (!reply) co_return reply.error();
  co_return value_of(*reply);
}

}  // namespace sallyport::stores::redis
