// What can be done to our own keys, wherever they lie: make the missing ones, rotate, revoke, load. Whoever
// calls sees to it that nobody else changes them meanwhile. Keys are written before the state that names
// them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "auth/jose/key_directory.hpp"
#include "auth/jose/key_files.hpp"
#include "auth/jose/key_rotation.hpp"
#include "auth/jose/key_state.hpp"

namespace sallyport::jose::acts {

// The keys while we change them, with their state at hand.
struct Change {
  KeyFiles& files;
  Entries entries;
};

KeyResult<Entries> read_state(const KeyFiles& files);
// Reads the state, or writes an empty one where there is neither state nor key.
KeyResult<Change> begin(KeyFiles& files);

// No algorithm: the MAC keys alone.
bool complete(Entries& entries, std::optional<Algorithm> algorithm);
KeyResult<void> make_missing(Change& change, std::optional<Algorithm> algorithm, UnixSeconds now);
KeyResult<OwnKeys> load(const KeyFiles& files, const Entries& entries, bool with_signing);

// Both return the id of the new current key.
KeyResult<std::string> rotate(Change& change, Algorithm algorithm, UnixSeconds now);
KeyResult<std::string> rotate_refresh(Change& change, UnixSeconds now);
KeyResult<void> revoke(Change& change, Algorithm algorithm, std::string_view id, UnixSeconds now);
// false: nothing was due.
KeyResult<bool> tend(Change& change, Algorithm algorithm, const RotationRules& rules, UnixSeconds now);
KeyResult<std::vector<KeyInfo>> list(const KeyFiles& files);  // newest first

// Why keys of this algorithm are not kept here; nullopt: they are.
std::optional<std::string> refuse_symmetric(Algorithm algorithm);

}  // namespace sallyport::jose::acts
