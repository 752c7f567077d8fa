// What is said on a fresh connection before it carries our commands: who we are, which database, and are you
// the master. Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "auth/store_error.hpp"
#include "auth/stores/redis/resp.hpp"
#include "config/secret.hpp"

namespace sallyport::stores::redis {

struct Login {
  std::string store;  // printable URL, for messages
  std::string user;
  config::Secret password;
  int database = 0;
};

struct Handshake {
  std::string commands;
  std::size_t replies = 0;
};
Handshake make_handshake(const Login& login);

// nullopt: the connection is ours. `replies` as the pipeline gives them: one reply, or an array of several.
std::optional<StoreError> judge_handshake(const Login& login, const Reply& replies);

}  // namespace sallyport::stores::redis
