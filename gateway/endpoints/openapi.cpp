#include "gateway/endpoints/openapi.hpp"

#include <algorithm>
#include <set>

#include "gateway/endpoints/catalogue.hpp"
#include "gateway/endpoints/documents.hpp"
#include "gateway/endpoints/schema.hpp"

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
  json::object out = simple_property(member.type, member.doc);
  if (member.type == MemberType::list) out["items"] = session_schema(document.dialect);
  return out;
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
  json::object good;
  if (!entry.response.empty())
    good = content("application/json", response_schema(entry, document));
  else if (entry.endpoint == OwnEndpoint::docs)
    good = content("text/html", type("string"));
  else if (entry.is_public || entry.endpoint == OwnEndpoint::me)
    good = content("application/json", type("object"));
  out[std::to_string(entry.success)] = answer_of(entry.success, std::move(good));
  for (const unsigned status : refusals_of(entry, document))
    out[std::to_string(status)] = answer_of(status, refusal_of(document));
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
  if (!entry.parameters.empty()) out["parameters"] = parameters_of(entry.parameters);
  if (entry.body != BodyKind::none)
    out["requestBody"] = json::object{
        {"required", entry.body != BodyKind::optional_json},
        {"content",
         content(entry.body == BodyKind::form ? "application/x-www-form-urlencoded" : "application/json",
                 request_schema(entry, document))}};
  out["responses"] = responses_of(entry, document);
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
    put(paths, path_of(entry, config), entry.method, operation_of(entry, document));
    by_client = by_client || (entry.credential == Credential::client && document.has_clients());
  }
  json::object schemes{{"bearer", json::object{{"type", "http"},
                                               {"scheme", "bearer"},
                                               {"bearerFormat", "JWT"},
                                               {"description", "an access token, as a login returns it"}}}};
  if (by_client)
    schemes["client"] = json::object{
        {"type", "http"}, {"scheme", "basic"}, {"description", "client_id and secret of an OAuth client"}};
  return document_of("The authentication endpoints of this gateway.", std::move(paths),
                     json::object{{"securitySchemes", std::move(schemes)}});
}

}  // namespace sallyport::gateway::endpoints
