// Turns verified claims into the header lines that the upstream trusts.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "auth/jose/claims.hpp"
#include "config/config.hpp"

namespace sallyport::gateway {

inline constexpr std::size_t kMaxIdentityValue = 8 * 1024;

// X-Auth-Issuer, -Subject, -Roles, -Scopes, -Session and claims_to_headers (claim path -> header name), each
// line with CRLF. Lists are joined by commas; as json, claims that are lists or objects are written as JSON.
// A value that is not fit is left out: control characters, blanks at an end, over 8 KiB; an element of a list
// also when it holds a comma ("a,admin" must not become two roles).
// What no route decides about is taken from Claims::lines where it was written there.
void append_identity_headers(std::string& out, const jose::Claims& claims,
                             const std::map<std::string, std::string>& claims_to_headers,
                             config::ClaimFormat format = config::ClaimFormat::comma);
std::string identity_headers(const jose::Claims& claims,
                             const std::map<std::string, std::string>& claims_to_headers,
                             config::ClaimFormat format = config::ClaimFormat::comma);

// The part of them that no route decides about: without claims_to_headers. For Claims::lines.
std::string standard_identity_headers(const jose::Claims& claims);

// May this text be a header's value as it stands? (SECURITY H6, B9)
bool fit_for_header(std::string_view value);

}  // namespace sallyport::gateway
