// The keys that the configuration names, as far as a command has them at hand: own keys and foreign ones from
// files.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "auth/jose/keys.hpp"
#include "auth/jose/token_verifier.hpp"
#include "config/config.hpp"

namespace sallyport::cli {

struct Issuers {
  std::shared_ptr<const std::vector<jose::Issuer>> issuers;
  std::vector<std::string> notes;  // what could not be looked at, and why
};
Issuers load_issuers(const config::Tokens& tokens, UnixSeconds now);

// The key that signs our own tokens.
jose::KeyResult<std::shared_ptr<const jose::Key>> signing_key(const config::Tokens& tokens, UnixSeconds now);

// Is there a directory of own keys, made by an earlier start? A command that only looks must not make one.
bool has_key_directory(const config::Signing& signing);

}  // namespace sallyport::cli
