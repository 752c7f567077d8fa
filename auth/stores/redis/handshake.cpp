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
  say({"ROLE"});
  return handshake;
}

std::optional<StoreError> judge_handshake(const Login& login, const Reply& replies) {
  const bool several = !login.password.empty() || login.database != 0;
  if (several) {
    if (!replies.is_array() || replies.elements.empty())
      return make_error(StoreError::Kind::corrupt, login.store, "it doesn't answer as a Redis does");
    for (std::size_t i = 0; i + 1 < replies.elements.size(); ++i)
      if (replies.elements[i].is_error()) return refusal_of(login.store, replies.elements[i].text).error;
  }
  const Reply& role = several ? replies.elements.back() : replies;
  if (role.is_error()) {
    // An ACL user may lack ROLE. Then a replica shows at the first write: READONLY, and the connection is
    // made anew.
    if (role.text.starts_with("NOPERM")) return std::nullopt;
    return refusal_of(login.store, role.text).error;
  }
  if (!role.is_array() || role.elements.empty() || !role.elements[0].is_string())
    return make_error(StoreError::Kind::corrupt, login.store, "it doesn't answer as a Redis does");
  if (role.elements[0].text != "master")
    return make_error(
        StoreError::Kind::refused, login.store,
        "it is a " + printable(role.elements[0].text) +
            ", not the master: a replica must not be written to; the address must lead to the master");
  return std::nullopt;
}

}  // namespace sallyport::stores::redis
