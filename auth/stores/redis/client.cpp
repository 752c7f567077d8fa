#include "auth/stores/redis/client.hpp"

#include <optional>

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

// The calls outlive a client that is destroyed meanwhile; then they are answered with an error, and no member
// is touched.
Task<StoreResult<std::vector<Reply>>> Client::execute(Piece piece) {
  const std::shared_ptr<Tally> tally = settings_.tally;
  const auto began = std::chrono::steady_clock::now();
  auto replies = co_await servers_->execute(std::move(piece));
  if (tally) {
    const auto took = std::chrono::steady_clock::now() - began;
    const std::optional<StoreError> error = replies ? std::nullopt : std::optional(replies.error());
    tally->add(std::chrono::duration_cast<std::chrono::microseconds>(took), error ? &*error : nullptr);
  }
  co_return replies;
}

Task<StoreResult<Reply>> Client::one(Piece piece) {
  auto replies = co_await execute(std::move(piece));
  if (!replies) co_return replies.error();
  if (replies->front().is_error()) co_return refusal(replies->front());
  co_return std::move(replies->front());
}

Task<StoreResult<Reply>> Client::command(std::string key, std::string encoded) {
  Piece piece{.key = std::move(key)};
  piece.commands.push_back(std::move(encoded));
  return one(std::move(piece));
}

Task<StoreResult<Reply>> Client::write(std::string key, std::string encoded) {
  Piece piece{.key = std::move(key), .durable = true};
  piece.commands.push_back(std::move(encoded));
  return one(std::move(piece));
}

Task<StoreResult<std::vector<Reply>>> Client::group(std::string key, std::vector<std::string> encoded) {
  Piece piece{.key = std::move(key), .commands = std::move(encoded)};
  auto replies = co_await execute(std::move(piece));
  if (replies)
    for (const Reply& reply : *replies)
      if (reply.is_error()) co_return refusal(reply);
  co_return replies;
}

// WAIT covers what was written before on the same connection, so something must be written: a key of the same
// slot, gone in a second.
Task<StoreResult<std::vector<Reply>>> Client::settled_group(std::string key,
                                                            std::vector<std::string> encoded) {
  if (!settings_.waits) co_return co_await group(std::move(key), std::move(encoded));
  encoded.push_back(encode({"SET", key + ":fence", "", "PX", "1000"}));
  Piece piece{.key = std::move(key), .commands = std::move(encoded), .durable = true};
  auto replies = co_await execute(std::move(piece));
  if (!replies) co_return replies;
  for (const Reply& reply : *replies)
    if (reply.is_error()) co_return refusal(reply);
  replies->pop_back();
  co_return replies;
}

Task<StoreResult<std::vector<Reply>>> Client::each(std::vector<Keyed> commands) {
  if (commands.empty()) co_return std::vector<Reply>();
  if (servers_->hold_together()) {
    std::vector<std::string> encoded;
    for (Keyed& one : commands) encoded.push_back(std::move(one.encoded));
    co_return co_await group(std::move(commands.front().key), std::move(encoded));
  }
  std::vector<Reply> replies;
  replies.reserve(commands.size());
  for (Keyed& one : commands) {
    auto reply = co_await command(std::move(one.key), std::move(one.encoded));
    if (!reply) co_return reply.error();
    replies.push_back(std::move(*reply));
  }
  co_return replies;
}

Task<StoreResult<Reply>> Client::run(const Script& script, Words keys, Words arguments) {
  Piece piece{.key = keys.front(), .durable = script.durable};
  piece.commands.push_back(encode_call("EVALSHA", script.digest, keys, arguments));
  auto replies = co_await execute(std::move(piece));
  if (!replies) co_return replies.error();
  Reply& reply = replies->front();
  if (reply.is_error() && is_noscript(reply.text)) {
    Piece whole{.key = keys.front(), .durable = script.durable};
    whole.commands.push_back(encode_call("EVAL", script.source, keys, arguments));
    co_return co_await one(std::move(whole));
  }
  if (reply.is_error()) co_return refusal(reply);
  co_return std::move(reply);
}

Task<StoreResult<Reply>> Client::wait_and_run(std::string blocking, std::chrono::milliseconds wait,
                                              const Script& script, Words keys, Words arguments) {
  Piece piece{.key = keys.front(), .more_patience = wait};
  piece.commands.push_back(std::move(blocking));
  piece.commands.push_back(encode_call("EVALSHA", script.digest, keys, arguments));
  auto replies = co_await servers_->execute(std::move(piece));
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
