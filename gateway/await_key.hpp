// When a token was refused for want of its issuer's key: waits a moment for the key, so that the first client
// with a new key isn't refused only because it is the first.
#pragma once

#include <chrono>
#include <string>

#include "auth/jose/key_wish.hpp"
#include "auth/jose/token_verifier.hpp"
#include "auth/task.hpp"
#include "gateway/message.hpp"
#include "gateway/request_context.hpp"

namespace sallyport::gateway {

class Worker;

// At most this many requests of a worker wait at once, each at most so long; the others are refused at once.
// So strangers' tokens with invented key ids hold nothing that others need.
inline constexpr std::size_t kMaxKeyWaits = 64;
inline constexpr std::chrono::seconds kKeyPatience{2};

// The token may be good, but its issuer's key isn't known here.
inline bool lacks_key(const RequestContext& context) {
  return context.reason == jose::to_string(jose::TokenError::unknown_key);
}

// Waits until that issuer's keys were looked for. false: they weren't.
Task<bool> await_key(Worker& worker, jose::KeyWish wish);
// Another gateway may have signed a refresh token with a key that is newer than our last look, and nobody is
// logged out for that. Returns once that key is here, or was looked for.
Task<> await_refresh_key(Worker& worker, const std::string& token);
// The same for the request's own token. true: judge again (the context is ready for that).
Task<bool> await_key(Worker& worker, const RequestHead& head, RequestContext& context);

}  // namespace sallyport::gateway
