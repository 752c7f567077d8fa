// The keys that the configuration names: our own, made on the first start of `serve`, and foreign ones from
// files. Blocking: for start-up and commands.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "auth/jose/key_directory.hpp"
#include "auth/jose/keys.hpp"
#include "auth/jose/token_verifier.hpp"
#include "config/config.hpp"

namespace sallyport::gateway {

struct Issuers {
  std::shared_ptr<const std::vector<jose::Issuer>> issuers;
  std::vector<std::string> notes;   // what could not be looked at, and why
  std::vector<std::string> by_url;  // issuers whose keys are under a URL: here without any
};
// `own`: our own keys, where somebody has them already (from the store, say). Without it those in a folder
// are looked at, and those in the store are none.
Issuers load_issuers(const config::Tokens& tokens, UnixSeconds now, const jose::OwnKeys* own = nullptr);

// All keys of our own; makes them where there are none yet. Not those in the store.
jose::KeyResult<jose::OwnKeys> open_own_keys(const config::Tokens& tokens, UnixSeconds now);

// The key that signs our own tokens.
jose::KeyResult<std::shared_ptr<const jose::Key>> signing_key(const config::Tokens& tokens, UnixSeconds now);

// Are its keys under a URL? Then gateway/key_fetcher.hpp gets them.
bool has_key_url(const config::ForeignIssuer& issuer);

// Is there a directory of own keys, made by an earlier start? A command that only looks must not make one.
bool has_key_directory(const config::Signing& signing);

}  // namespace sallyport::gateway
