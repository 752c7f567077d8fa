// The refresh token as text: what it names and that we made it. It holds no secret of its own and is stored
// nowhere.
//
//   "v1." base64url( key id (8) | session id (24) | generation (4, big endian) | HMAC-SHA256 (32) )
//
// The MAC covers a label of its own, so that no MAC we make for another purpose ever fits here, and the
// OAuth client that the token was issued to: shown by another it is no token (RFC 6749 section 6). The same
// session and generation under the same key give the same text: that is how a lost reply is answered with the
// same successor.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "auth/jose/key_directory.hpp"
#include "auth/sessions/session.hpp"

namespace sallyport::sessions {

struct RefreshClaim {
  SessionId session;
  std::uint32_t generation = 0;
  friend bool operator==(const RefreshClaim&, const RefreshClaim&) = default;
};

inline constexpr std::size_t kRefreshTokenLength = 3 + 91;

// One per worker: the MAC contexts behind it are prepared once and mutable.
class RefreshCodec {
 public:
  // Newest first: the first signs, all verify. Throws std::invalid_argument where a key has no id of 8
  // characters or fewer than 32 bytes, or where there is none: a start-up error.
  explicit RefreshCodec(const std::vector<jose::MacKey>& keys);
  ~RefreshCodec();
  RefreshCodec(RefreshCodec&&) noexcept;
  RefreshCodec& operator=(RefreshCodec&&) noexcept;

  // `client`: its client_id; empty: our own applications, which have none.
  std::string write(const RefreshClaim& claim, std::string_view client = {}) const;

  // nullopt: not a token of ours, in any other spelling than ours, of another client, or under a key that we
  // don't have. Asks nobody.
  std::optional<RefreshClaim> read(std::string_view text, std::string_view client = {}) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sallyport::sessions
