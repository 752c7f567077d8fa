// Which OAuth client sends a request, and has it proven so (RFC 6749 section 2.3)? And what the OAuth
// endpoints answer where something is refused (section 5.2). Pure.
#pragma once

#include <boost/system/result.hpp>

#include <chrono>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "auth/sessions/session_service.hpp"
#include "auth/users/user_service.hpp"
#include "config/config.hpp"
#include "gateway/endpoints/failure.hpp"
#include "gateway/endpoints/form.hpp"

namespace sallyport::gateway::endpoints {

struct OAuthFailure {
  unsigned status = 400;
  std::string_view error;        // of section 5.2, or ours where that has none
  std::string_view description;  // for a developer's eyes
  std::chrono::seconds retry_after{0};
  std::string reason;  // for the log alone
};

OAuthFailure oauth_failure(std::string_view error, std::string_view description);
// A failure of users or sessions in the words of section 5.2: whatever is wrong with a password or a refresh
// token is an invalid_grant.
OAuthFailure oauth_failure(const Failure& failure);

// {"error","error_description","request_id"}
std::string oauth_failure_json(const OAuthFailure& failure, std::string_view request_id);

// `id` empty: an application of our own, where no clients are configured. `client` null: the same.
struct OAuthClient {
  std::string id;
  const config::Client* client = nullptr;
  bool proven = false;  // by a secret
  bool may(config::Grant grant) const;
};

// By Authorization: Basic or by client_id and client_secret in the body, never by both. `authorization`: the
// values of every such field. Without configured clients a bare client_id says nothing and is ignored.
boost::system::result<OAuthClient, OAuthFailure> authenticate(const std::vector<config::Client>& clients,
                                                              std::span<const std::string_view> authorization,
                                                              const Form& form);

}  // namespace sallyport::gateway::endpoints
