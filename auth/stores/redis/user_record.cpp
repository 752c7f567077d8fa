#include "auth/stores/redis/user_record.hpp"

#include <boost/json.hpp>

#include "auth/stores/redis/numbers.hpp"

namespace sallyport::stores::redis {

namespace json = boost::json;
using users::User;

namespace {

json::object object_of(const std::map<std::string, std::string>& map) {
  json::object object;
  for (const auto& [key, value] : map) object[key] = value;
  return object;
}

bool take(const json::object& from, std::string_view name, std::string& to) {
  const auto* value = from.if_contains(name);
  if (!value || !value->is_string()) return false;
  to = std::string(value->get_string());
  return true;
}

bool take(const json::object& from, std::string_view name, bool& to) {
  const auto* value = from.if_contains(name);
  if (!value || !value->is_bool()) return false;
  to = value->get_bool();
  return true;
}

bool take(const json::object& from, std::string_view name, std::map<std::string, std::string>& to) {
  const auto* value = from.if_contains(name);
  if (!value || !value->is_object()) return false;
  for (const auto& [key, entry] : value->get_object()) {
    if (!entry.is_string()) return false;
    to.emplace(std::string(key), std::string(entry.get_string()));
  }
  return true;
}

bool take(const json::object& from, std::string_view name, std::vector<std::string>& to) {
  const auto* value = from.if_contains(name);
  if (!value || !value->is_array()) return false;
  for (const auto& entry : value->get_array()) {
    if (!entry.is_string()) return false;
    to.emplace_back(entry.get_string());
  }
  return true;
}

}  // namespace

std::string encode_user(const User& user) {
  json::object object;
  object["id"] = user.id;
  object["name"] = user.name;
  object["password_hash"] = user.password_hash;
  object["email"] = user.email;
  object["email_confirmed"] = user.email_confirmed;
  object["disabled"] = user.disabled;
  object["roles"] = json::array(user.roles.begin(), user.roles.end());
  object["claims"] = object_of(user.claims);
  object["profile"] = object_of(user.profile);
  object["created"] = user.created.time_since_epoch().count();
  return json::serialize(object);
}

std::optional<User> parse_user(std::string_view id, std::string_view version, std::string_view data) {
  boost::system::error_code ec;
  const json::value value = json::parse(data, ec);
  const auto number = parse_number<std::uint64_t>(version);
  if (ec || !value.is_object() || !number) return std::nullopt;
  const json::object& object = value.get_object();
  User user;
  user.version = *number;
  const auto* created = object.if_contains("created");
  if (!take(object, "id", user.id) || user.id != id || !take(object, "name", user.name) ||
      !take(object, "password_hash", user.password_hash) || !take(object, "email", user.email) ||
      !take(object, "email_confirmed", user.email_confirmed) || !take(object, "disabled", user.disabled) ||
      !take(object, "roles", user.roles) || !take(object, "claims", user.claims) ||
      !take(object, "profile", user.profile) || !created || !created->is_int64())
    return std::nullopt;
  user.created = UnixMillis(std::chrono::milliseconds(created->get_int64()));
  return user;
}

}  // namespace sallyport::stores::redis
