// Every endpoint of the gateway as data: where it is found, what it asks for, what it answers. The router,
// the acts and the OpenAPI document read this one table, so none can speak of an endpoint that another lacks.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "config/config.hpp"
#include "gateway/router.hpp"

namespace sallyport::gateway::endpoints {

enum class Credential : std::uint8_t {
  none,
  token,      // a live access token of ours, judged before the act
  own_check,  // a token too, which the act judges itself: an expired one may do
  client,     // an OAuth client, where some are configured
};

enum class BodyKind : std::uint8_t { none, json, optional_json, form };

enum class MemberType : std::uint8_t { text, secret, number, flag, time, object, user, profile, list };

// A member of a body, in our words (dialect.hpp). `profile`: the fields that users.profile names.
struct Member {
  std::string_view name;
  MemberType type = MemberType::text;
  bool required = true;
  std::string_view doc = {};
};

// Beside path and body.
struct Parameter {
  std::string_view name;
  std::string_view in;  // query, header, path
  bool required = true;
  std::string_view doc;
  MemberType type = MemberType::text;
};

struct Entry {
  OwnEndpoint endpoint{};
  std::string_view name;                            // in the access log; the document's operationId
  std::string config::Endpoints::* path = nullptr;  // not of pages
  std::string_view method;
  Credential credential = Credential::none;
  bool is_public = false;  // neither body nor answer is secret
  bool is_page = false;    // for people: no part of the API that the document describes
  std::string_view summary;
  std::span<const Parameter> parameters{};
  BodyKind body = BodyKind::none;
  std::span<const Member> request;
  unsigned success = 200;
  std::span<const Member> response;    // empty: no body, or one that the document doesn't describe
  std::array<unsigned, 6> refusals{};  // statuses beside those that every endpoint may have; ends at 0
};

std::span<const Entry> catalogue();
const Entry& entry_of(OwnEndpoint endpoint);

// Where the configuration has it; empty: off. `{id}` stands for the last segment of a session's path.
std::string path_of(const Entry& entry, const config::Config& config);

}  // namespace sallyport::gateway::endpoints
