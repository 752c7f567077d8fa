// See admission.hpp.
#include "gateway/net/admission.hpp"

#include <algorithm>
#include <cstring>
#include <functional>
#include <string_view>

namespace sallyport::gateway {
namespace {

constexpr std::size_t kLargestReserve = 4096;
constexpr std::array<std::uint8_t, 12> kV4Prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

}  // namespace

std::size_t connection_cap(std::size_t wanted, std::size_t descriptors, std::size_t in_use) {
  const std::size_t free = descriptors > in_use ? descriptors - in_use : 0;
  const std::size_t reserve = std::min(free - free / 3, kLargestReserve);
  return std::max<std::size_t>(1, std::min(wanted, free - reserve));
}

std::size_t idle_cap(std::size_t cap, std::size_t descriptors, std::size_t in_use) {
  const std::size_t free = descriptors > in_use ? descriptors - in_use : 0;
  return free > cap ? (free - cap) / 2 : 0;
}

std::size_t AddressCounts::Hash::operator()(const Key& key) const {
  return std::hash<std::string_view>{}({reinterpret_cast<const char*>(key.data()), key.size()});
}

AddressCounts::Key AddressCounts::key_of(const IpAddress& address) {
  Key key = address.bytes;
  if (!std::equal(kV4Prefix.begin(), kV4Prefix.end(), key.begin())) std::fill(key.begin() + 8, key.end(), 0);
  return key;
}

AddressCounts::Shard& AddressCounts::shard_of(const Key& key) const {
  return shards_[(Hash{}(key) >> 8) % shards_.size()];
}

bool AddressCounts::enter(const IpAddress& address) {
  const std::size_t limit = limit_;
  if (limit == 0) return true;
  const Key key = key_of(address);
  Shard& shard = shard_of(key);
  const std::lock_guard lock(shard.mutex);
  std::size_t& count = shard.counts[key];
  if (count >= limit) return false;
  ++count;
  return true;
}

void AddressCounts::leave(const IpAddress& address) {
  if (!counting_) return;
  const Key key = key_of(address);
  Shard& shard = shard_of(key);
  const std::lock_guard lock(shard.mutex);
  const auto found = shard.counts.find(key);
  if (found != shard.counts.end() && --found->second == 0) shard.counts.erase(found);
}

std::size_t AddressCounts::count(const IpAddress& address) const {
  const Key key = key_of(address);
  Shard& shard = shard_of(key);
  const std::lock_guard lock(shard.mutex);
  const auto found = shard.counts.find(key);
  return found == shard.counts.end() ? 0 : found->second;
}

}  // namespace sallyport::gateway
