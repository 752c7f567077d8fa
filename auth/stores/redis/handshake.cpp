#include "auth/stores/redis/handshake.hpp"

#include "auth/stores/redis/errors.hpp"

namespace sallyport::stores::redis {

Handshake make_handshake(const Login& login) {
  Handshake handshake;
  const auto say = [&handshake](std::initializer_list<std::string_view> command) {
    handshake.commands += encode(command);
    ++handshake.replies;
  };
  if (!login.password.empty()) {
    if (login.user.empty())
      say({"AUTH", login.password.reveal()});
    else
      say({"AUTH", login.user, login.password.reveal()});
  }
  if (login.database != 0) say({"SELECT", std::to_string(login.database)});
  if (login.role == Role::master) say({"ROLE"});
  return handshake;
}

std::optional<Rejection> judge_handshake(const Login& login, const std::vector<Reply>& replies) {
  const auto nonsense = [&login] {
    return Rejection{make_error(StoreError::Kind::corrupt, login.store, "it doesn't answer as a Redis does")};
  };
  const std::size_t before_role = replies.size() - (login.role == Role::master ? 1 : 0);
  for (std::size_t i = 0; i < before_role; ++i)
    if (replies[i].is_error()) return Rejection{refusal_of(login.store, replies[i].text).error};
  if (login.role == Role::any) return std::nullopt;
  const Reply& role = replies.back();
  if (role.is_error()) {
    // An ACL user may lack ROLE. Then a replica shows at the first write: READONLY, and the connection is
    // made anew.
    if (role.text.starts_with("NOPERM")) return std::nullopt;
    return Rejection{refusal_of(login.store, role.text).error};
  }
  if (!role.is_array() || role.elements.empty() || !role.elements[0].is_string()) return nonsense();
  if (role.elements[0].text == "master") return std::nullopt;
  return Rejection{make_error(StoreError::Kind::refused, login.store,
                              "it is a " + printable(role.elements[0].text) +
                                  ", not the master: a replica must not be written to; the address must "
                                  "lead to the master"),
                   true};
}

}  // namespace sallyport::stores::redis
