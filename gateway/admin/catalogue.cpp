#include "gateway/admin/catalogue.hpp"

#include <optional>

#include "gateway/endpoints/form.hpp"

namespace sallyport::gateway::admin {
namespace {

using enum endpoints::MemberType;
using endpoints::Parameter;

constexpr Member kErrorMembers[] = {{"error", text, true, "stable; for programs"},
                                    {"error_description", text, true, "for people"},
                                    {"request_id", text, false}};
constexpr Shape kError{"Error", kErrorMembers};

constexpr Member kReloadMembers[] = {
    {"outcome", text, true, {}, nullptr, "success refused"},
    {"changed", list, false, "with success: the settings that are other ones now"},
    {"problems", list, false, "with refused: why; everything stays as it was"}};
constexpr Shape kReload{"Reload", kReloadMembers};
constexpr Member kLastReloadMembers[] = {{"time", time},
                                         {"trigger", text, true, "SIGHUP, file change or admin"}};
constexpr Shape kLastReload{"LastReload", kLastReloadMembers, &kReload};
constexpr Member kInForceMembers[] = {{"in_force_since", time},
                                      {"reloads_succeeded", number},
                                      {"reloads_failed", number},
                                      {"last_reload", object, false, {}, &kLastReload}};
constexpr Shape kInForce{"ConfigurationInForce", kInForceMembers};
constexpr Member kStatusMembers[] = {{"version"},
                                     {"ready", flag},
                                     {"connections", number, true, "of clients"},
                                     {"problem", text, false, "what is missing, where it isn't ready"},
                                     {"configuration", object, true, {}, &kInForce}};
constexpr Shape kStatus{"Status", kStatusMembers};

constexpr Member kRouteMembers[] = {{"route", text, true, "its name in metrics and logs"},
                                    {"path"},
                                    {"host", text, true, "empty: any"},
                                    {"methods", list, true, "empty: any"},
                                    {"upstream"},
                                    {"auth", text, true, {}, nullptr, "required optional none"},
                                    {"line", number, true, "in the configuration"}};
constexpr Shape kRoute{"Route", kRouteMembers};
constexpr Member kRoutesMembers[] = {{"routes", list, true, {}, &kRoute}};
constexpr Shape kRoutes{"Routes", kRoutesMembers};

constexpr Member kKeyMembers[] = {{"id"}, {"algorithm"}, {"signs", flag, true, "our tokens, from now on"}};
constexpr Shape kKey{"Key", kKeyMembers};
constexpr Member kIssuerMembers[] = {{"issuer"}, {"own", flag}, {"keys", list, true, {}, &kKey}};
constexpr Shape kIssuer{"Issuer", kIssuerMembers};
constexpr Member kKeysMembers[] = {{"issuers", list, true, {}, &kIssuer},
                                   {"refresh_keys", list, true, "their ids; the first one signs"}};
constexpr Shape kKeys{"Keys", kKeysMembers};

constexpr Member kRevocationsMembers[] = {
    {"ready", flag, true, "the log was read to its end"},
    {"entries", number, true, "in force"},
    {"bytes", number, true, "memory of the index"},
    {"read", number, true, "events of the log so far"},
    {"resyncs", number, true, "times that the store had been replaced or lost entries"},
    {"staleness_ms", number, false, "since the last answered read was sent; absent before the first"},
    {"problem", text, false}};
constexpr Shape kRevocations{"Revocations", kRevocationsMembers};

constexpr Member kServerMembers[] = {{"url"},
                                     {"state", text, true, {}, nullptr, "well unhealthy broken ejected"},
                                     {"busy", number, true, "connections that carry a request"},
                                     {"idle", number, true, "connections kept for the next one"}};
constexpr Shape kServer{"Server", kServerMembers};
constexpr Member kUpstreamMembers[] = {{"name"},
                                       {"checked", flag, true, "there are active checks"},
                                       {"waiting", number, true, "requests without a connection yet"},
                                       {"servers", list, true, {}, &kServer}};
constexpr Shape kUpstream{"Upstream", kUpstreamMembers};
constexpr Member kUpstreamsMembers[] = {{"upstreams", list, true, {}, &kUpstream}};
constexpr Shape kUpstreams{"Upstreams", kUpstreamsMembers};

constexpr Member kSessionMembers[] = {{"id"},
                                      {"user_id"},
                                      {"device"},
                                      {"ip"},
                                      {"user_agent"},
                                      {"created", time},
                                      {"last_used", time},
                                      {"ended", flag},
                                      {"generation", number, true, "how often it was refreshed"}};
constexpr Shape kSession{"Session", kSessionMembers};
constexpr Member kUserMembers[] = {
    {"id"},          {"name"},           {"email"},        {"email_confirmed", flag}, {"disabled", flag},
    {"roles", list}, {"claims", object}, {"created", time}};
constexpr Shape kUser{"User", kUserMembers};
constexpr Member kWithSessionsMembers[] = {{"sessions", list, true, "that live", &kSession}};
constexpr Shape kWithSessions{"UserWithSessions", kWithSessionsMembers, &kUser};
constexpr Member kUsersMembers[] = {
    {"users", list, true, {}, &kUser},
    {"next", text, false, "the cursor of the next page; absent: it was the last"}};
constexpr Shape kUsers{"Users", kUsersMembers};
constexpr Member kEndedMembers[] = {{"ended", number, true, "sessions"}};
constexpr Shape kEnded{"Ended", kEndedMembers};
constexpr Member kResetTokenMembers[] = {
    {"token", secret, true, "for one new password"},
    {"expires_in", number, true, "seconds"},
    {"link", secret, false, "with users.reset.page: the page, and the token"}};
constexpr Shape kResetToken{"ResetToken", kResetTokenMembers};

constexpr Member kRevokeMembers[] = {{"token", secret, false},
                                     {"session", text, false, "its id"},
                                     {"user", text, false, "the id, or the name of one of ours"},
                                     {"key", text, false, "its id"},
                                     {"everything", flag, false, "true: everybody logs in again"},
                                     {"issuer", text, false, "whose; ours without"}};
constexpr Shape kRevoke{"Revoke", kRevokeMembers};
constexpr Member kRevokedMembers[] = {
    {"revoked", flag, false, "false: there was nothing to revoke"},
    {"reason", text, false, "with false"},
    {"ended", number, false, "sessions, in place of revoked where it was about them"}};
constexpr Shape kRevoked{"Revoked", kRevokedMembers};

constexpr Parameter kPage[] = {
    {"search", "query", false, "part of a name or an e-mail address in any case, or an id"},
    {"cursor", "query", false, "next of the page before"},
    {"limit", "query", false, "users of a page, 500 at most; 50 without it", number}};
constexpr Parameter kUserId[] = {{"id", "path", true, "the user's id or name"}};
constexpr Parameter kSessionId[] = {{"id", "path", true, "the session's id"}};

constexpr Refusal kNotReady[] = {{503, nullptr}};
constexpr Refusal kOfStore[] = {{503, &kError}};
constexpr Refusal kOfOne[] = {{404, &kError}, {503, &kError}};
constexpr Refusal kOfChange[] = {{404, &kError}, {409, &kError}, {503, &kError}};
constexpr Refusal kOfRevoke[] = {{404, &kError}, {422, &kError}, {503, &kError}};
constexpr Refusal kOfReload[] = {{422, &kReload}};

constexpr Entry kEntries[] = {
    {.act = Act::livez,
     .name = "livez",
     .method = "GET",
     .path = "/livez",
     .summary = "Does the process run? Depends on nothing else",
     .type = "text/plain"},
    {.act = Act::readyz,
     .name = "readyz",
     .method = "GET",
     .path = "/readyz",
     .summary = "Are store, revocations and keys there? If not, what is missing",
     .type = "text/plain",
     .refusals = kNotReady},
    {.act = Act::metrics,
     .name = "metrics",
     .method = "GET",
     .path = "/metrics",
     .summary = "For Prometheus",
     .type = "text/plain; version=0.0.4"},
    {.act = Act::console,
     .name = "console",
     .method = "GET",
     .path = "/admin/",
     .summary = "A page over all of these; without the token it comes with the 401 and asks for it",
     .type = "text/html; charset=utf-8"},
    {.act = Act::openapi,
     .name = "openapi",
     .method = "GET",
     .path = "/admin/openapi.json",
     .summary = "This document (OpenAPI 3.1)"},
    {.act = Act::status,
     .name = "status",
     .method = "GET",
     .path = "/admin/status",
     .summary = "Version, readiness, and how the last reload went",
     .answer = &kStatus},
    {.act = Act::config,
     .name = "config",
     .method = "GET",
     .path = "/admin/config",
     .summary = "The configuration in force, defaults too, secrets as ***",
     .type = "application/yaml"},
    {.act = Act::routes,
     .name = "routes",
     .method = "GET",
     .path = "/admin/routes",
     .summary = "Every route with its rule",
     .answer = &kRoutes},
    {.act = Act::keys,
     .name = "keys",
     .method = "GET",
     .path = "/admin/keys",
     .summary = "The ids of every issuer's keys, and which of ours signs",
     .answer = &kKeys},
    {.act = Act::revocations,
     .name = "revocations",
     .method = "GET",
     .path = "/admin/revocations",
     .summary = "How many are in force, and how old our knowledge is",
     .answer = &kRevocations},
    {.act = Act::upstreams,
     .name = "upstreams",
     .method = "GET",
     .path = "/admin/upstreams",
     .summary = "Every server of every upstream, as all workers see it",
     .answer = &kUpstreams},
    {.act = Act::users,
     .name = "users",
     .method = "GET",
     .path = "/admin/users",
     .summary = "Users, a page at a time; a search may find a few more than limit",
     .parameters = kPage,
     .answer = &kUsers,
     .refusals = kOfStore},
    {.act = Act::user,
     .name = "user",
     .method = "GET",
     .path = "/admin/users/{id}",
     .summary = "One user, with the live sessions",
     .parameters = kUserId,
     .answer = &kWithSessions,
     .refusals = kOfOne},
    {.act = Act::end_sessions,
     .name = "end_sessions",
     .method = "DELETE",
     .path = "/admin/users/{id}/sessions",
     .summary = "End all sessions of a user",
     .parameters = kUserId,
     .answer = &kEnded,
     .refusals = kOfOne},
    {.act = Act::disable,
     .name = "disable",
     .method = "POST",
     .path = "/admin/users/{id}/disable",
     .summary = "Bar a user, and end the sessions",
     .parameters = kUserId,
     .answer = &kUser,
     .refusals = kOfChange},
    {.act = Act::enable,
     .name = "enable",
     .method = "POST",
     .path = "/admin/users/{id}/enable",
     .summary = "Let a user in again",
     .parameters = kUserId,
     .answer = &kUser,
     .refusals = kOfChange},
    {.act = Act::reset_token,
     .name = "reset_token",
     .method = "POST",
     .path = "/admin/users/{id}/reset-token",
     .summary = "A one-time token for a new password, to be passed on to the user; with users.reset",
     .parameters = kUserId,
     .answer = &kResetToken,
     .refusals = kOfChange},
    {.act = Act::session,
     .name = "session",
     .method = "GET",
     .path = "/admin/sessions/{id}",
     .summary = "One session",
     .parameters = kSessionId,
     .answer = &kSession,
     .refusals = kOfOne},
    {.act = Act::end_session,
     .name = "end_session",
     .method = "DELETE",
     .path = "/admin/sessions/{id}",
     .summary = "End one session",
     .parameters = kSessionId,
     .answer = &kEnded,
     .refusals = kOfOne},
    {.act = Act::revoke,
     .name = "revoke",
     .method = "POST",
     .path = "/admin/revoke",
     .summary = "Refuse one thing from now on: a token, a session, a user, a key or everything; in force in "
                "every worker when the answer comes",
     .takes = &kRevoke,
     .answer = &kRevoked,
     .refusals = kOfRevoke},
    {.act = Act::reload,
     .name = "reload",
     .method = "POST",
     .path = "/admin/reload",
     .summary = "Read the configuration again; 200 once all workers serve by it",
     .answer = &kReload,
     .refusals = kOfReload},
};

// Of a path's segment, where a plus is one: names may hold it.
std::string decoded(std::string_view text) {
  std::string plain;
  for (const char c : text) plain += c == '+' ? std::string("%2B") : std::string(1, c);
  return endpoints::form_decoded(plain).value_or(std::string());
}

// What stands for {id} in `path`, empty where the pattern has none; nullopt: it is another path.
std::optional<std::string> id_in(std::string_view path, std::string_view pattern) {
  constexpr std::string_view kId = "{id}";
  const std::size_t at = pattern.find(kId);
  if (at == pattern.npos) return path == pattern ? std::optional(std::string()) : std::nullopt;
  const std::string_view before = pattern.substr(0, at), after = pattern.substr(at + kId.size());
  if (path.size() <= before.size() + after.size() || !path.starts_with(before) || !path.ends_with(after))
    return std::nullopt;
  const std::string_view segment = path.substr(before.size(), path.size() - before.size() - after.size());
  std::string id = segment.find('/') == segment.npos ? decoded(segment) : std::string();
  if (id.empty()) return std::nullopt;
  return id;
}

}  // namespace

std::span<const Entry> catalogue() { return kEntries; }

const Shape& error_shape() { return kError; }

Found find(std::string_view method, std::string_view path) {
  Found found;
  for (const Entry& entry : kEntries) {
    std::optional<std::string> id = id_in(path, entry.path);
    if (!id) continue;
    if (entry.method == (method == "HEAD" ? "GET" : method)) return {&entry, std::move(*id), {}};
    if (!found.allow.empty()) found.allow += ", ";
    found.allow += entry.method == "GET" ? "GET, HEAD" : entry.method;
  }
  return found;
}

}  // namespace sallyport::gateway::admin
