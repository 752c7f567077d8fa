// Where a fleet's sealed key ring (key_ring.hpp) lives, and what gateways say of their keys to each other.
// Same rules of thread and time as SessionStore.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "auth/store_error.hpp"
#include "auth/task.hpp"

namespace sallyport::jose {

class KeyRingStore {
 public:
  virtual ~KeyRingStore() = default;

  struct Stored {
    std::uint64_t version = 0;  // 0: there is no ring yet
    std::string sealed;         // empty where the version is the one that was known
  };
  virtual Task<StoreResult<Stored>> load(std::uint64_t known_version) = 0;
  // Puts the ring in place of version `expected`; false: another one stands there by now.
  virtual Task<StoreResult<bool>> compare_and_swap(std::uint64_t expected, std::string sealed) = 0;

  // Says that the gateway's newest key of that purpose ("signing", "refresh") is `ours`, where nobody has
  // said so yet or what was said is one of `known`. Returns what stands there then: another one means that a
  // gateway with other keys works on this store. `force`: ours stands there in any case.
  virtual Task<StoreResult<std::string>> agree(std::string purpose, std::string ours,
                                               std::vector<std::string> known, bool force) = 0;
};

}  // namespace sallyport::jose
