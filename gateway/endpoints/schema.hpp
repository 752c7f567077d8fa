// The words that OpenAPI 3.1 documents are made of: schemas of members and bodies, and what every document
// has. Pure.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <span>
#include <string_view>

#include "gateway/endpoints/catalogue.hpp"

namespace sallyport::gateway::endpoints {

boost::json::object type(std::string_view name, std::string_view doc = {});
// Of a member that no other table describes: a list or an object is only called one.
boost::json::object simple_property(MemberType member, std::string_view doc);
// Adds the property at a dotted path of an object schema.
void add(boost::json::object& schema, std::string_view path, boost::json::object property, bool required);

boost::json::object content(std::string_view media_type, boost::json::object schema);
// An answer's description is its reason phrase; 429 and 503 say when to come again.
boost::json::object answer_of(unsigned status, boost::json::object content);
boost::json::array parameters_of(std::span<const Parameter> parameters);

void put(boost::json::object& paths, std::string_view path, std::string_view method,
         boost::json::object operation);
boost::json::object document_of(std::string_view description, boost::json::object paths,
                                boost::json::object components);

}  // namespace sallyport::gateway::endpoints
