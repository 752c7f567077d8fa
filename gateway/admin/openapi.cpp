#include "gateway/admin/openapi.hpp"

#include "gateway/admin/catalogue.hpp"
#include "gateway/endpoints/schema.hpp"

namespace sallyport::gateway::admin {
namespace {

namespace json = boost::json;

using endpoints::MemberType;

json::object reference(const Shape& shape, json::object& schemas);

json::object property_of(const Member& member, json::object& schemas) {
  if (member.type == MemberType::object && member.of != nullptr) return reference(*member.of, schemas);
  json::object out = endpoints::simple_property(member.type, member.doc);
  if (member.type == MemberType::object) out["additionalProperties"] = endpoints::type("string");
  if (member.type == MemberType::list)
    out["items"] = member.of != nullptr ? reference(*member.of, schemas) : endpoints::type("string");
  json::array words;
  for (std::string_view rest = member.words; !rest.empty();) {
    const std::size_t end = rest.find(' ');
    words.emplace_back(rest.substr(0, end));
    rest.remove_prefix(end == rest.npos ? rest.size() : end + 1);
  }
  if (!words.empty()) out["enum"] = std::move(words);
  return out;
}

void add_members(json::object& schema, const Shape& shape, json::object& schemas) {
  if (shape.base != nullptr) add_members(schema, *shape.base, schemas);
  for (const Member& member : shape.members)
    endpoints::add(schema, member.name, property_of(member, schemas), member.required);
}

// Puts the shape among the schemas where it isn't yet.
json::object reference(const Shape& shape, json::object& schemas) {
  if (!schemas.contains(shape.name)) {
    json::object schema = endpoints::type("object");
    add_members(schema, shape, schemas);
    schemas[shape.name] = std::move(schema);
  }
  return {{"$ref", "#/components/schemas/" + std::string(shape.name)}};
}

json::object json_content(const Shape& shape, json::object& schemas) {
  return endpoints::content("application/json", reference(shape, schemas));
}

json::object responses_of(const Entry& entry, json::object& schemas) {
  json::object out;
  const auto answer = [&](unsigned status, json::object content) {
    out[std::to_string(status)] = endpoints::answer_of(status, std::move(content));
  };
  const std::string_view media_type = entry.type.substr(0, entry.type.find(';'));
  if (entry.answer != nullptr)
    answer(200, json_content(*entry.answer, schemas));
  else
    answer(200, endpoints::content(media_type,
                                   endpoints::type(media_type == "application/json" ? "object" : "string")));
  if (needs_token(entry.path)) {
    for (const unsigned status : {400u, 401u, 403u}) answer(status, json_content(error_shape(), schemas));
    if (entry.act == Act::console)
      out["401"].at("content").as_object()[media_type] = json::object{{"schema", endpoints::type("string")}};
  }
  for (const Refusal& refusal : entry.refusals)
    answer(refusal.status, refusal.body != nullptr
                               ? json_content(*refusal.body, schemas)
                               : endpoints::content("text/plain", endpoints::type("string")));
  return out;
}

json::object operation_of(const Entry& entry, json::object& schemas) {
  json::object out{{"operationId", entry.name}, {"summary", entry.summary}};
  json::array security;
  if (needs_token(entry.path)) security.push_back(json::object{{"admin", json::array{}}});
  out["tags"] = json::array{security.empty() ? "health" : "administration"};
  out["security"] = std::move(security);
  if (!entry.parameters.empty()) out["parameters"] = endpoints::parameters_of(entry.parameters);
  if (entry.takes != nullptr)
    out["requestBody"] = json::object{{"required", true}, {"content", json_content(*entry.takes, schemas)}};
  out["responses"] = responses_of(entry, schemas);
  return out;
}

}  // namespace

json::object openapi_document() {
  json::object paths, schemas;
  for (const Entry& entry : catalogue())
    endpoints::put(paths, entry.path, entry.method, operation_of(entry, schemas));
  json::object schemes{
      {"admin", json::object{{"type", "http"},
                             {"scheme", "bearer"},
                             {"description", "admin.token of the configuration, on loopback too"}}}};
  return endpoints::document_of(
      "The admin listener of this gateway. GET implies HEAD; Host must be an address or localhost.",
      std::move(paths),
      json::object{{"securitySchemes", std::move(schemes)}, {"schemas", std::move(schemas)}});
}

}  // namespace sallyport::gateway::admin
