// Every call of the admin listener as data: where it is found, what it takes, what it answers. The listener
// looks its acts up in this one table and the OpenAPI document is made of it, so neither can know a call that
// the other lacks. Pure.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "gateway/endpoints/catalogue.hpp"

namespace sallyport::gateway::admin {

enum class Act : std::uint8_t {
  livez,
  readyz,
  metrics,
  console,
  openapi,
  status,
  config,
  routes,
  keys,
  revocations,
  upstreams,
  users,
  user,
  end_sessions,
  disable,
  enable,
  reset_token,
  session,
  end_session,
  revoke,
  reload,
};

struct Shape;

// A member of a JSON object.
struct Member {
  std::string_view name;
  endpoints::MemberType type = endpoints::MemberType::text;
  bool required = true;
  std::string_view doc = {};
  const Shape* of = nullptr;    // what the object is, or each element of the list; nullptr: texts
  std::string_view words = {};  // the only values of a text, with a blank between them
};

// A JSON object, under the name that the document gives it.
struct Shape {
  std::string_view name;
  std::span<const Member> members;
  const Shape* base = nullptr;  // has its members too
};

struct Refusal {
  unsigned status = 0;
  const Shape* body = nullptr;  // nullptr: text
};

struct Entry {
  Act act{};
  std::string_view name;  // the document's operationId
  std::string_view method;
  std::string_view path;  // `{id}` stands for one segment
  std::string_view summary;
  std::span<const endpoints::Parameter> parameters{};
  const Shape* takes = nullptr;                // the request's JSON body
  std::string_view type = "application/json";  // of a good answer, which is 200
  const Shape* answer = nullptr;               // nullptr: no JSON, or one that the document doesn't describe
  std::span<const Refusal> refusals{};         // beside those of everything that needs the token
};

std::span<const Entry> catalogue();
const Shape& error_shape();

// All of /admin/, what isn't there too: nobody learns without the token what there is.
constexpr bool needs_token(std::string_view path) { return path.starts_with("/admin/"); }

struct Found {
  const Entry* entry = nullptr;
  std::string id;     // what stands for {id}, decoded
  std::string allow;  // without an entry: the methods that the path takes; empty: there is no such path
};
// GET implies HEAD. `path`: as it came.
Found find(std::string_view method, std::string_view path);

}  // namespace sallyport::gateway::admin
