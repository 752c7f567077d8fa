// The users that a file names: YAML with all that a user may have, or the lines of htpasswd. Parsing is a
// plain function over text; user_file.hpp reads the file and notices its changes.
#pragma once

#include <boost/system/result.hpp>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "auth/users/user.hpp"
#include "config/config.hpp"

namespace sallyport::users {

// Immutable.
class UserList {
 public:
  const User* find_by_name(std::string_view name) const;  // folds it
  const User* find_by_id(std::string_view id) const;
  // Up to `limit` users behind `id`, in the order of ids.
  std::vector<User> after(const std::string& id, std::size_t limit) const;
  std::size_t size() const { return by_id_.size(); }

  // false, and nothing added: its id or folded name is there already.
  bool add(User user);

 private:
  std::map<std::string, User, std::less<>> by_id_;
  std::map<std::string, std::string, std::less<>> by_name_;  // folded name -> id
};

// All problems at once, each with its place: "users.yaml:12:5: ...". Never a hash among them.
using UserListResult = boost::system::result<std::shared_ptr<const UserList>, std::vector<std::string>>;

// `path` tells the form (.yaml and .yml: YAML, else htpasswd) and is named in problems. A user for whom the
// file names no roles gets those of `fresh`; likewise claims.
UserListResult parse_user_list(std::string_view text, const std::string& path, const config::NewUser& fresh);

}  // namespace sallyport::users
