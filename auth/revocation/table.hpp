// One immutable level of the index: an open-addressing table of 24-byte entries, two thirds full, 36 bytes
// per entry. Entries lie in the order of their digests, so two tables merge in one pass. Not for use outside
// revocation_set.cpp.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include "auth/revocation/revocation_set.hpp"

namespace sallyport::revocation {

struct RevocationSet::Entry {
  Digest digest;
  std::uint32_t until = 0;               // seconds since 1970; 0: an empty slot
  std::uint32_t before = kAnyIssueTime;  // only tokens issued before it

  static constexpr std::uint32_t kAnyIssueTime = std::numeric_limits<std::uint32_t>::max();

  // Everything that `other` revokes is revoked by this one.
  bool covers(const Entry& other) const {
    return digest == other.digest && until >= other.until && before >= other.before;
  }
  friend bool operator<(const Entry& a, const Entry& b) {
    return std::pair(a.digest.high, a.digest.low) < std::pair(b.digest.high, b.digest.low);
  }
};

struct RevocationSet::Table {
  std::vector<Entry> slots;
  std::vector<std::uint64_t> filter;
  std::size_t used = 0;
  std::array<bool, 5>
      kinds{};  // which kinds stand here: most tables hold sessions only, and the rest needn't look

  // `sorted` by digest, none covered by another. The slot of a digest is its share of the whole range: the
  // order of slots is the order of digests, and any size of table will do.
  Table(const std::vector<Entry>& sorted, std::array<bool, 5> present) : used(sorted.size()), kinds(present) {
    slots.resize(sorted.size() + sorted.size() / 2 + 1);
    filter.resize(sorted.size() / 4 + 1);
    for (const Entry& entry : sorted) {
      std::size_t i = home(entry.digest);
      while (slots[i].until != 0) i = next(i);
      slots[i] = entry;
      filter[share(entry.digest.low, filter.size())] |= bits(entry.digest);
    }
  }

  // Which of `size` equal parts of the range of 64 bits `value` lies in.
  static std::size_t share(std::uint64_t value, std::size_t size) {
    __extension__ using Wide = unsigned __int128;
    return static_cast<std::size_t>(static_cast<Wide>(value) * size >> 64);
  }
  std::size_t home(const Digest& digest) const { return share(digest.high, slots.size()); }

  // Four of 64 bits, from the end of `high` that home() doesn't depend on.
  static std::uint64_t bits(const Digest& digest) {
    const auto bit = [&](int n) { return std::uint64_t{1} << (digest.high >> 6 * n & 63); };
    return bit(0) | bit(1) | bit(2) | bit(3);
  }
  bool may_have(const Digest& digest) const {
    const std::uint64_t wanted = bits(digest);
    return (filter.data()[share(digest.low, filter.size())] & wanted) == wanted;
  }
  // Fetches the word that may_have() will read. Several tables are asked in a row, and none of their words is
  // in the processor's caches: so they are fetched together.
  void prefetch(const Digest& digest) const {
    __builtin_prefetch(filter.data() + share(digest.low, filter.size()));
  }
  std::size_t next(std::size_t i) const { return ++i == slots.size() ? 0 : i; }

  // Does an entry of this digest satisfy `matches`? A digest can stand here more than once (a user, with
  // other times).
  template <typename Matches>
  bool any(const Digest& digest, Matches matches) const {
    if (!may_have(digest)) return false;
    for (std::size_t i = home(digest); slots[i].until != 0; i = next(i))
      if (slots[i].digest == digest && matches(slots[i])) return true;
    return false;
  }

  std::vector<Entry> sorted() const {
    std::vector<Entry> entries;
    entries.reserve(used);
    for (const Entry& entry : slots)
      if (entry.until != 0) entries.push_back(entry);
    std::sort(entries.begin(), entries.end());  // nearly sorted already: clusters only swap neighbours
    return entries;
  }
};

}  // namespace sallyport::revocation
