#include "auth/policy/verified_cache.hpp"

#include <openssl/sha.h>

#include <stdexcept>
#include <utility>

namespace sallyport::policy {
namespace {

// What an entry weighs: its nodes in list and index, and its claims. The claims hold each value of the
// payload up to twice (as a member and in `all`) in objects with overhead; the token is a third longer than
// its payload.
constexpr std::size_t kFixed = 1024, kPerTokenByte = 4;

}  // namespace

VerifiedCache::VerifiedCache(std::size_t max_bytes) : max_bytes_(max_bytes) {}

// By the plain functions, which OpenSSL would rather have retired: its EVP ones (3.0) take memory for each
// digest and give it back.
VerifiedCache::Key VerifiedCache::key_of(std::string_view token) {
  Key key;
  SHA256_CTX state;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
  if (SHA256_Init(&state) != 1 || SHA256_Update(&state, token.data(), token.size()) != 1 ||
      SHA256_Final(key.data(), &state) != 1)
    throw std::runtime_error("SHA-256 failed");
#pragma GCC diagnostic pop
  return key;
}

VerifiedToken* VerifiedCache::find(const Key& key, UnixSeconds now, std::uint64_t key_generation) {
  const auto found = index_.find(key);
  if (found == index_.end()) {
    ++counters_.misses;
    // What died is asked for no more, so it comes to the end of the list. Two go for each that comes: the
    // dead don't gather, and no request pays for many.
    for (int i = 0; i < 2 && !entries_.empty() && entries_.back().dies <= now; ++i)
      drop(std::prev(entries_.end()));
    return nullptr;
  }
  const Entries::iterator entry = found->second;
  if (now >= entry->dies || entry->key_generation != key_generation) {
    drop(entry);
    ++counters_.misses;
    return nullptr;
  }
  ++counters_.hits;
  entries_.splice(entries_.begin(), entries_, entry);
  return &entry->token;
}

VerifiedToken* VerifiedCache::insert(const Key& key, VerifiedToken token, UnixSeconds dies,
                                     std::uint64_t key_generation, std::size_t token_size) {
  const std::size_t weight = kFixed + kPerTokenByte * token_size;
  if (weight > max_bytes_) return nullptr;
  if (const auto found = index_.find(key); found != index_.end()) drop(found->second);
  while (bytes_ + weight > max_bytes_) {
    drop(std::prev(entries_.end()));
    ++counters_.evictions;
  }
  entries_.push_front({key, std::move(token), dies, key_generation, weight});
  index_.emplace(key, entries_.begin());
  bytes_ += weight;
  return &entries_.front().token;
}

void VerifiedCache::clear() {
  index_.clear();
  entries_.clear();
  bytes_ = 0;
}

void VerifiedCache::drop(Entries::iterator entry) {
  bytes_ -= entry->bytes;
  index_.erase(entry->key);
  entries_.erase(entry);
}

}  // namespace sallyport::policy
