// What the OAuth endpoints share: who asks, reading the form, answering.
#pragma once

#include <memory>
#include <optional>

#include "gateway/endpoints/call.hpp"
#include "gateway/endpoints/oauth_client.hpp"

namespace sallyport::gateway::endpoints {

struct OAuthCall {
  Form form;
  OAuthClient client;
};

// The form and its client. nullptr: the request has been answered already, or its client is gone.
Task<std::unique_ptr<OAuthCall>> read_oauth(Call call);

// RFC 6749 section 5.1: never cached, and the caches of HTTP/1.0 are told too.
Task<> answer_oauth(Call call, std::string_view body);
Task<> oauth_fail(Call call, const OAuthFailure& failure);

// Whose refresh token is it? The configured clients are tried, and our own applications ("").
// nullopt: nobody's.
std::optional<std::string> owner_of(Call call, std::string_view refresh_token);

// The claims of an access token of ours that is good but for expiry and revocation; nullptr: it isn't.
std::shared_ptr<const jose::Claims> own_claims(Call call, std::string_view token);
// The client that it was issued to.
std::string_view client_of(const jose::Claims& claims);

}  // namespace sallyport::gateway::endpoints
