// A route's `allow`, compiled: may somebody with these claims pass? All keys hold; of a list, any one, but
// under all_* each.
#pragma once

#include <utility>

#include "auth/jose/claims.hpp"
#include "config/config.hpp"

namespace sallyport::policy {

class AccessPolicy {
 public:
  AccessPolicy() = default;  // permits everybody who is known
  explicit AccessPolicy(config::Allow allow) : allow_(std::move(allow)) {}

  // Claims are named as they are or by a path with dots. One that is an array satisfies with any of its
  // elements; numbers, true and false compare as JSON writes them.
  bool permits(const jose::Claims& claims) const;
  bool empty() const { return allow_.empty(); }

 private:
  config::Allow allow_;
};

}  // namespace sallyport::policy
