// Our own keys in the store, for a fleet that rotates together (`tokens.signing.keys: store`): every change
// is made to a copy of the ring and written back over the version that was read, so that two gateways never
// both rotate.
#pragma once

#include <functional>
#include <optional>

#include "auth/jose/key_directory.hpp"
#include "auth/jose/key_ring.hpp"
#include "auth/jose/key_ring_store.hpp"
#include "auth/jose/key_rotation.hpp"
#include "config/config.hpp"

namespace sallyport::jose {

// Do our own keys live in the store?
bool keys_in_store(const config::Tokens& tokens);

// What is kept there besides MAC keys; nullopt: nothing, the tokens are signed with a secret.
std::optional<Algorithm> ring_algorithm(const config::Tokens& tokens);

// Loads the ring (an empty one at first), lets `act` work on it, and writes back what it changed; again from
// the start where another writer was faster. The error is for the operator: the store's or that of `act`.
using RingAct = std::function<KeyResult<void>(KeyRing& ring)>;
Task<KeyResult<void>> change_ring(KeyRingStore& store, config::Secret wrap_key, RingAct act);

// A gateway's view of the ring, brought up to date again and again. Not thread-safe.
class StoredKeys {
 public:
  StoredKeys(KeyRingStore& store, config::Tokens tokens, RotationRules rules);

  // Reads what is new, makes keys that are missing and rotates what is due. Keys: other ones than before (all
  // of them the first time). Nothing: all as it was. The error is for the operator.
  Task<KeyResult<std::optional<OwnKeys>>> look(UnixSeconds now);

 private:
  KeyResult<OwnKeys> keys_of(const KeyRing& ring) const;

  KeyRingStore& store_;
  config::Tokens tokens_;
  RotationRules rules_;
  std::optional<Algorithm> algorithm_;
  KeyRing ring_;
  std::uint64_t version_ = 0;
  bool told_ = false;  // the keys of `version_` were returned
};

}  // namespace sallyport::jose
