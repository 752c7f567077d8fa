// Our own keys on disk: a folder of signing keys and refresh MAC keys, filled on the first start.
//
//   state.json          which key is current, which are retired and since when
//   <kid>.pem           signing key, PKCS#8, 0600 (public part only once retired for good)
//   refresh-<id>.key    MAC key of refresh tokens, 32 random bytes base64url, 0600
//
// Changes happen under an flock on the folder, by write to a temporary file, fsync and rename. Blocking: for start-up and CLI.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "auth/jose/keys.hpp"
#include "auth/time.hpp"

namespace sallyport::jose {

struct MacKey {
  std::string id;          // 8 characters, part of the token
  config::Secret secret;   // 32 bytes
};

struct OwnKeys {
  std::shared_ptr<const Key> signing;       // the newest
  std::shared_ptr<const KeySet> verifying;  // current and retired
  std::vector<MacKey> refresh;              // newest first; the first signs, all verify
};

struct KeyInfo {
  std::string id, kind, state;   // kind: the algorithm, or "refresh"; state: current, retired
  UnixSeconds created{};
  std::optional<UnixSeconds> retired;
};

class KeyDirectory {
 public:
  KeyDirectory(std::string path, Algorithm algorithm);

  // Loads; creates folder, signing key and MAC key where there are none. Two processes at once make one set.
  KeyResult<OwnKeys> open(UnixSeconds now);
  KeyResult<std::string> rotate(UnixSeconds now);           // a new current signing key; returns its id
  KeyResult<std::string> rotate_refresh(UnixSeconds now);
  KeyResult<void> revoke(std::string_view id);              // removes the key: what it signed is token_invalid at once
  KeyResult<std::vector<KeyInfo>> list();

 private:
  std::string path_;
  Algorithm algorithm_;
};

}  // namespace sallyport::jose
