// The exact in-memory index of what is revoked. Immutable: a worker holds a plain shared_ptr and asks without a lock;
// the follower makes the next one, which shares the big tables of the last.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "auth/jose/claims.hpp"
#include "auth/revocation/event.hpp"

namespace sallyport::revocation {

// 128 bits of a keyed hash (SipHash-128 with a key that this process drew at start) of (kind, issuer, id). A stranger who
// can choose ids can't make two meet, and by chance it happens once in 2^128.
struct Digest {
  std::uint64_t high = 0, low = 0;
  friend bool operator==(const Digest&, const Digest&) = default;
};
Digest digest(Kind kind, std::string_view issuer, std::string_view id);

// The look-up keys of a token, hashed once when it was verified.
struct Digests {
  Digest token, session, user, key;
  bool has_token = false, has_session = false;
};
Digests digests_of(const jose::Claims& claims);

class RevocationSet {
 public:
  static std::shared_ptr<const RevocationSet> empty();

  // Is a token of these claims revoked at `now`? Look-ups only, no allocation.
  bool revokes(const jose::Claims& claims, const Digests& digests, UnixSeconds now) const;

  // The next set: these events too. Amortised cost is logarithmic; idempotent.
  std::shared_ptr<const RevocationSet> with(std::span<const Event> events) const;

  // The same without what is over at `now`, as one table.
  std::shared_ptr<const RevocationSet> compacted(UnixSeconds now) const;

  std::size_t size() const;
  std::size_t memory_bytes() const;

 private:
  struct Table;
  RevocationSet() = default;
  std::vector<std::shared_ptr<const Table>> tables_;  // big and old first
  struct Everything;
  std::shared_ptr<const Everything> everything_;      // epoch of own tokens, issued-before of each issuer
};

}  // namespace sallyport::revocation
