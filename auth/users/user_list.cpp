#include "auth/users/user_list.hpp"

#include <algorithm>
#include <filesystem>

#include "auth/users/password_hash.hpp"
#include "auth/users/text.hpp"
#include "config/reader.hpp"

namespace sallyport::config {
namespace {

// One entry of the YAML form, described like every other setting: unknown keys, wrong types and doubles are
// told with their place.
struct UserEntry {
  std::string name;
  std::string id;
  Secret hash;
  std::string email;
  bool email_confirmed = true;
  bool disabled = false;
  std::vector<std::string> roles;
  std::map<std::string, std::string> claims, profile;
  Mark mark;
};
struct UserFile {
  std::vector<UserEntry> users;
};

template <class V>
void describe(V& v, UserEntry& x) {
  v.at(x.mark);
  v("name", x.name, "what the user types to log in", kRequired);
  v("id", x.id, "the `sub` of the user's tokens; without it the name");
  v("password_hash", x.hash, "argon2id, bcrypt, crypt(3), PBKDF2 or ASP.NET Identity", kRequired);
  v("email", x.email, "the e-mail address");
  v("email_confirmed", x.email_confirmed, "whether it is confirmed");
  v("disabled", x.disabled, "no login and no refresh");
  v("roles", x.roles, "without any, those of users.new");
  v("claims", x.claims, "further claims of the user's tokens");
  v("profile", x.profile, "profile fields of the token response");
}

template <class V>
void describe(V& v, UserFile& x) {
  v("users", x.users, "who can log in", kRequired);
}

UserFile read_user_file(std::string_view text, const std::string& path, Problems& problems) {
  constexpr YamlLimits kLimits{.bytes = 64 * 1024 * 1024, .depth = 16, .nodes = 4'000'000};
  UserFile file;
  const auto root = parse_yaml(text, path, problems, kLimits);
  if (!root) return file;
  const std::string folder = std::filesystem::path(path).parent_path().string();
  const Environment none;
  Substitution substitution(none, folder);
  Places places;
  Reading reading{path, folder, substitution, places, problems};
  SectionReader::read(reading, *root, "", file);
  return file;
}

}  // namespace
}  // namespace sallyport::config

namespace sallyport::users {
namespace {

constexpr std::size_t kMaxName = 256;  // characters

class Builder {
 public:
  Builder(const std::string& path, const config::NewUser& fresh) : path_(path), fresh_(fresh) {}

  void add(User user, const config::Mark& mark) {
    const auto length = count_characters(user.name);
    if (!length || *length == 0 || *length > kMaxName || has_control(user.name))
      return complain(mark, "a name must be 1 to 256 characters of UTF-8 without control characters");
    if (!known_hash(user.password_hash))
      return complain(mark,
                      "the password hash of this user is none that we know: argon2id, bcrypt, crypt(3), "
                      "PBKDF2 or ASP.NET Identity (`htpasswd -B` writes bcrypt)");
    if (!count_characters(user.id) || has_control(user.id))
      return complain(mark, "an id must be UTF-8 without control characters");
    if (user.id.empty()) user.id = user.name;
    if (user.roles.empty()) user.roles = fresh_.roles;
    if (user.claims.empty()) user.claims = fresh_.claims;
    const bool fresh = list_->add(std::move(user));
    if (!fresh) complain(mark, "another user has this name, in whatever case, or this id");
  }

  void complain(const config::Mark& mark, std::string message) {
    problems_.push_back(config::Problem{path_, mark, std::move(message)}.text());
  }

  UserListResult result() && {
    if (!problems_.empty()) return std::move(problems_);
    return std::shared_ptr<const UserList>(std::move(list_));
  }

 private:
  const std::string& path_;
  const config::NewUser& fresh_;
  std::shared_ptr<UserList> list_ = std::make_shared<UserList>();
  std::vector<std::string> problems_;
};

User user_of(config::UserEntry& entry) {
  User user;
  user.id = std::move(entry.id);
  user.name = std::move(entry.name);
  user.password_hash = entry.hash.reveal();
  user.email = std::move(entry.email);
  user.email_confirmed = entry.email_confirmed;
  user.disabled = entry.disabled;
  user.roles = std::move(entry.roles);
  user.claims = std::move(entry.claims);
  user.profile = std::move(entry.profile);
  return user;
}

void read_yaml(std::string_view text, const std::string& path, Builder& builder) {
  config::Problems problems;
  config::UserFile file = config::read_user_file(text, path, problems);
  for (const config::Problem& problem : problems) builder.complain(problem.mark, problem.message);
  if (!problems.empty()) return;
  for (config::UserEntry& entry : file.users) {
    const config::Mark mark = entry.mark;
    builder.add(user_of(entry), mark);
  }
}

// name:hash, one a line; empty lines and those that begin with # say nothing.
void read_htpasswd(std::string_view text, Builder& builder) {
  for (int number = 1; !text.empty(); ++number) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty() || line.front() == '#') continue;
    const auto colon = line.find(':');
    if (colon == line.npos) {
      builder.complain({number, 1}, "a line is name:hash, as `htpasswd -B` writes it");
      continue;
    }
    User user;
    user.name = std::string(line.substr(0, colon));
    user.password_hash = std::string(line.substr(colon + 1));
    user.email_confirmed = true;
    builder.add(std::move(user), {number, 1});
  }
}

}  // namespace

const User* UserList::find_by_name(std::string_view name) const {
  const auto found = by_name_.find(folded_name(name));
  return found == by_name_.end() ? nullptr : find_by_id(found->second);
}

const User* UserList::find_by_id(std::string_view id) const {
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? nullptr : &found->second;
}

std::vector<User> UserList::after(const std::string& id, std::size_t limit) const {
  std::vector<User> users;
  for (auto at = by_id_.upper_bound(id); at != by_id_.end() && users.size() < limit; ++at)
    users.push_back(at->second);
  return users;
}

bool UserList::add(User user) {
  std::string name = folded_name(user.name);
  if (by_id_.contains(user.id) || by_name_.contains(name)) return false;
  by_name_.emplace(std::move(name), user.id);
  std::string id = user.id;
  by_id_.emplace(std::move(id), std::move(user));
  return true;
}

UserListResult parse_user_list(std::string_view text, const std::string& path, const config::NewUser& fresh) {
  Builder builder(path, fresh);
  if (path.ends_with(".yaml") || path.ends_with(".yml"))
    read_yaml(text, path, builder);
  else
    read_htpasswd(text, builder);
  return std::move(builder).result();
}

}  // namespace sallyport::users
