// The gateway's own keys as a command gets at them, in their folder or in the store.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "auth/jose/key_directory.hpp"
#include "config/config.hpp"

namespace sallyport::cli {

class KeyHome {
 public:
  virtual ~KeyHome() = default;
  virtual jose::KeyResult<jose::OwnKeys> open(UnixSeconds now) = 0;  // makes those that are missing
  virtual jose::KeyResult<std::string> rotate(UnixSeconds now) = 0;  // both return the new key's id
  virtual jose::KeyResult<std::string> rotate_refresh(UnixSeconds now) = 0;
  virtual jose::KeyResult<void> revoke(std::string_view id, UnixSeconds now) = 0;
  virtual jose::KeyResult<std::vector<jose::KeyInfo>> list() = 0;
};

// nullptr after saying why there is none. Borrows `config`.
std::unique_ptr<KeyHome> key_home(const config::Config& config);

// Our own keys for a command that only looks: those in the store are read and never made. Nothing: they are
// in a folder, or there are none; `problem` says why they can't be had.
std::optional<jose::OwnKeys> stored_keys(const config::Config& config, std::string& problem);

}  // namespace sallyport::cli
