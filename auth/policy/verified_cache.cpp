#include "auth/policy/verified_cache.hpp"

#include <bit>
#include <utility>

#include "auth/sha256.hpp"

namespace sallyport::policy {
namespace {

// What an entry weighs: its nodes in list and index, and its claims. The claims hold each value of the
// payload up to three times (as a member, in `all`, in `lines`) in objects with overhead; the token is a
// third longer than its payload.
constexpr std::size_t kFixed = 1792, kPerTokenByte = 4;
constexpr int kLooks = 4;             // at the oldest, for one that comes
constexpr std::size_t kUsual = 3300;  // of a token of 370 bytes

}  // namespace

// As many marks as there is room for tokens: which were asked for longer ago than that would have been driven
// out.
VerifiedCache::VerifiedCache(std::size_t max_bytes)
    : max_bytes_(max_bytes), asked_(std::bit_ceil(max_bytes / kUsual + 1)) {}

bool VerifiedCache::asked_before(const Key& key) {
  std::uint64_t bits;  // others than the index goes by
  std::memcpy(&bits, key.data() + sizeof bits, sizeof bits);
  const auto mark = static_cast<std::uint16_t>(bits >> 48 | 1);  // 0: nobody
  return std::exchange(asked_[bits & (asked_.size() - 1)], mark) == mark;
}

VerifiedCache::Key VerifiedCache::key_of(std::string_view token) { return sha256(token); }

VerifiedToken* VerifiedCache::find(const Key& key, UnixSeconds now, std::uint64_t key_generation) {
  const auto found = index_.find(key);
  if (found == index_.end()) {
    ++counters_.misses;
    // What died is used no more, so it is found at the end of the list. A few are looked at for each that
    // comes: the dead don't gather, and no request pays for many.
    for (int i = 0; i < kLooks && !entries_.empty(); ++i) {
      if (entries_.back().dies <= now)
        drop(std::prev(entries_.end()));
      else if (!spare_oldest())
        break;
    }
    return nullptr;
  }
  const Entries::iterator entry = found->second;
  if (now >= entry->dies || entry->key_generation != key_generation) {
    drop(entry);
    ++counters_.misses;
    return nullptr;
  }
  ++counters_.hits;
  entry->used = true;
  return &entry->token;
}

VerifiedToken* VerifiedCache::insert(const Key& key, VerifiedToken token, UnixSeconds dies,
                                     std::uint64_t key_generation, std::size_t token_size) {
  const std::size_t weight = kFixed + kPerTokenByte * token_size;
  if (weight > max_bytes_) return nullptr;
  if (bytes_ + weight > max_bytes_ && !asked_before(key)) return nullptr;
  if (const auto found = index_.find(key); found != index_.end()) drop(found->second);
  for (int looks = 0; bytes_ + weight > max_bytes_; ++looks) {
    if (looks < kLooks && spare_oldest()) continue;
    drop(std::prev(entries_.end()));
    ++counters_.evictions;
  }
  entries_.push_front({key, std::move(token), dies, key_generation, weight});
  bytes_ += weight;  // before what may throw: an entry without a place in the index just grows old
  index_.emplace(key, entries_.begin());
  return &entries_.front().token;
}

void VerifiedCache::clear() {
  index_.clear();
  entries_.clear();
  bytes_ = 0;
}

bool VerifiedCache::spare_oldest() {
  if (!std::exchange(entries_.back().used, false)) return false;
  entries_.splice(entries_.begin(), entries_, std::prev(entries_.end()));
  return true;
}

void VerifiedCache::drop(Entries::iterator entry) {
  bytes_ -= entry->bytes;
  index_.erase(entry->key);
  entries_.erase(entry);
}

}  // namespace sallyport::policy
