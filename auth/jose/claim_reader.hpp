// Takes the members that each request needs out of verified claims, and says which registered one has the
// wrong type. Pure: decides nothing about the values.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>

#include "auth/jose/claims.hpp"

namespace sallyport::jose {

struct ReadClaims {
  std::shared_ptr<Claims> claims;  // `algorithm` and `key_id` are left for the caller
  bool has_expiry = false;
};

// Where an issuer's tokens hold what has no fixed name: claims by name or path.
struct ClaimPlaces {
  std::string roles = "roles";
  std::string scopes;            // empty: `scope`, else `scp`
  std::string audience = "aud";  // Cognito's access tokens have a client_id in its place
};

// Takes `all` over. Nothing: a registered claim has the wrong type (RFC 7519 section 4.1), or a time that no
// clock will show.
std::optional<ReadClaims> read_claims(boost::json::object&& all, const ClaimPlaces& places, bool own);

// Is one of `wanted` in the audience (a claim by name or path) of verified claims?
bool names_audience(const boost::json::object& all, std::string_view claim,
                    const std::vector<std::string>& wanted);

}  // namespace sallyport::jose
