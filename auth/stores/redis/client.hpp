// Commands and scripts for the servers of the store, with the errors of Redis as errors of the store.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "auth/stores/redis/errors.hpp"
#include "auth/stores/redis/resp.hpp"
#include "auth/stores/redis/scripts.hpp"
#include "auth/stores/redis/servers.hpp"
#include "auth/stores/tally.hpp"

namespace sallyport::stores::redis {

using Words = std::vector<std::string>;

// Every call names a key: where there are several servers its slot decides which one is asked.
class Client {
 public:
  struct Settings {
    std::string store;  // printable URL
    std::chrono::milliseconds timeout{200};
    bool waits = false;                      // writes are done once replicas have them, too
    std::shared_ptr<Tally> tally = nullptr;  // null: nobody counts
  };
  Client(std::shared_ptr<Servers> servers, Settings settings)
      : servers_(std::move(servers)), settings_(std::move(settings)) {}

  // One encoded command; an error reply is a StoreError.
  Task<StoreResult<Reply>> command(std::string key, std::string encoded);
  // The same for one that writes what must not be lost.
  Task<StoreResult<Reply>> write(std::string key, std::string encoded);

  // Several encoded commands of one slot in one piece, replies in order; the first error reply is the result.
  // Not a transaction.
  Task<StoreResult<std::vector<Reply>>> group(std::string key, std::vector<std::string> encoded);
  // The same, for reads that are acted upon: where writes wait for replicas, these wait until what they saw
  // is there too. Otherwise a repeated call could acknowledge what a fail-over then loses.
  Task<StoreResult<std::vector<Reply>>> settled_group(std::string key, std::vector<std::string> encoded);

  // A command each for keys of any slots, replies in order; the first error is the result.
  struct Keyed {
    std::string key;
    std::string encoded;
  };
  Task<StoreResult<std::vector<Reply>>> each(std::vector<Keyed> commands);

  // EVALSHA; EVAL where the server doesn't know the script yet. All keys are declared and of one slot.
  Task<StoreResult<Reply>> run(const Script& script, Words keys, Words arguments);

  // First XREAD with its waiting, then the script, in one piece: the script sees what ended the waiting.
  Task<StoreResult<Reply>> wait_and_run(std::string blocking, std::chrono::milliseconds wait,
                                        const Script& script, Words keys, Words arguments);

  const std::string& store() const { return settings_.store; }
  std::chrono::milliseconds timeout() const { return settings_.timeout; }
  StoreError refusal(const Reply& reply) const { return refusal_of(store(), reply.text).error; }
  StoreError corrupt(std::string_view what) const {
    return make_error(StoreError::Kind::corrupt, store(), what);
  }

 private:
  Task<StoreResult<std::vector<Reply>>> execute(Piece piece);
  Task<StoreResult<Reply>> one(Piece piece);

  std::shared_ptr<Servers> servers_;
  Settings settings_;
};

// `EVALSHA sha n keys... arguments...` or `EVAL source ...`.
std::string encode_call(std::string_view verb, std::string_view script, const Words& keys,
                        const Words& arguments);

}  // namespace sallyport::stores::redis
