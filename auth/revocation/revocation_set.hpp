// The exact in-memory index of what is revoked. Immutable: a worker holds a plain shared_ptr and asks without
// a lock; the follower makes the next one, which shares the big tables of the last.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "auth/jose/claims.hpp"
#include "auth/revocation/event.hpp"

namespace sallyport::revocation {

// 128 bits of a keyed hash (SipHash-128 with a key that this process drew at start) of (kind, issuer, id). A
// stranger who can choose ids can't make two meet, and by chance it happens once in 2^128.
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

// What an `everything` event of an issuer says, merged with the earlier ones: the larger epoch, the later
// moment.
struct Everything {
  std::string issuer;
  std::uint64_t epoch = 0;                // own tokens of a smaller epoch are revoked
  std::optional<UnixSeconds> before;      // foreign tokens issued before it; own sessions created before it,
                                          // where no epoch tells them apart
  std::optional<UnixSeconds> own_before;  // own tokens issued before it: the store was flushed or replaced
                                          // (Marker), or an event without an epoch says so
  UnixSeconds until{};                    // of the events; own_before has no end

  friend bool operator==(const Everything&, const Everything&) = default;
};

class RevocationSet {
 public:
  static std::shared_ptr<const RevocationSet> empty();

  // Is a token of these claims revoked at `now`? Look-ups only, no allocation. An event counts up to and with
  // its `until`.
  bool revokes(const jose::Claims& claims, const Digests& digests, UnixSeconds now) const;

  // Does an event name this session (the digest of Kind::session)?
  bool revokes_session(const Digest& session, UnixSeconds now) const;

  // The next set: these events too. Amortised cost is logarithmic; idempotent.
  std::shared_ptr<const RevocationSet> with(std::span<const Event> events) const;

  // The next set: own tokens of `issuer` issued before `moment` are revoked too (a new store's marker).
  std::shared_ptr<const RevocationSet> with_own_before(std::string_view issuer, UnixSeconds moment) const;

  // Does with({event}) change nothing?
  bool covers(const Event& event) const;

  // The same without what is over at `now`, as one table.
  std::shared_ptr<const RevocationSet> compacted(UnixSeconds now) const;

  // nullptr: nothing was said about all tokens of this issuer. New own sessions and tokens carry its epoch; a
  // refresh of an own session of a smaller one, or created before its `before`, is refused.
  const Everything* everything(std::string_view issuer) const;

  std::size_t size() const;          // entries in all tables
  std::size_t memory_bytes() const;  // of the tables

 private:
  struct Table;
  struct Entry;
  using Tables = std::vector<std::shared_ptr<const Table>>;
  RevocationSet() = default;
  bool has(const Entry& entry) const;
  std::shared_ptr<RevocationSet> copy() const;

  Tables tables_;                                              // big and old first
  std::shared_ptr<const std::vector<Everything>> everything_;  // one per issuer; null: none
};

}  // namespace sallyport::revocation
