// Tokens that this worker has verified, so that the next request with the same one costs a hash and a
// look-up. Keyed by the SHA-256 of the whole token, bounded in bytes. Once it is full a token gets in when it
// is seen the second time, so a crowd of tokens that come once drives nothing out, and the oldest goes that
// wasn't used since it was last looked at (second chance: a use marks its entry and touches no other). What
// it holds is verified, never judged: expiry, revocation and policy are asked again for each request.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>

#include <array>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <list>
#include <memory>
#include <string_view>
#include <vector>

#include "auth/jose/claims.hpp"
#include "auth/revocation/revocation_set.hpp"
#include "auth/time.hpp"

namespace sallyport::policy {

struct VerifiedToken {
  std::shared_ptr<const jose::Claims> claims;
  revocation::Digests digests;
  UnixSeconds expires{};  // the issuer's clock skew granted
  bool reported = false;  // a decision has said `first_seen` of it
};

class VerifiedCache {
 public:
  using Key = std::array<unsigned char, 32>;
  struct Counters {
    std::uint64_t hits = 0, misses = 0, evictions = 0;
  };

  explicit VerifiedCache(std::size_t max_bytes);  // 0: remembers nothing
  VerifiedCache(VerifiedCache&&) = delete;

  static Key key_of(std::string_view token);

  // nullptr: not here, dead, or verified under another generation of the keys (then it is dropped). No
  // allocation. Valid until the next call.
  VerifiedToken* find(const Key& key, UnixSeconds now, std::uint64_t key_generation);

  // `dies`: from then on it is no longer found. `token_size` stands for what the claims weigh. nullptr: not
  // kept.
  VerifiedToken* insert(const Key& key, VerifiedToken token, UnixSeconds dies, std::uint64_t key_generation,
                        std::size_t token_size);

  void clear();
  std::size_t size() const { return index_.size(); }
  std::size_t bytes() const { return bytes_; }
  const Counters& counters() const { return counters_; }

 private:
  struct Entry {
    Key key;
    VerifiedToken token;
    UnixSeconds dies{};
    std::uint64_t key_generation = 0;
    std::size_t bytes = 0;
    bool used = false;  // since it came to the front
  };
  using Entries = std::list<Entry>;
  struct Hash {  // the key is a hash already
    using is_avalanching = void;
    std::size_t operator()(const Key& key) const {
      std::size_t value;
      std::memcpy(&value, key.data(), sizeof value);
      return value;
    }
  };
  bool spare_oldest();  // where it was used: it comes to the front, and must be used again
  void drop(Entries::iterator entry);
  bool asked_before(const Key& key);  // and remembers that it was asked for now

  std::size_t max_bytes_;
  std::size_t bytes_ = 0;
  Entries entries_;  // the newest first
  boost::unordered_flat_map<Key, Entries::iterator, Hash> index_;
  std::vector<std::uint16_t> asked_;  // by key: the mark of who was refused last
  Counters counters_;
};

}  // namespace sallyport::policy
