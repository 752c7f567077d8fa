// See ticket_keys.hpp.
#include "gateway/net/ticket_keys.hpp"

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <algorithm>
#include <stdexcept>

namespace sallyport::gateway {

TicketKeys::TicketKeys(SteadyTime now) : newest_since_(now) {
  keys_[0] = fresh();
  count_ = 1;
}

TicketKeys::~TicketKeys() { OPENSSL_cleanse(keys_.data(), sizeof keys_); }

TicketKey TicketKeys::fresh() {
  TicketKey key;
  if (RAND_bytes(key.name.data(), static_cast<int>(key.name.size())) != 1 ||
      RAND_priv_bytes(key.cipher.data(), static_cast<int>(key.cipher.size())) != 1 ||
      RAND_priv_bytes(key.mac.data(), static_cast<int>(key.mac.size())) != 1)
    throw std::runtime_error("no randomness");
  return key;
}

void TicketKeys::rotate(SteadyTime now) {
  const auto periods = (now - newest_since_) / kPeriod;
  if (periods <= 0) return;
  // A quiet night is several periods: what then would be too old to open goes too.
  const auto moves = std::min<std::size_t>(static_cast<std::size_t>(periods), keys_.size());
  for (std::size_t i = 0; i < moves; ++i) {
    std::rotate(keys_.begin(), keys_.end() - 1, keys_.end());
    keys_[0] = fresh();
  }
  count_ = std::min(count_ + moves, keys_.size());
  newest_since_ += periods * kPeriod;
}

TicketKey TicketKeys::sealing(SteadyTime now) {
  const std::lock_guard lock(mutex_);
  rotate(now);
  return keys_[0];
}

std::optional<TicketKeys::Found> TicketKeys::opening(const unsigned char* name, SteadyTime now) {
  const std::lock_guard lock(mutex_);
  rotate(now);
  for (std::size_t i = 0; i < count_; ++i)
    if (std::equal(keys_[i].name.begin(), keys_[i].name.end(), name)) return Found{keys_[i], i > 0};
  return std::nullopt;
}

}  // namespace sallyport::gateway
