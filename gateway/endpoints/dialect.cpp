#include "gateway/endpoints/dialect.hpp"

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "gateway/endpoints/fields.hpp"
#include "gateway/endpoints/json_object.hpp"
#include "gateway/text.hpp"

namespace sallyport::gateway::endpoints {
namespace {

namespace json = boost::json;

constexpr std::string_view kJson = "application/json";
constexpr std::string_view kText = "text/plain; charset=utf-8";

char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }

std::string styled(std::string_view name, config::Style style) {
  if (style == config::Style::snake_case) return std::string(name);
  std::string out;
  bool start = style == config::Style::pascal_case;
  for (const char c : name) {
    if (c == '_') {
      start = !out.empty() || start;
      continue;
    }
    out += start ? upper(c) : c;
    start = false;
  }
  return out;
}

std::string name_of(const std::map<std::string, std::string>& names, std::string_view ours,
                    config::Style style) {
  const auto found = names.find(std::string(ours));
  return found != names.end() ? found->second : styled(ours, style);
}

// Puts `value` at "a.b.c" below `root`.
void place(json::object& root, std::string_view path, json::value value) {
  json::object* at = &root;
  for (std::size_t dot; (dot = path.find('.')) != path.npos; path.remove_prefix(dot + 1)) {
    json::value& next = (*at)[path.substr(0, dot)];
    if (!next.is_object()) next.emplace_object();
    at = &next.get_object();
  }
  (*at)[path] = std::move(value);
}

std::string filled(std::string_view sentence, std::string_view name) {
  std::string out(sentence);
  if (const auto at = out.find("{0}"); at != out.npos) out.replace(at, 3, name);
  return out;
}

std::string list_json(const std::vector<std::string>& texts) {
  std::string list = "[";
  for (const std::string& text : texts) {
    if (list.size() > 1) list += ',';
    append_json_string(list, text);
  }
  return list + "]";
}

}  // namespace

Dialect::Dialect(const config::AuthEndpoints& auth)
    : names_(auth.fields),
      shape_(auth.errors),
      sentences_(config::sentences_of(auth.preset)),
      refresh_refused_(auth.refresh_refused),
      foreign_(auth.preset != config::Preset::oauth2),
      says_success_(auth.preset == config::Preset::fullstackmark),
      plain_(names_.style == config::Style::snake_case && names_.response.empty()) {}

std::string Dialect::request(std::string_view ours) const {
  return name_of(names_.request, ours, names_.style);
}

std::string Dialect::response(std::string_view ours) const {
  std::string name = name_of(names_.response, ours, names_.style);
  return name == "off" ? std::string() : name;
}

std::string Dialect::lifted(std::string_view profile_field) const {
  const auto found = names_.response.find("user." + std::string(profile_field));
  return found == names_.response.end() || found->second == "off" ? std::string() : found->second;
}

const json::value* Dialect::find(const json::object& body, std::string_view ours, bool& repeated) const {
  const std::string name = request(ours);
  repeated = false;
  if (const json::value* exact = body.if_contains(name)) return exact;
  if (names_.style == config::Style::snake_case) return nullptr;
  const json::value* found = nullptr;
  for (const auto& member : body) {
    if (!iequals(member.key(), name)) continue;
    repeated = found != nullptr;
    found = &member.value();
  }
  return found;
}

json::value Dialect::translated(const json::value& value, std::string_view above, json::object& root) const {
  if (const json::object* object = value.if_object()) {
    json::object out;
    translate(*object, above, out, root);
    return out;
  }
  if (const json::array* array = value.if_array()) {
    json::array out;
    for (const json::value& element : *array) out.push_back(translated(element, above, root));
    return out;
  }
  return value;
}

void Dialect::translate(const json::object& from, std::string_view above, json::object& to,
                        json::object& root) const {
  for (const auto& member : from) {
    const std::string_view ours = member.key();
    const std::string full = above.empty() ? std::string(ours) : std::string(above) + "." + std::string(ours);
    const auto lifted = above.empty() ? names_.response.end() : names_.response.find(full);
    const bool lifts = lifted != names_.response.end();
    const std::string name =
        lifts ? (lifted->second == "off" ? std::string() : lifted->second) : response(ours);
    if (name.empty()) continue;
    json::value value = translated(member.value(), full, root);
    place(lifts || above.empty() ? root : to, name, std::move(value));
  }
}

std::string Dialect::answer(std::string text) const {
  if (plain_) return text;
  json::object out;
  translate(json::parse(text).as_object(), {}, out, out);
  return json::serialize(out);
}

std::string Dialect::created(std::string text) const {
  std::string out = answer(std::move(text));
  if (says_success_) out.insert(out.size() - 1, R"(,"success":true)");
  return out;
}

unsigned Dialect::status_of(const Failure& failure, std::string_view endpoint) const {
  if (endpoint == "refresh" && (failure.status == 401 || (failure.status == 409 && foreign_)))
    return refresh_refused_;
  if (failure.error == "username_taken" && sentences_.taken != 0) return sentences_.taken;
  if (failure.status == 422 && sentences_.invalid != 0) return sentences_.invalid;
  return failure.status;
}

std::string_view Dialect::sentence_of(const Failure& failure, std::string_view endpoint) const {
  std::string_view theirs;
  if (endpoint == "refresh" && (failure.status == 401 || failure.status == 409))
    theirs = sentences_.refresh;
  else if (failure.error == "login_failure")
    theirs = sentences_.login;
  else if (failure.status == 400 || failure.status == 422)
    theirs = sentences_.invalid_request;
  return theirs.empty() ? failure.description : theirs;
}

std::string Dialect::fields_json(const users::FieldProblems& fields) const {
  JsonObject json;
  for (const auto& [ours, messages] : fields) {
    const std::string name = request(ours);
    std::vector<std::string> theirs = messages;
    for (std::string& message : theirs)
      if (message == kFieldRequired && !sentences_.required.empty())
        message = filled(sentences_.required, name);
    json.json(name, list_json(theirs));
  }
  return std::move(json).take();
}

Dialect::Refusal Dialect::refusal(const Failure& failure, std::string_view endpoint,
                                  std::string_view request_id) const {
  Refusal out{status_of(failure, endpoint), kJson, {}};
  const std::string_view sentence = sentence_of(failure, endpoint);
  if (shape_ == config::ErrorShape::oauth2) {
    JsonObject json;
    json.text("error", failure.error).text("error_description", failure.description);
    json.text("request_id", request_id);
    if (!failure.fields.empty()) json.json("fields", fields_json(failure.fields));
    out.body = std::move(json).take();
    return out;
  }
  // The samples whose refusals are one sentence had no registration; what is wrong with a new password is
  // worth more than that.
  const bool one_sentence =
      shape_ == config::ErrorShape::text && (endpoint == "login" || endpoint == "refresh");
  if (!failure.fields.empty() && !one_sentence) {
    out.body = fields_json(failure.fields);
  } else if (shape_ == config::ErrorShape::text) {
    out.content_type = kText;
    out.body = sentence;
  } else if (shape_ == config::ErrorShape::code) {
    JsonObject json;
    json.text("code", failure.error).text("description", sentence);
    out.body = std::move(json).take();
    if (failure.error == "username_taken") out.body = "[" + out.body + "]";
  } else {
    JsonObject json;
    json.json("", list_json({std::string(sentence)}));
    out.body = std::move(json).take();
  }
  return out;
}

}  // namespace sallyport::gateway::endpoints
