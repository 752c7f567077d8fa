#include "auth/stores/redis/client.hpp"

namespace sallyport::stores::redis {

std::string encode_call(std::string_view verb, std::string_view script, const Words& keys,
                        const Words& arguments) {
  const std::string count = std::to_string(keys.size());
  std::vector<std::string_view> words{verb, script, count};
  words.reserve(3 + keys.size() + arguments.size());
  words.insert(words.end(), keys.begin(), keys.end());
  words.insert(words.end(), arguments.begin(), arguments.end());
  return encode(std::span<const std::string_view>(words));
}

Task<StoreResult<Reply>> Client::command(std::string encoded) {
  auto reply = co_await connection_.execute(std::move(encoded));
  if (reply && reply->is_error()) co_return refusal(*reply);
  co_return reply;
}

Task<StoreResult<std::vector<Reply>>> Client::raw_group(std::vector<std::string> encoded,
                                                        std::chrono::milliseconds more_patience) {
  if (encoded.empty()) co_return std::vector<Reply>();
  const std::size_t count = encoded.size();
  std::string all;
  for (const auto& one : encoded) all += one;
  auto reply = co_await connection_.execute(std::move(all), count, more_patience);
  if (!reply) co_return reply.error();
  if (count > 1) co_return std::move(reply->elements);
  std::vector<Reply> single;
  single.push_back(std::move(*reply));
  co_return single;
}

Task<StoreResult<std::vector<Reply>>> Client::group(std::vector<std::string> encoded) {
  auto replies = co_await raw_group(std::move(encoded), std::chrono::milliseconds{0});
  if (replies)
    for (const Reply& reply : *replies)
      if (reply.is_error()) co_return refusal(reply);
  co_return replies;
}

Task<StoreResult<Reply>> Client::run(const Script& script, Words keys, Words arguments) {
  std::string by_digest = encode_call("EVALSHA", script.digest, keys, arguments);
  auto reply = co_await connection_.execute(std::move(by_digest));
  if (reply && reply->is_error() && is_noscript(reply->text)) {
    std::string whole = encode_call("EVAL", script.source, keys, arguments);
    reply = co_await connection_.execute(std::move(whole));
  }
  if (reply && reply->is_error()) co_return refusal(*reply);
  co_return reply;
}

Task<StoreResult<Reply>> Client::wait_and_run(std::string blocking, std::chrono::milliseconds wait,
                                              const Script& script, Words keys, Words arguments) {
  std::vector<std::string> both;
  both.push_back(std::move(blocking));
  both.push_back(encode_call("EVALSHA", script.digest, keys, arguments));
  auto replies = co_await raw_group(std::move(both), wait);
  if (!replies) co_return replies.error();
  Reply& waited = (*replies)[0];
  Reply& result = (*replies)[1];
  if (waited.is_error()) co_return refusal(waited);
  if (result.is_error() && is_noscript(result.text))
    co_return co_await run(script, std::move(keys), std::move(arguments));
  if (result.is_error()) co_return refusal(result);
  co_return std::move(result);
}

}  // namespace sallyport::stores::redis
