// How many clients may be connected: in all, by what the system's descriptors allow, and per address. Exact
// over the whole process; only a connection's begin and end touch it.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <unordered_map>

#include "gateway/addresses.hpp"

namespace sallyport::gateway {

// `wanted`: limits.connections. `descriptors` the process may open, of which `in_use` are taken before the
// first client. Part of the rest is kept free for upstreams and the store (a proxied request is two
// descriptors), so that accept never takes the last one.
std::size_t connection_cap(std::size_t wanted, std::size_t descriptors, std::size_t in_use);

// How many connections to upstreams the process may keep idle, so that those at work still find a descriptor.
std::size_t idle_cap(std::size_t cap, std::size_t descriptors, std::size_t in_use);

// Connections by client address; an IPv6 client counts by its /64, because one host has all of that. Any
// thread.
class AddressCounts {
 public:
  explicit AddressCounts(std::size_t limit) { use(limit); }

  // 0: none; nothing is counted until there is one. Connections from before a first limit don't count.
  void use(std::size_t limit) {
    if (limit > 0) counting_ = true;
    limit_ = limit;
  }
  bool enter(const IpAddress& address);  // false: it has as many as it may, this one doesn't count
  void leave(const IpAddress& address);  // after an enter() that said true
  std::size_t count(const IpAddress& address) const;

 private:
  using Key = std::array<std::uint8_t, 16>;
  struct Hash {
    std::size_t operator()(const Key& key) const;
  };
  struct Shard {
    mutable std::mutex mutex;
    std::unordered_map<Key, std::size_t, Hash> counts;
  };
  static Key key_of(const IpAddress& address);
  Shard& shard_of(const Key& key) const;

  std::atomic<std::size_t> limit_{0};
  std::atomic<bool> counting_{false};  // never off again: who was counted must be uncounted
  mutable std::array<Shard, 16> shards_;
};

}  // namespace sallyport::gateway
