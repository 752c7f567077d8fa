// A route's `allow`, compiled: may somebody with these claims pass? All keys hold; of a list, any one.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "auth/jose/claims.hpp"
#include "config/config.hpp"

namespace sallyport::policy {

class AccessPolicy {
 public:
  AccessPolicy() = default;  // permits everybody who is known
  explicit AccessPolicy(const config::Allow& allow);

  bool permits(const jose::Claims& claims) const;
  bool empty() const { return roles_.empty() && scopes_.empty() && issuers_.empty() && claims_.empty(); }

 private:
  std::vector<std::string> roles_, scopes_, issuers_;
  // By name or path with dots. A claim that is an array satisfies with any of its elements; numbers, true and
  // false compare as JSON writes them.
  std::vector<std::pair<std::string, std::vector<std::string>>> claims_;
};

}  // namespace sallyport::policy
