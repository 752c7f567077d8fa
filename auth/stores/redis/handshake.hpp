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

enum class Role {
  master,  // and nothing else: a replica must not be written to
  any      // we only ask; or a node of a Cluster, which sends us to the right one by itself
};

struct Login {
  std::string store;  // printable URL, for messages
  std::string user;
  config::Secret password;
  int database = 0;
  Role role = Role::master;
};

struct Handshake {
  std::string commands;
  std::size_t replies = 0;
};
Handshake make_handshake(const Login& login);

// Why the connection can't be ours; nullopt: it is. `replies` are those to all the handshake's commands.
struct Rejection {
  StoreError error;
  bool misled = false;  // it is no master
};
std::optional<Rejection> judge_handshake(const Login& login, const std::vector<Reply>& replies);

}  // namespace sallyport::stores::redis
