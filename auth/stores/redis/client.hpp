// Commands and scripts on one connection, with the errors of Redis as errors of the store.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "auth/stores/redis/connection.hpp"
#include "auth/stores/redis/errors.hpp"
#include "auth/stores/redis/resp.hpp"
#include "auth/stores/redis/scripts.hpp"

namespace sallyport::stores::redis {

using Words = std::vector<std::string>;

class Client {
 public:
  Client(net::any_io_executor executor, std::shared_ptr<Topology> topology, Connection::Settings settings)
      : connection_(std::move(executor), std::move(topology), std::move(settings)) {}

  // One encoded command; an error reply is a StoreError.
  Task<StoreResult<Reply>> command(std::string encoded);

  // Several encoded commands in one piece, replies in order; the first error reply is the result. Not a
  // transaction.
  Task<StoreResult<std::vector<Reply>>> group(std::vector<std::string> encoded);

  // The same, but error replies stay replies.
  Task<StoreResult<std::vector<Reply>>> raw_group(std::vector<std::string> encoded,
                                                  std::chrono::milliseconds more_patience);

  // EVALSHA; EVAL where the server doesn't know the script yet. All keys are declared and of one slot.
  Task<StoreResult<Reply>> run(const Script& script, Words keys, Words arguments);

  // First XREAD with its waiting, then the script, in one piece: the script sees what ended the waiting.
  Task<StoreResult<Reply>> wait_and_run(std::string blocking, std::chrono::milliseconds wait,
                                        const Script& script, Words keys, Words arguments);

  const std::string& store() const { return connection_.store(); }
  std::chrono::milliseconds timeout() const { return connection_.timeout(); }
  StoreError refusal(const Reply& reply) const { return refusal_of(store(), reply.text).error; }
  StoreError corrupt(std::string_view what) const {
    return make_error(StoreError::Kind::corrupt, store(), what);
  }

 private:
  Connection connection_;
};

// `EVALSHA sha n keys... arguments...` or `EVAL source ...`.
std::string encode_call(std::string_view verb, std::string_view script, const Words& keys,
                        const Words& arguments);

}  // namespace sallyport::stores::redis
