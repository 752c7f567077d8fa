// Our own keys on disk: a folder of signing keys and refresh MAC keys, filled on the first start.
//
//   state.json          which key is next, which current, which are retired and since when
//   <kid>.pem           signing key, PKCS#8, 0600 (public part only once retired for good)
//   refresh-<id>.key    MAC key of refresh tokens, 32 random bytes base64url, 0600
//   .lock               what changes are made under (flock); never removed
//
// A change is a temporary file, fsync, rename, fsync of the folder; keys first, then state.json. So a process
// that dies at any point leaves a folder that loads. Blocking: for start-up and CLI.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "auth/jose/key_folder.hpp"
#include "auth/jose/key_rotation.hpp"
#include "auth/jose/key_state.hpp"
#include "auth/jose/keys.hpp"
#include "auth/time.hpp"

namespace sallyport::jose {

struct MacKey {
  std::string id;         // 8 characters, part of the token
  config::Secret secret;  // 32 bytes
};

struct OwnKeys {
  std::shared_ptr<const Key> signing;       // the current one
  std::shared_ptr<const KeySet> verifying;  // next, current and retired
  std::vector<MacKey> refresh;              // newest first; the first signs, all verify
};

// Signing keys here are asymmetric: with HS256 to HS512 the configuration holds the secret, and open() and
// rotate() refuse.
class KeyDirectory {
 public:
  KeyDirectory(std::string path, Algorithm algorithm);

  // Loads; creates folder, signing key and MAC key where there are none. Two processes at once make one set.
  // A current key of another algorithm is retired for a new one. Writes nothing where nothing is missing: the
  // folder may be read-only.
  KeyResult<OwnKeys> open(UnixSeconds now);
  // The MAC keys alone, newest first, for a gateway that signs with a secret; signing keys are neither read
  // nor made.
  KeyResult<std::vector<MacKey>> open_refresh_only(UnixSeconds now);
  // The next key becomes current, or a new one where there is no next; returns its id.
  KeyResult<std::string> rotate(UnixSeconds now);
  KeyResult<std::string> rotate_refresh(UnixSeconds now);
  // Removes the key: what it signed is token_invalid at once. A current one is followed by the next one, or
  // by a new one at the next open(). Again after an interruption: removes the file that was left.
  KeyResult<void> revoke(std::string_view id, UnixSeconds now);
  // What the keys' age asks for (key_rotation.hpp). false: nothing, or another process is at it. Doesn't
  // wait.
  KeyResult<bool> tend(const RotationRules& rules, UnixSeconds now);
  KeyResult<std::vector<KeyInfo>> list();  // newest first

  // Another one than before: the keys were changed. Nothing: there are none, or no telling.
  using Stamp = Folder::Stamp;
  std::optional<Stamp> stamp() const;

 private:
  std::string path_;
  Algorithm algorithm_;
};

}  // namespace sallyport::jose
