#include "gateway/endpoints/schema.hpp"

#include <algorithm>

#include "gateway/replies.hpp"
#include "gateway/text.hpp"

namespace sallyport::gateway::endpoints {

namespace json = boost::json;

json::object type(std::string_view name, std::string_view doc) {
  json::object out{{"type", name}};
  if (!doc.empty()) out["description"] = doc;
  return out;
}

json::object simple_property(MemberType member, std::string_view doc) {
  switch (member) {
    case MemberType::number:
      return type("integer", doc);
    case MemberType::flag:
      return type("boolean", doc);
    case MemberType::time: {
      json::object out = type("string", doc);
      out["format"] = "date-time";
      return out;
    }
    case MemberType::secret: {
      json::object out = type("string", doc);
      out["format"] = "password";
      return out;
    }
    case MemberType::list:
      return type("array", doc);
    case MemberType::object:
      return type("object", doc);
    default:
      return type("string", doc);
  }
}

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

json::object content(std::string_view media_type, json::object schema) {
  return {{media_type, json::object{{"schema", std::move(schema)}}}};
}

json::object answer_of(unsigned status, json::object content) {
  json::object out{{"description", reason_phrase(status)}};
  if (!content.empty()) out["content"] = std::move(content);
  if (status == 429 || status == 503)
    out["headers"] = json::object{{"Retry-After", json::object{{"schema", type("integer")}}}};
  return out;
}

json::array parameters_of(std::span<const Parameter> parameters) {
  json::array out;
  for (const Parameter& parameter : parameters)
    out.push_back(json::object{{"name", parameter.name},
                               {"in", parameter.in},
                               {"required", parameter.required},
                               {"description", parameter.doc},
                               {"schema", simple_property(parameter.type, {})}});
  return out;
}

void put(json::object& paths, std::string_view path, std::string_view method, json::object operation) {
  std::string name(method);
  for (char& c : name) c = lower(c);
  json::value& item = paths[path];
  if (!item.is_object()) item.emplace_object();
  item.get_object()[name] = std::move(operation);
}

json::object document_of(std::string_view description, json::object paths, json::object components) {
  return {
      {"openapi", "3.1.0"},
      {"info",
       json::object{{"title", "Sallyport"}, {"version", SALLYPORT_VERSION}, {"description", description}}},
      {"servers", json::array{json::object{{"url", "/"}}}},
      {"paths", std::move(paths)},
      {"components", std::move(components)}};
}

}  // namespace sallyport::gateway::endpoints
