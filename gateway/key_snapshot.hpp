// Every key in force at one moment: whose tokens are believed, what ours are signed with. Immutable, shared
// by all workers, replaced as a whole.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "auth/jose/key_directory.hpp"
#include "auth/policy/authenticator.hpp"

namespace sallyport::gateway {

struct KeySnapshot {
  policy::Authenticator::Issuers issuers;
  std::shared_ptr<const jose::Key> signing;  // null: this gateway issues nothing
  std::vector<jose::MacKey> refresh;         // newest first
  std::string jwks;                          // the body of the JWKS endpoint
};

}  // namespace sallyport::gateway
