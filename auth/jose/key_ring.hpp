// Our own keys as one sealed text, for a fleet that keeps them in its store (`tokens.signing.keys: store`).
// The same named texts as in a folder, encrypted as a whole under `wrap_key`: who reads the store learns how
// often the keys change, and no more. Whoever writes it back compares and swaps; nothing here does I/O.
//
//   "v1." base64url( nonce (12) | AES-256-GCM( the texts as JSON ) | tag (16) )
//
// The key of the cipher is HKDF-SHA256 of wrap_key. A nonce is random: at one change a second for a century
// two are alike with a probability below 2^-32.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "auth/jose/key_files.hpp"
#include "config/secret.hpp"

namespace sallyport::jose {

inline constexpr std::size_t kMaxRingSize = 2 * 1024 * 1024;  // of the sealed text

class KeyRing final : public KeyFiles {
 public:
  KeyRing() = default;  // without keys
  // The error names wrap_key where it is another than the ring was sealed under.
  static KeyResult<KeyRing> open(std::string_view sealed, const config::Secret& wrap_key);
  // Throws where OpenSSL has no random numbers.
  std::string seal(const config::Secret& wrap_key) const;

  bool changed() const { return changed_; }  // since it was opened

  bool has(const std::string& name) const override { return texts_.count(name) != 0; }
  KeyResult<config::Secret> read(const std::string& name, std::size_t limit, mode_t forbidden) const override;
  KeyResult<void> write(const std::string& name, std::string_view text) override;
  KeyResult<void> remove(const std::string& name) override;
  std::vector<std::string> names() const override;
  std::string full(std::string_view name) const override;

 private:
  std::map<std::string, config::Secret> texts_;
  bool changed_ = false;
};

}  // namespace sallyport::jose
