// The names of our keys. All keys that one script touches share a {hash tag}, so that they share a slot of a
// Cluster too.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "auth/sessions/session.hpp"

namespace sallyport::stores::redis {

class Keys {
 public:
  explicit Keys(std::string prefix) : prefix_(std::move(prefix)) {}

  using Tag = std::array<unsigned char, 8>;
  static Tag tag_of(const sessions::SessionId& id);

  std::string session(const sessions::SessionId& id) const;  // hash
  std::string session_index(const Tag& tag) const;           // zset: sid -> the moment it is over
  std::string epoch(const Tag& tag) const;  // integer; never expires, or an old session could revive

  std::string events() const;   // stream
  std::string marker() const;   // hash {id, created}
  std::string trimmed() const;  // hash {cursor, until} of the last entry that trim() dropped

  std::string user(std::string_view id) const;  // hash {version, data}
  std::string names() const;                    // zset of folded names, score 0: the order of list()
  std::string ids() const;                      // hash: folded name -> user id
  std::string key_ring() const;                 // hash {version, sealed}
  std::string agreed() const;                   // hash: purpose -> id of the gateways' newest key
  // Of a digest: what strangers type into a login form must not become a key of any length.
  std::string attempts(std::string_view key) const;
  std::string one_time(std::string_view key) const;
  std::string email(std::string_view folded) const;  // set: ids of the users who may have this address

 private:
  std::string tagged(const Tag& tag, std::string_view rest) const;
  std::string prefix_;
};

std::string hex(const unsigned char* bytes, std::size_t size);

}  // namespace sallyport::stores::redis
