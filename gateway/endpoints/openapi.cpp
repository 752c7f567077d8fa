#include "gateway/endpoints/openapi.hpp"

#include <algorithm>
#include <set>

#include "gateway/endpoints/catalogue.hpp"
#include "gateway/endpoints/documents.hpp"
#include "gateway/replies.hpp"

namespace sallyport::gateway::endpoints {
namespace {

namespace json = boost::json;

struct Document {
  const config::Config& config;
  const Dialect& dialect;  // of the endpoint at hand: OAuth has its own words
  bool has_clients() const { return !config.auth.clients.empty(); }
};

bool is_served(const Entry& entry, const config::Config& config) {
  if (entry.is_page || path_of(entry, config).empty()) return false;
  if (entry.endpoint == OwnEndpoint::register_) return config.users.registration;
  if (entry.endpoint != OwnEndpoint::introspect) return true;
  const auto& clients = config.auth.clients;
  return std::any_of(clients.begin(), clients.end(), [](const config::Client& c) { return c.introspect; });
}

json::object type(std::string_view name, std::string_view doc = {}) {
  json::object out{{"type", name}};
  if (!doc.empty()) out["description"] = doc;
  return out;
}

// Adds the property at a dotted path of an object schema.
void add(json::object& schema, std::string_view path, json::object property, bool required) {
  json::object* at = &schema;
  for (;;) {
    const std::size_t dot = path.find('.');
    const std::string_view name = path.substr(0, dot);
    if (required) {
      json::value& list = (*at)["required"];
      if (!list.is_array()) list.emplace_array();
      json::array& names = list.get_array();
      if (std::find(names.begin(), names.end(), json::value(name)) == names.end()) names.emplace_back(name);
    }
    // After "required": another member of the schema may move this one.
    json::value& held = (*at)["properties"];
    if (!held.is_object()) held.emplace_object();
    json::object& properties = held.get_object();
    if (dot == path.npos) {
      properties[name] = std::move(property);
      return;
    }
    path.remove_prefix(dot + 1);
    if (!properties.contains(name)) properties[name] = type("object");
    at = &properties[name].get_object();
  }
}

json::object profile_field(const config::ProfileField& field) {
  json::object out = type("string");
  if (field.name == "email" || field.kind == config::ProfileKind::email) out["format"] = "email";
  if (field.kind == config::ProfileKind::date) out["format"] = "date";
  return out;
}

// With what registration asks of its value.
json::object wanted_field(const config::ProfileField& field) {
  json::object out = profile_field(field);
  if (!field.values.empty()) {
    out["enum"] = json::array(field.values.begin(), field.values.end());
    return out;
  }
  if (field.min_length > 0) out["minLength"] = field.min_length;
  out["maxLength"] = field.max_length;
  return out;
}

json::object session_schema(const Dialect& dialect) {
  json::object out = type("object");
  for (const char* name : {"id", "device", "ip", "user_agent", "created", "last_used", "current"}) {
    const std::string theirs = dialect.response(name);
    if (theirs.empty()) continue;
    json::object property = type(std::string_view(name) == "current" ? "boolean" : "string");
    if (std::string_view(name) == "created" || std::string_view(name) == "last_used")
      property["format"] = "date-time";
    add(out, theirs, std::move(property), true);
  }
  return out;
}

json::object property_of(const Member& member, const Document& document);

// `root`: where lifted profile fields go.
json::object user_schema(const Document& document, json::object& root) {
  json::object out = type("object");
  for (const char* name : {"id", "username"})
    if (const std::string theirs = document.dialect.response(name); !theirs.empty())
      add(out, theirs, type("string"), true);
  for (const config::ProfileField& field : document.config.users.profile) {
    if (!field.show) continue;
    const std::string lifted = document.dialect.lifted(field.name);
    if (!lifted.empty())
      add(root, lifted, profile_field(field), false);
    else if (const std::string theirs = document.dialect.response(field.name); !theirs.empty())
      add(out, theirs, profile_field(field), false);
  }
  return out;
}

json::object property_of(const Member& member, const Document& document) {
  switch (member.type) {
    case MemberType::number:
      return type("integer", member.doc);
    case MemberType::flag:
      return type("boolean", member.doc);
    case MemberType::time: {
      json::object out = type("string", member.doc);
      out["format"] = "date-time";
      return out;
    }
    case MemberType::secret: {
      json::object out = type("string", member.doc);
      out["format"] = "password";
      return out;
    }
    case MemberType::list: {
      json::object out = type("array", member.doc);
      out["items"] = session_schema(document.dialect);
      return out;
    }
    case MemberType::object:
      return type("object", member.doc);
    default:
      return type("string", member.doc);
  }
}

json::object request_schema(const Entry& entry, const Document& document) {
  json::object out = type("object");
  for (const Member& member : entry.request) {
    if (member.type != MemberType::profile) {
      const bool needed =
          member.required || (entry.endpoint == OwnEndpoint::register_ && member.name == "email" &&
                              is_email_required(document.config.users));
      add(out, document.dialect.request(member.name), property_of(member, document), needed);
      continue;
    }
    for (const config::ProfileField& field : document.config.users.profile)
      if (is_profile_field(field.name))
        add(out, document.dialect.request(field.name), wanted_field(field), field.required);
  }
  return out;
}

json::object response_schema(const Entry& entry, const Document& document) {
  json::object out = type("object");
  for (const Member& member : entry.response) {
    if (member.type == MemberType::profile) {
      for (const config::ProfileField& field : document.config.users.profile)
        if (const std::string theirs = document.dialect.response(field.name); field.show && !theirs.empty())
          add(out, theirs, profile_field(field), false);
      continue;
    }
    const std::string theirs = document.dialect.response(member.name);
    if (theirs.empty()) continue;
    json::object property =
        member.type == MemberType::user ? user_schema(document, out) : property_of(member, document);
    add(out, theirs, std::move(property), member.required);
  }
  return out;
}

json::object content(std::string_view media_type, json::object schema) {
  return {{media_type, json::object{{"schema", std::move(schema)}}}};
}

json::object refusal_of(const Document& document) {
  json::object schema = type("object");
  switch (document.dialect.shape()) {
    case config::ErrorShape::text:
      return content("text/plain", type("string"));
    case config::ErrorShape::code:
      add(schema, "code", type("string"), false);
      add(schema, "description", type("string"), false);
      break;
    case config::ErrorShape::model_state: {
      json::object list = type("array");
      list["items"] = type("string");
      schema["additionalProperties"] = std::move(list);
      break;
    }
    case config::ErrorShape::oauth2:
      add(schema, "error", type("string", "stable; for programs"), true);
      add(schema, "error_description", type("string", "for people"), true);
      add(schema, "request_id", type("string"), true);
      add(schema, "fields", type("object", "what is wrong with each field"), false);
      break;
  }
  return content("application/json", std::move(schema));
}

// The statuses that are answered, the dialect's where it has its own.
std::set<unsigned> refusals_of(const Entry& entry, const Document& document) {
  std::set<unsigned> out;
  const auto note = [&](unsigned status) {
    Failure failure;
    failure.status = status;
    if (entry.endpoint == OwnEndpoint::register_ && status == 409) failure.error = "username_taken";
    out.insert(entry.credential == Credential::client
                   ? status
                   : document.dialect.refusal(failure, entry.name, {}).status);
  };
  for (const unsigned status : entry.refusals)
    if (status != 0) note(status);
  if (entry.body != BodyKind::none)
    for (const unsigned status : {400u, 413u}) note(status);
  if (entry.body == BodyKind::json || entry.body == BodyKind::optional_json) note(415);
  if (!entry.is_public) note(503);
  return out;
}

json::object responses_of(const Entry& entry, const Document& document) {
  json::object out;
  json::object good{{"description", reason_phrase(entry.success)}};
  if (!entry.response.empty())
    good["content"] = content("application/json", response_schema(entry, document));
  else if (entry.endpoint == OwnEndpoint::docs)
    good["content"] = content("text/html", type("string"));
  else if (entry.is_public || entry.endpoint == OwnEndpoint::me)
    good["content"] = content("application/json", type("object"));
  out[std::to_string(entry.success)] = std::move(good);
  for (const unsigned status : refusals_of(entry, document)) {
    json::object refusal{{"description", reason_phrase(status)}, {"content", refusal_of(document)}};
    if (status == 429 || status == 503)
      refusal["headers"] = json::object{{"Retry-After", json::object{{"schema", type("integer")}}}};
    out[std::to_string(status)] = std::move(refusal);
  }
  return out;
}

json::array security_of(const Entry& entry, const Document& document) {
  const json::object bearer{{"bearer", json::array{}}}, client{{"client", json::array{}}}, nothing;
  switch (entry.credential) {
    case Credential::token:
      return {bearer};
    case Credential::own_check:
      return {bearer, nothing};
    case Credential::client:
      if (entry.endpoint == OwnEndpoint::introspect) return {client};
      if (document.has_clients()) return {client, nothing};
      return {};
    case Credential::none:
      break;
  }
  return {};
}

json::object operation_of(const Entry& entry, const Document& document) {
  json::object out{{"operationId", entry.name}, {"summary", entry.summary}};
  out["tags"] = json::array{entry.is_public                          ? "documents"
                            : entry.credential == Credential::client ? "OAuth 2"
                                                                     : "accounts and sessions"};
  out["security"] = security_of(entry, document);
  json::array parameters;
  for (const Parameter& parameter : entry.parameters)
    parameters.push_back(json::object{{"name", parameter.name},
                                      {"in", parameter.in},
                                      {"required", parameter.required},
                                      {"description", parameter.doc},
                                      {"schema", type("string")}});
  if (!parameters.empty()) out["parameters"] = std::move(parameters);
  if (entry.body != BodyKind::none)
    out["requestBody"] = json::object{
        {"required", entry.body != BodyKind::optional_json},
        {"content",
         content(entry.body == BodyKind::form ? "application/x-www-form-urlencoded" : "application/json",
                 request_schema(entry, document))}};
  out["responses"] = responses_of(entry, document);
  return out;
}

std::string lower_case(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
  return out;
}

}  // namespace

json::object openapi_document(const config::Config& config, const Dialect& dialect) {
  const Dialect own;
  json::object paths;
  bool by_client = false;
  for (const Entry& entry : catalogue()) {
    if (!is_served(entry, config)) continue;
    const Document document{config, entry.credential == Credential::client ? own : dialect};
    json::value& item = paths[path_of(entry, config)];
    if (!item.is_object()) item.emplace_object();
    item.get_object()[lower_case(entry.method)] = operation_of(entry, document);
    by_client = by_client || (entry.credential == Credential::client && document.has_clients());
  }
  json::object schemes{{"bearer", json::object{{"type", "http"},
                                               {"scheme", "bearer"},
                                               {"bearerFormat", "JWT"},
                                               {"description", "an access token, as a login returns it"}}}};
  if (by_client)
    schemes["client"] = json::object{
        {"type", "http"}, {"scheme", "basic"}, {"description", "client_id and secret of an OAuth client"}};
  return {{"openapi", "3.1.0"},
          {"info", json::object{{"title", "Sallyport"},
                                {"version", SALLYPORT_VERSION},
                                {"description", "The authentication endpoints of this gateway."}}},
          {"servers", json::array{json::object{{"url", "/"}}}},
          {"paths", std::move(paths)},
          {"components", json::object{{"securitySchemes", std::move(schemes)}}}};
}

}  // namespace sallyport::gateway::endpoints
