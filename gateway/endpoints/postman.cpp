#include "gateway/endpoints/postman.hpp"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include <optional>
#include <string>

namespace sallyport::gateway::endpoints {
namespace {

namespace json = boost::json;

const json::object& object_at(const json::object& from, std::string_view name) {
  static const json::object kNone;
  const json::value* found = from.if_contains(name);
  return found && found->is_object() ? found->get_object() : kNone;
}

std::string upper_case(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return out;
}

// Tokens come from the answers before; what only a person knows is a variable of the same name.
std::string example(std::string_view name, const Dialect& dialect) {
  if (name == dialect.request("access_token")) return "{{accessToken}}";
  if (name == dialect.request("refresh_token") || name == "refresh_token") return "{{refreshToken}}";
  if (name == "token") return "{{accessToken}}";
  if (name == "grant_type") return "password";
  if (name == "client_id") return "{{clientId}}";
  if (name == "client_secret") return "{{clientSecret}}";
  if (name == dialect.request("username") || name == "username") return "{{username}}";
  if (name == dialect.request("password") || name == "password") return "{{password}}";
  return {};
}

json::object url_of(std::string_view path, const json::object& operation) {
  json::array segments, query, variables;
  std::string raw = "{{baseUrl}}";
  for (std::string_view rest = path.substr(1);;) {
    const std::size_t slash = rest.find('/');
    std::string segment(rest.substr(0, slash));
    if (segment.starts_with('{')) segment = ":" + segment.substr(1, segment.size() - 2);
    raw += "/" + segment;
    segments.emplace_back(segment);
    if (slash == rest.npos) break;
    rest.remove_prefix(slash + 1);
  }
  if (const json::value* list = operation.if_contains("parameters"))
    for (const json::value& parameter : list->as_array()) {
      const json::object& one = parameter.as_object();
      if (one.at("in") == "path") variables.push_back(json::object{{"key", one.at("name")}, {"value", ""}});
      if (one.at("in") == "query")
        query.push_back(json::object{{"key", one.at("name")}, {"value", ""}, {"disabled", true}});
    }
  json::object out{{"raw", raw}, {"host", json::array{"{{baseUrl}}"}}, {"path", std::move(segments)}};
  if (!query.empty()) out["query"] = std::move(query);
  if (!variables.empty()) out["variable"] = std::move(variables);
  return out;
}

// Only what must be there: an optional member would be sent empty.
std::optional<json::object> body_of(const json::object& operation, const Dialect& dialect) {
  const json::object& content = object_at(object_at(operation, "requestBody"), "content");
  if (content.empty()) return std::nullopt;
  const bool form = content.begin()->key() != "application/json";
  const json::object& schema = object_at(content.begin()->value().as_object(), "schema");
  const json::value* required = schema.if_contains("required");
  const auto needed = [&](std::string_view name) {
    if (!required) return false;
    for (const json::value& one : required->as_array())
      if (one == json::value(name)) return true;
    return false;
  };
  json::object members;
  json::array parameters;
  for (const auto& property : object_at(schema, "properties")) {
    const std::string value = example(property.key(), dialect);
    if (needed(property.key())) members[property.key()] = value;
    parameters.push_back(
        json::object{{"key", property.key()}, {"value", value}, {"disabled", !needed(property.key())}});
  }
  if (form) return json::object{{"mode", "urlencoded"}, {"urlencoded", std::move(parameters)}};
  return json::object{{"mode", "raw"},
                      {"raw", json::serialize(members)},
                      {"options", json::object{{"raw", json::object{{"language", "json"}}}}}};
}

json::object auth_of(const json::object& operation) {
  const json::array& security = operation.at("security").as_array();
  if (security.empty()) return {{"type", "noauth"}};
  const auto entry = [](std::string_view key, std::string_view value) {
    return json::object{{"key", key}, {"value", value}, {"type", "string"}};
  };
  if (security.front().as_object().contains("bearer"))
    return {{"type", "bearer"}, {"bearer", json::array{entry("token", "{{accessToken}}")}}};
  return {{"type", "basic"},
          {"basic", json::array{entry("username", "{{clientId}}"), entry("password", "{{clientSecret}}")}}};
}

// Keeps the pair that an answer brings.
json::array event_of(const std::string& access, const std::string& refresh) {
  json::array lines{
      "if (pm.response.code === 200) {",
      "  const answer = pm.response.json();",
      "  const at = (path) => path.split('.').reduce((o, name) => (o ? o[name] : undefined), answer);",
      "  const keep = (name, value) => { if (value) pm.collectionVariables.set(name, value); };",
      "  keep('accessToken', at('" + access + "'));",
      "  keep('refreshToken', at('" + refresh + "'));",
      "}"};
  return {json::object{{"listen", "test"},
                       {"script", json::object{{"type", "text/javascript"}, {"exec", std::move(lines)}}}}};
}

json::object item_of(std::string_view path, std::string_view method, const json::object& operation,
                     const Dialect& dialect) {
  json::array headers;
  if (const json::value* list = operation.if_contains("parameters"))
    for (const json::value& parameter : list->as_array())
      if (parameter.at("in") == "header")
        headers.push_back(json::object{
            {"key", parameter.at("name")}, {"value", ""}, {"disabled", !parameter.at("required").as_bool()}});
  json::object request{{"method", upper_case(method)},
                       {"auth", auth_of(operation)},
                       {"url", url_of(path, operation)},
                       {"description", operation.at("summary")}};
  if (auto body = body_of(operation, dialect)) {
    if (body->at("mode") == "raw")
      headers.push_back(json::object{{"key", "Content-Type"}, {"value", "application/json"}});
    request["body"] = std::move(*body);
  }
  request["header"] = std::move(headers);
  json::object out{{"name", operation.at("operationId")}, {"request", std::move(request)}};
  const json::value& name = operation.at("operationId");
  if (name == "token") out["event"] = event_of("access_token", "refresh_token");
  if (name == "login" || name == "refresh")
    out["event"] = event_of(dialect.response("access_token"), dialect.response("refresh_token"));
  return out;
}

}  // namespace

json::object postman_collection(const json::object& openapi, const Dialect& dialect) {
  json::array items;
  for (const auto& path : openapi.at("paths").as_object())
    for (const auto& operation : path.value().as_object())
      items.push_back(item_of(path.key(), operation.key(), operation.value().as_object(), dialect));
  json::array variables;
  for (const char* name : {"username", "password", "accessToken", "refreshToken", "clientId", "clientSecret"})
    variables.push_back(json::object{{"key", name}, {"value", ""}});
  variables.push_back(json::object{{"key", "baseUrl"}, {"value", "http://127.0.0.1:8080"}});
  return {{"info",
           json::object{{"name", "Sallyport"},
                        {"description", "Set baseUrl, username and password; log in; then the others."},
                        {"schema", "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"}}},
          {"item", std::move(items)},
          {"variable", std::move(variables)}};
}

}  // namespace sallyport::gateway::endpoints
