// Where a running gateway's own keys come from: a folder (own_key_watch.hpp) or the store
// (stored_key_watch.hpp). All on the control thread.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "auth/jose/key_directory.hpp"
#include "auth/jose/key_rotation.hpp"
#include "config/config.hpp"

namespace sallyport::gateway {

class OwnKeySource {
 public:
  using Publish = std::function<void(jose::OwnKeys keys)>;
  virtual ~OwnKeySource() = default;

  virtual void start(std::shared_ptr<OwnKeySource> self) = 0;  // which lives until what it began has ended
  virtual void stop() = 0;
  // Looks at once. `done` is called after that, and after newer keys were published.
  virtual void wish(std::function<void()> done) = 0;
  // Why there are no keys at all; empty: there are.
  virtual std::string problem() const = 0;
};

// How long a key signs and is kept, by the lives of tokens and sessions.
jose::RotationRules rotation_rules(const config::Tokens& tokens);

}  // namespace sallyport::gateway
