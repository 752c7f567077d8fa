#include "gateway/endpoints/catalogue.hpp"

#include "gateway/cookies.hpp"

namespace sallyport::gateway::endpoints {
namespace {

using enum MemberType;
using Paths = config::Endpoints;

constexpr Member kRegister[] = {
    {"username"}, {"password", secret}, {"email", text, false}, {"", profile, false}};
constexpr Member kUser[] = {{"id"}, {"username"}, {"", profile, false}};
constexpr Member kLogin[] = {
    {"username"}, {"password", secret}, {"device", text, false, "for the list of sessions"}};
constexpr Member kTokens[] = {
    {"access_token"},
    {"token_type", text, true, "Bearer"},
    {"expires_in", number, true, "seconds"},
    {"expires_at", time},
    {"refresh_token"},
    {"refresh_expires_in", number, false, "seconds; absent where the session has no end"},
    {"session_id"},
    {"user", user}};
constexpr Member kRefresh[] = {{"refresh_token"},
                               {"access_token", text, false, "of the same session; it may be expired"}};
constexpr Member kLogout[] = {
    {"refresh_token", text, false, "in place of the bearer token, or of the same session"}};
constexpr Member kSessions[] = {{"sessions", list}};
constexpr Member kPassword[] = {{"current_password", secret}, {"new_password", secret}};
constexpr Member kAsked[] = {{"username", text, false, "or email"}, {"email", text, false}};
constexpr Member kReset[] = {{"token", secret, true, "from the message"}, {"new_password", secret}};
constexpr Member kConfirm[] = {
    {"token", secret, false, "from the message; or one of the others, to be sent one"},
    {"username", text, false},
    {"email", text, false}};
constexpr Member kTicketRequest[] = {
    {"path", text, true, "of the WebSocket or EventSource, without a query"}};
constexpr Member kTicket[] = {{"ticket"}, {"expires_in", number, true, "seconds"}};

constexpr Member kTokenRequest[] = {{"grant_type", text, true, "password or refresh_token"},
                                    {"username", text, false},
                                    {"password", secret, false},
                                    {"refresh_token", text, false},
                                    {"scope", text, false, "separated by blanks"},
                                    {"client_id", text, false},
                                    {"client_secret", secret, false}};
constexpr Member kTokenResponse[] = {{"access_token"},
                                     {"token_type", text, true, "Bearer"},
                                     {"expires_in", number, true, "seconds"},
                                     {"refresh_token", text, false},
                                     {"scope", text, false}};
constexpr Member kTokenParameter[] = {{"token"},
                                      {"token_type_hint", text, false, "access_token or refresh_token"},
                                      {"client_id", text, false},
                                      {"client_secret", secret, false}};
constexpr Member kIntrospection[] = {{"active", flag, true, "the other members are there only if it is"},
                                     {"token_type", text, false, "Bearer or refresh_token"},
                                     {"username", text, false},
                                     {"client_id", text, false},
                                     {"scope", text, false},
                                     {"iss", text, false},
                                     {"sub", text, false},
                                     {"iat", number, false, "seconds since 1970"},
                                     {"exp", number, false, "seconds since 1970"}};

constexpr Parameter kScope[] = {{"scope", "query", false, "this (the default), others or all"}};
constexpr Parameter kSessionId[] = {{"id", "path", true, "of the session, as in the list"}};
constexpr Parameter kDescription[] = {{"X-Forwarded-Method", "header", true, "of the client's request"},
                                      {"X-Forwarded-Uri", "header", true, "of the client's request"},
                                      {"X-Forwarded-Host", "header", false, "where it is another than Host"}};

constexpr Entry kEntries[] = {
    {.endpoint = OwnEndpoint::register_,
     .name = "register",
     .path = &Paths::register_,
     .method = "POST",
     .summary = "Create an account",
     .body = BodyKind::json,
     .request = kRegister,
     .success = 201,
     .response = kUser,
     .refusals = {409, 422}},
    {.endpoint = OwnEndpoint::login,
     .name = "login",
     .path = &Paths::login,
     .method = "POST",
     .summary = "User name and password for a pair of tokens",
     .body = BodyKind::json,
     .request = kLogin,
     .response = kTokens,
     .refusals = {401, 403, 422, 429}},
    {.endpoint = OwnEndpoint::refresh,
     .name = "refresh",
     .path = &Paths::refresh,
     .method = "POST",
     .summary = "A refresh token for the next pair",
     .body = BodyKind::json,
     .request = kRefresh,
     .response = kTokens,
     .refusals = {401, 409, 422}},
    {.endpoint = OwnEndpoint::logout,
     .name = "logout",
     .path = &Paths::logout,
     .method = "POST",
     .credential = Credential::own_check,
     .summary = "End this session, the user's others, or all",
     .parameters = kScope,
     .body = BodyKind::optional_json,
     .request = kLogout,
     .success = 204,
     .refusals = {401}},
    {.endpoint = OwnEndpoint::sessions,
     .name = "sessions",
     .path = &Paths::sessions,
     .method = "GET",
     .credential = Credential::token,
     .summary = "Where one is logged in",
     .response = kSessions,
     .refusals = {401}},
    {.endpoint = OwnEndpoint::session,
     .name = "session",
     .path = &Paths::sessions,
     .method = "DELETE",
     .credential = Credential::token,
     .summary = "End one of one's sessions",
     .parameters = kSessionId,
     .success = 204,
     .refusals = {401, 404}},
    {.endpoint = OwnEndpoint::password,
     .name = "password",
     .path = &Paths::password,
     .method = "POST",
     .credential = Credential::token,
     .summary = "Change one's password; ends the other sessions",
     .body = BodyKind::json,
     .request = kPassword,
     .success = 204,
     .refusals = {401, 422, 429}},
    {.endpoint = OwnEndpoint::reset_request,
     .name = "reset_request",
     .path = &Paths::reset_request,
     .method = "POST",
     .summary =
         "Have a password reset token sent to the account's owner; says nothing about whether there is one",
     .body = BodyKind::json,
     .request = kAsked,
     .success = 202,
     .refusals = {422, 429}},
    {.endpoint = OwnEndpoint::reset,
     .name = "reset",
     .path = &Paths::reset,
     .method = "POST",
     .summary = "A new password for a reset token; ends all sessions",
     .body = BodyKind::json,
     .request = kReset,
     .success = 204,
     .refusals = {422}},
    {.endpoint = OwnEndpoint::confirm,
     .name = "confirm",
     .path = &Paths::confirm,
     .method = "POST",
     .summary = "Confirm the e-mail address by a token (204), or have one sent (202)",
     .body = BodyKind::json,
     .request = kConfirm,
     .success = 204,
     .refusals = {422, 429}},
    {.endpoint = OwnEndpoint::me,
     .name = "me",
     .path = &Paths::me,
     .method = "GET",
     .credential = Credential::token,
     .summary = "The claims of one's access token",
     .refusals = {401}},
    {.endpoint = OwnEndpoint::ticket,
     .name = "ticket",
     .path = &Paths::ticket,
     .method = "POST",
     .credential = Credential::token,
     .summary = "A one-time ticket for a WebSocket or EventSource, which can send no header",
     .body = BodyKind::json,
     .request = kTicketRequest,
     .response = kTicket,
     .refusals = {401, 422}},
    {.endpoint = OwnEndpoint::verify,
     .name = "verify",
     .path = &Paths::verify,
     .method = "GET",
     .credential = Credential::own_check,
     .summary = "For nginx auth_request and Traefik forwardAuth: would the route let this request pass?",
     .parameters = kDescription,
     .refusals = {400, 401, 403, 404, 405}},
    {.endpoint = OwnEndpoint::token,
     .name = "token",
     .path = &Paths::token,
     .method = "POST",
     .credential = Credential::client,
     .summary = "OAuth 2 token endpoint (RFC 6749): password and refresh_token",
     .body = BodyKind::form,
     .request = kTokenRequest,
     .response = kTokenResponse,
     .refusals = {401, 429}},
    {.endpoint = OwnEndpoint::revoke,
     .name = "revoke",
     .path = &Paths::revoke,
     .method = "POST",
     .credential = Credential::client,
     .summary = "OAuth 2 token revocation (RFC 7009)",
     .body = BodyKind::form,
     .request = kTokenParameter,
     .refusals = {401}},
    {.endpoint = OwnEndpoint::introspect,
     .name = "introspect",
     .path = &Paths::introspect,
     .method = "POST",
     .credential = Credential::client,
     .summary = "OAuth 2 token introspection (RFC 7662)",
     .body = BodyKind::form,
     .request = kTokenParameter,
     .response = kIntrospection,
     .refusals = {401, 403}},
    {.endpoint = OwnEndpoint::jwks,
     .name = "jwks",
     .path = &Paths::jwks,
     .method = "GET",
     .is_public = true,
     .summary = "The public keys that verify access tokens (RFC 7517)"},
    {.endpoint = OwnEndpoint::metadata,
     .name = "metadata",
     .path = &Paths::metadata,
     .method = "GET",
     .is_public = true,
     .summary = "Authorization server metadata (RFC 8414)"},
    {.endpoint = OwnEndpoint::openapi,
     .name = "openapi",
     .path = &Paths::openapi,
     .method = "GET",
     .is_public = true,
     .summary = "This document (OpenAPI 3.1)"},
    {.endpoint = OwnEndpoint::docs,
     .name = "docs",
     .path = &Paths::docs,
     .method = "GET",
     .is_public = true,
     .summary = "A page to try these calls from"},
    {.endpoint = OwnEndpoint::account,
     .name = "account",
     .method = "GET",
     .is_public = true,
     .is_page = true,
     .summary = "The login and account page"},
    {.endpoint = OwnEndpoint::account_script,
     .name = "account_script",
     .method = "GET",
     .is_public = true,
     .is_page = true,
     .summary = "Its script"},
    {.endpoint = OwnEndpoint::account_style,
     .name = "account_style",
     .method = "GET",
     .is_public = true,
     .is_page = true,
     .summary = "Its style"},
};

std::string page_path(OwnEndpoint endpoint, const config::AuthEndpoints& auth) {
  if (auth.cookies.login_page != "own") return {};
  const std::string page = login_page_of(auth);
  if (page.empty() || endpoint == OwnEndpoint::account) return page;
  return page + (endpoint == OwnEndpoint::account_script ? ".js" : ".css");
}

}  // namespace

std::span<const Entry> catalogue() { return kEntries; }

const Entry& entry_of(OwnEndpoint endpoint) {
  for (const Entry& entry : kEntries)
    if (entry.endpoint == endpoint) return entry;
  return kEntries[0];  // every endpoint has its row: a test says so
}

std::string path_of(const Entry& entry, const config::Config& config) {
  if (entry.is_page) return page_path(entry.endpoint, config.auth);
  const std::string& path = config.auth.endpoints.*entry.path;
  return entry.endpoint == OwnEndpoint::session && !path.empty() ? path + "/{id}" : path;
}

}  // namespace sallyport::gateway::endpoints
