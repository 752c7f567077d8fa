#include "gateway/serving.hpp"

#include <openssl/rand.h>

#include <stdexcept>

namespace sallyport::gateway {

Issuing::Issuing(const Runtime& runtime, stores::Stores& stores, users::HashingPool& hashing,
                 sessions::SessionService::Parts parts)
    : users(*stores.users, *stores.attempts, hashing, runtime.config.users, runtime.config.auth.throttle),
      accounts(*stores.users, *stores.one_time, *stores.attempts, hashing, runtime.config.users,
               runtime.config.auth.throttle, secret_bits),
      sessions(std::move(parts), runtime.config.tokens) {}

void secret_bits(std::span<unsigned char> into) {
  if (RAND_bytes(into.data(), static_cast<int>(into.size())) != 1) throw std::runtime_error("no randomness");
}

void intrusive_ptr_add_ref(Serving* serving) noexcept { ++serving->held; }

void intrusive_ptr_release(Serving* serving) noexcept {
  if (--serving->held == 0) delete serving;
}

const Runtime& RequestContext::runtime() const { return *serving->runtime; }

}  // namespace sallyport::gateway
