#include "auth/stores/redis/redis_key_ring_store.hpp"

#include "auth/stores/redis/numbers.hpp"

namespace sallyport::stores::redis {

// The version first: the ring itself travels only when it changed.
Task<StoreResult<jose::KeyRingStore::Stored>> RedisKeyRingStore::load(std::uint64_t known_version) {
  std::string ask = encode({"HGET", keys_.key_ring(), "version"});
  std::string key = keys_.key_ring(), again = key;
  auto version = co_await client_->command(std::move(key), std::move(ask));
  if (!version) co_return version.error();
  if (version->is_nil()) co_return Stored{};
  if (number_of<std::uint64_t>(*version) == known_version) co_return Stored{known_version, {}};
  std::string ask_all = encode({"HMGET", keys_.key_ring(), "version", "sealed"});
  auto fields = co_await client_->command(std::move(again), std::move(ask_all));
  if (!fields) co_return fields.error();
  const auto& f = fields->elements;
  const auto number = f.size() == 2 ? number_of<std::uint64_t>(f[0]) : std::nullopt;
  if (!number || !f[1].is_string()) co_return client_->corrupt("the key ring isn't one");
  co_return Stored{*number, f[1].text};
}

Task<StoreResult<bool>> RedisKeyRingStore::compare_and_swap(std::uint64_t expected, std::string sealed) {
  Words keys{keys_.key_ring()};
  Words arguments{std::to_string(expected), std::move(sealed)};
  auto reply = co_await client_->run(swap_key_ring(), std::move(keys), std::move(arguments));
  if (!reply) co_return reply.error();
  co_return reply->integer == 1;
}

Task<StoreResult<std::string>> RedisKeyRingStore::agree(std::string purpose, std::string ours,
                                                        std::vector<std::string> known, bool force) {
  Words keys{keys_.agreed()};
  Words arguments{std::move(purpose), force ? "1" : "0", std::move(ours)};
  arguments.insert(arguments.end(), std::make_move_iterator(known.begin()),
                   std::make_move_iterator(known.end()));
  auto reply = co_await client_->run(agree_on_key(), std::move(keys), std::move(arguments));
  if (!reply) co_return reply.error();
  co_return reply->text;
}

}  // namespace sallyport::stores::redis
