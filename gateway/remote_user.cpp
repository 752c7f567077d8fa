#include "gateway/remote_user.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include <optional>

#include "auth/jose/strict_json.hpp"
#include "auth/users/text.hpp"
#include "gateway/text.hpp"

namespace sallyport::gateway {
namespace {

namespace json = boost::json;

// `user.address.city` leads through objects; a null is as if it weren't there.
const json::value* member(const json::value& root, std::string_view path) {
  const json::value* at = &root;
  while (!path.empty()) {
    const std::string_view name = path.substr(0, path.find('.'));
    path.remove_prefix(std::min(path.size(), name.size() + 1));
    const json::object* object = at->if_object();
    at = object != nullptr ? object->if_contains(name) : nullptr;
    if (at == nullptr || at->is_null()) return nullptr;
  }
  return at;
}

// A text, a whole number or a truth value, as text without control characters.
std::optional<std::string> text_of(const json::value& value) {
  if (const auto* text = value.if_string()) {
    if (users::has_control(std::string_view(*text))) return std::nullopt;
    return std::string(*text);
  }
  if (value.is_int64() || value.is_uint64() || value.is_bool()) return json::serialize(value);
  return std::nullopt;
}

class Reader {
 public:
  explicit Reader(const json::value& root) : root_(root) {}

  void text(const std::string& path, std::string& into) {
    const json::value* value = path.empty() ? nullptr : member(root_, path);
    if (value == nullptr) return;
    if (auto text = text_of(*value))
      into = std::move(*text);
    else
      complain(path, "a text");
  }

  void flag(const std::string& path, bool& into) {
    const json::value* value = path.empty() ? nullptr : member(root_, path);
    if (value == nullptr) return;
    if (value->is_bool())
      into = value->get_bool();
    else
      complain(path, "true or false");
  }

  void roles(const std::string& path, std::vector<std::string>& into) {
    const json::value* value = path.empty() ? nullptr : member(root_, path);
    if (value == nullptr) return;
    const json::array* list = value->if_array();
    if (list == nullptr) {
      std::string one;
      text(path, one);
      if (!one.empty()) into.push_back(std::move(one));
      return;
    }
    for (const json::value& item : *list) {
      auto role = text_of(item);
      if (!role) return complain(path, "a list of texts");
      into.push_back(std::move(*role));
    }
  }

  void map(const std::map<std::string, std::string>& names, std::map<std::string, std::string>& into) {
    for (const auto& [ours, path] : names) {
      std::string value;
      text(path, value);
      if (!value.empty()) into[ours] = std::move(value);
    }
  }

  void complain(const std::string& path, const std::string& wanted) {
    if (problem_.empty()) problem_ = "its answer's member " + path + " is not " + wanted;
  }
  const std::string& problem() const { return problem_; }

 private:
  const json::value& root_;
  std::string problem_;
};

}  // namespace

config::Secret login_body(const config::HttpUsers& rules, std::string_view name,
                          const config::Secret& password) {
  json::object body;
  body[rules.username] = name;
  body[rules.password] = password.reveal();
  config::Secret text{json::serialize(body)};
  auto& copy = body[rules.password].get_string();
  OPENSSL_cleanse(copy.data(), copy.size());
  return text;
}

std::string state_url(const config::HttpUsers& rules, std::string_view id) {
  constexpr std::string_view kPlace = "{id}", kHex = "0123456789ABCDEF";
  std::string encoded;
  for (const char c : id) {
    const auto byte = static_cast<unsigned char>(c);
    if (is_a(c, kUnreserved))
      encoded += c;
    else
      (((encoded += '%') += kHex[byte >> 4]) += kHex[byte & 15]);
  }
  std::string url = rules.state;
  for (auto at = url.find(kPlace); at != url.npos; at = url.find(kPlace, at + encoded.size()))
    url.replace(at, kPlace.size(), encoded);
  return url;
}

Verdict login_verdict(unsigned status) {
  if (status >= 200 && status < 300) return Verdict::yes;
  const bool refused = status == 400 || status == 401 || status == 403 || status == 404 || status == 422;
  return refused ? Verdict::no : Verdict::other;
}

Verdict state_verdict(unsigned status) {
  if (status >= 200 && status < 300) return Verdict::yes;
  return status == 404 || status == 410 ? Verdict::no : Verdict::other;
}

boost::system::result<users::User, AnswerFlaw> remote_user(std::string_view text,
                                                           const config::HttpUserFields& fields,
                                                           const Known& known) {
  const auto root = jose::parse_strict_json(text);
  if (!root) return AnswerFlaw{"its answer is not JSON: " + root.error()};
  if (!root->is_object()) return AnswerFlaw{"its answer is no JSON object"};
  Reader reader(*root);
  users::User user;
  user.id = known.id;
  user.name = known.name;
  user.email_confirmed = fields.email_confirmed.empty();
  reader.text(fields.id, user.id);
  reader.text(fields.name, user.name);
  reader.text(fields.email, user.email);
  reader.flag(fields.email_confirmed, user.email_confirmed);
  reader.flag(fields.disabled, user.disabled);
  reader.roles(fields.roles, user.roles);
  reader.map(fields.claims, user.claims);
  reader.map(fields.profile, user.profile);
  if (user.id.empty())
    reader.complain(fields.id, "there; users.http.fields.id names the one with the user's id");
  if (!known.id.empty() && user.id != known.id) reader.complain(fields.id, "the id that was asked for");
  if (!reader.problem().empty()) return AnswerFlaw{reader.problem()};
  if (user.name.empty()) user.name = user.id;
  return user;
}

}  // namespace sallyport::gateway
