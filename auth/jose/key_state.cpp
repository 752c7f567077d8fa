#include "auth/jose/key_state.hpp"

#include <boost/json/serialize.hpp>

#include <algorithm>
#include <utility>

#include "auth/jose/strict_json.hpp"

namespace sallyport::jose {
namespace {

namespace json = boost::json;

constexpr std::int64_t kLastSecond = 253402300799;  // of the year 9999

std::optional<UnixSeconds> time_in(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  if (value == nullptr || !value->is_int64()) return std::nullopt;
  const std::int64_t seconds = value->get_int64();
  if (seconds < 0 || seconds > kLastSecond) return std::nullopt;
  return UnixSeconds(std::chrono::seconds(seconds));
}

// Every member is one that we write, or the file is from a version that knows more than we do.
std::optional<KeyInfo> parse_entry(const json::value& value) {
  if (!value.is_object()) return std::nullopt;
  const json::object& object = value.get_object();
  const auto text = [&](std::string_view name) {
    const json::value* member = object.if_contains(name);
    return member != nullptr && member->is_string() ? std::string(member->get_string()) : std::string();
  };
  KeyInfo key{
      text("id"), text("kind"), text("state"), {}, time_in(object, "retired"), time_in(object, "since")};
  const auto created = time_in(object, "created");
  const auto algorithm = parse_algorithm(key.kind);
  if (!created || !good_key_id(key.id) ||
      object.size() != 4u + key.retired.has_value() + key.since.has_value())
    return std::nullopt;
  if (!key.is_next() && !key.is_current() && !key.is_retired()) return std::nullopt;
  if (key.is_retired() != key.retired.has_value() || (key.is_next() && key.since)) return std::nullopt;
  if (key.is_refresh() ? key.id.size() != kRefreshId || key.is_next() || key.since
                       : !algorithm || symmetric(*algorithm))
    return std::nullopt;
  key.created = *created;
  return key;
}

}  // namespace

KeyResult<Entries> parse_state(std::string_view text) {
  const auto parsed = parse_strict_json(text);
  if (!parsed) return parsed.error();
  const json::object* object = parsed->if_object();
  const json::value* version = object != nullptr ? object->if_contains("version") : nullptr;
  const json::value* keys = object != nullptr ? object->if_contains("keys") : nullptr;
  if (version == nullptr || keys == nullptr || object->size() != 2 || !keys->is_array())
    return "it is not a list of keys";
  if (!version->is_int64() || version->get_int64() != 1) return "its version is not 1";
  if (keys->get_array().size() > kMaxKeys) return "it has more than " + std::to_string(kMaxKeys) + " keys";
  Entries entries;
  int next = 0, current_signing = 0, current_refresh = 0;
  for (const json::value& value : keys->get_array()) {
    auto key = parse_entry(value);
    const std::string place = "key number " + std::to_string(entries.size() + 1);
    if (!key) return place + " is not one that we know";
    if (std::any_of(entries.begin(), entries.end(), [&](const KeyInfo& k) { return k.id == key->id; }))
      return place + " has the id of another";
    if (key->is_current() && ++(key->is_refresh() ? current_refresh : current_signing) > 1)
      return place + " is the second current one";
    if (key->is_next() && ++next > 1) return place + " is the second next one";
    entries.push_back(std::move(*key));
  }
  return entries;
}

std::string write_state(const Entries& entries) {
  json::array keys;
  for (const KeyInfo& key : entries) {
    json::object object{{"id", key.id},
                        {"kind", key.kind},
                        {"state", key.state},
                        {"created", key.created.time_since_epoch().count()}};
    if (key.since) object["since"] = key.since->time_since_epoch().count();
    if (key.retired) object["retired"] = key.retired->time_since_epoch().count();
    keys.push_back(std::move(object));
  }
  return json::serialize(json::object{{"version", 1}, {"keys", std::move(keys)}}) + "\n";
}

KeyInfo* current_of(Entries& entries, bool refresh) {
  const auto found = std::find_if(entries.begin(), entries.end(), [&](const KeyInfo& key) {
    return key.is_current() && key.is_refresh() == refresh;
  });
  return found == entries.end() ? nullptr : &*found;
}

KeyInfo* next_of(Entries& entries, Algorithm algorithm) {
  const auto found = std::find_if(entries.begin(), entries.end(), [&](const KeyInfo& key) {
    return key.is_next() && key.kind == to_string(algorithm);
  });
  return found == entries.end() ? nullptr : &*found;
}

bool good_key_id(std::string_view id) {
  return !id.empty() && id.size() <= 64 && std::all_of(id.begin(), id.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
}

std::string signing_file(std::string_view id) { return std::string(id) + ".pem"; }
std::string refresh_file(std::string_view id) { return "refresh-" + std::string(id) + ".key"; }
std::string file_of(const KeyInfo& key) {
  return key.is_refresh() ? refresh_file(key.id) : signing_file(key.id);
}

void retire_current(Entries& entries, bool refresh, UnixSeconds now) {
  if (KeyInfo* before = current_of(entries, refresh)) {
    before->state = "retired";
    before->retired = now;
  }
}

bool promote_next(Entries& entries, Algorithm algorithm, UnixSeconds now) {
  KeyInfo* const next = next_of(entries, algorithm);
  if (next == nullptr) return false;
  retire_current(entries, false, now);
  next->state = "current";
  next->since = now;
  return true;
}

}  // namespace sallyport::jose
