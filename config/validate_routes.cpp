// The rules about paths: routes among each other, and routes beside the gateway's own endpoints.
#include <algorithm>
#include <array>

#include "config/judge.hpp"
#include "config/names.hpp"
#include "config/suggest.hpp"
#include "config/urls.hpp"

namespace sallyport::config {
namespace {

std::string at(std::size_t i) { return "routes[" + std::to_string(i) + "]"; }

bool is_bearer_free(const Route& route) { return route.auth == AuthMode::none; }

// The same decision about who may pass.
bool same_auth(const Route& a, const Route& b) { return a.auth == b.auth && a.allow == b.allow; }

// Whether some request could carry a host that both accept.
bool hosts_meet(std::string_view a, std::string_view b) {
  if (a.empty() || b.empty() || a == b) return true;
  const auto wildcard_holds = [](std::string_view wildcard, std::string_view host) {
    if (!wildcard.starts_with("*.")) return false;
    const auto dot = host.find('.');
    return dot != std::string_view::npos && host.substr(dot) == wildcard.substr(1);
  };
  return wildcard_holds(a, b) || wildcard_holds(b, a);
}

std::vector<std::string> with_head(std::vector<std::string> methods) {
  const bool get = std::find(methods.begin(), methods.end(), "GET") != methods.end();
  if (get && std::find(methods.begin(), methods.end(), "HEAD") == methods.end()) methods.emplace_back("HEAD");
  return methods;
}

bool methods_meet(const Route& a, const Route& b) {
  if (a.methods.empty() || b.methods.empty()) return true;
  const auto of_a = with_head(a.methods), of_b = with_head(b.methods);
  return std::any_of(of_a.begin(), of_a.end(), [&](const std::string& method) {
    // A route's own HEAD beats the one that GET implies: not a clash.
    const bool implied =
        method == "HEAD" && (std::find(a.methods.begin(), a.methods.end(), method) == a.methods.end() ||
                             std::find(b.methods.begin(), b.methods.end(), method) == b.methods.end());
    return !implied && std::find(of_b.begin(), of_b.end(), method) != of_b.end();
  });
}

std::string line_of(const Judge& judge, std::size_t i) {
  const auto mark = judge.places.of(at(i));
  return mark.line == 0 ? at(i) : "line " + std::to_string(mark.line);
}

std::string shown(const Route& route) { return in_quotes(route.host + route.path); }

void judge_host(const std::string& host, const std::string& path, Judge& judge) {
  if (host.empty()) return;
  auto name = std::string_view(host);
  if (name.starts_with("*.")) name.remove_prefix(2);
  const bool literal = name.starts_with('[') && name.ends_with(']') && is_ip(name.substr(1, name.size() - 2));
  if (!literal && !is_host_name(name))
    judge.problem(path, in_quotes(host) + " is no host; write a name without port, or *.name for one label");
}

void judge_upstream_name(const Config& config, const Route& route, const std::string& path, Judge& judge) {
  if (route.upstream.empty()) return;
  std::vector<std::string> names;
  for (const auto& upstream : config.upstreams) names.push_back(upstream.name);
  if (std::find(names.begin(), names.end(), route.upstream) != names.end()) return;
  judge.problem(path + ".upstream",
                "there is no upstream " + in_quotes(route.upstream) + did_you_mean(route.upstream, names) +
                    (names.empty() ? "; `upstreams` is empty" : "; known: " + one_of(names)));
}

void judge_auth_decision(const Config& config, const Route& route, const std::string& path, Judge& judge) {
  if (!route.auth_stated && !config.defaults.auth && !judge.places.given(path + ".auth") &&
      !judge.places.given("defaults.auth"))
    judge.problem(path, "nobody decided who may call " + shown(route) +
                            "; add auth: required, optional or none, or set defaults.auth");
  if (route.auth == AuthMode::none && route.auth_stated && !route.allow.empty())
    judge.problem(path + ".allow",
                  "auth is none, so no token is read that could be allowed; remove one of the two");
  if (route.auth == AuthMode::none && route.auth_stated && !route.claims_to_headers.empty())
    judge.problem(path + ".claims_to_headers", "auth is none, so there are no claims");
}

void judge_headers(const Route& route, const std::string& path, Judge& judge) {
  std::vector<std::string> seen;
  for (const auto& [claim, header] : route.claims_to_headers) {
    if (header.empty()) continue;
    const auto where = path + ".claims_to_headers." + claim;
    if (const auto flaw = claim_header_flaw(header); !flaw.empty())
      judge.problem(where, in_quotes(header) + " " + flaw);
    for (const auto& other : seen)
      if (edit_distance(other, header) == 0)
        judge.problem(where, in_quotes(header) + " is set by two claims");
    seen.push_back(header);
  }
  for (std::size_t i = 0; i < route.trailers.size(); ++i)
    if (const auto& name = route.trailers[i]; !name.empty() && !claim_header_flaw(name).empty())
      judge.problem(path + ".trailers[" + std::to_string(i) + "]",
                    in_quotes(name) + " " + claim_header_flaw(name));
  for (std::size_t i = 0; i < route.upgrades.size(); ++i) {
    const auto& name = route.upgrades[i];
    const auto where = path + ".upgrades[" + std::to_string(i) + "]";
    if (name.empty()) continue;
    if (!is_token(name)) judge.problem(where, in_quotes(name) + " is no protocol name");
    if (edit_distance(name, "h2c") == 0 || edit_distance(name, "h2") == 0 || name.find("HTTP") == 0)
      judge.problem(where, "an upgrade to " + in_quotes(name) + " would carry requests past every check");
  }
}

void judge_alone(const Config& config, std::size_t i, Judge& judge) {
  const auto& route = config.routes[i];
  const auto path = at(i);
  const auto flaw = route.path.empty() ? std::string() : path_flaw(route.path);
  if (!flaw.empty()) judge.problem(path + ".path", in_quotes(route.path) + ": " + flaw);
  judge_host(route.host, path + ".host", judge);
  judge.methods(route.methods, path + ".methods");
  judge_upstream_name(config, route, path, judge);
  judge_auth_decision(config, route, path, judge);
  judge_headers(route, path, judge);
  judge.cors(route.cors, path + ".cors");
  if (route.strip_prefix.empty() || !flaw.empty()) return;
  const auto& prefix = route.strip_prefix;
  const bool whole = prefix.ends_with('/') || route.path == prefix || route.path.starts_with(prefix + "/");
  if (!whole || !route.path.starts_with(prefix))
    judge.problem(path + ".strip_prefix", in_quotes(prefix) + " is no prefix of the path " +
                                              in_quotes(route.path) + " by whole segments");
}

// What pass means is decided by the upstream, so it must not be able to reach another route's decision that
// way.
void judge_pass(const Config& config, std::size_t i, std::size_t j, Judge& judge) {
  const auto& route = config.routes[i];
  const auto& other = config.routes[j];
  if (same_auth(route, other) || !hosts_meet(route.host, other.host)) return;
  if (!covers(route.path, other.path) && !covers(other.path, route.path)) return;
  for (const auto& [on, key] : {std::pair{route.encoded_slash_pass, ".encoded_slash"},
                                std::pair{route.empty_segments_pass, ".empty_segments"}})
    if (on)
      judge.problem(at(i) + key, "pass is refused here: " + shown(other) + " (" + line_of(judge, j) +
                                     ") shares the prefix with " + shown(route) +
                                     " and has another auth, which such a path could get around");
}

void judge_pair(const Config& config, std::size_t i, std::size_t j, Judge& judge) {
  const auto& first = config.routes[i];
  const auto& second = config.routes[j];
  if (first.path.empty() || second.path.empty()) return;
  if (first.path == second.path && first.host == second.host && methods_meet(first, second)) {
    judge.problem(at(j), "the route " + shown(second) + " exists already in " + line_of(judge, i) +
                             " for the same methods; the order never decides, so remove one");
    return;
  }
  judge_pass(config, i, j, judge);
  judge_pass(config, j, i, judge);
  if (is_bearer_free(first) == is_bearer_free(second) || !hosts_meet(first.host, second.host)) return;
  if (!covers(first.path, second.path) && !covers(second.path, first.path)) return;
  const bool second_inside = covers(first.path, second.path);
  const auto inner = second_inside ? j : i, outer = second_inside ? i : j;
  const auto& inside = config.routes[inner];
  const auto& around = config.routes[outer];
  judge.warning(at(inner), is_bearer_free(inside)
                               ? shown(inside) + " is open to everybody inside " + shown(around) + " (" +
                                     line_of(judge, outer) + "), which asks for a token"
                               : shown(inside) + " asks for a token inside " + shown(around) + " (" +
                                     line_of(judge, outer) + "), which is open to everybody");
}

using EndpointField = std::string Endpoints::*;
constexpr std::array<std::pair<const char*, EndpointField>, 19> kEndpoints{{
    {"register", &Endpoints::register_},
    {"login", &Endpoints::login},
    {"refresh", &Endpoints::refresh},
    {"logout", &Endpoints::logout},
    {"sessions", &Endpoints::sessions},
    {"password", &Endpoints::password},
    {"me", &Endpoints::me},
    {"ticket", &Endpoints::ticket},
    {"verify", &Endpoints::verify},
    {"token", &Endpoints::token},
    {"revoke", &Endpoints::revoke},
    {"introspect", &Endpoints::introspect},
    {"jwks", &Endpoints::jwks},
    {"metadata", &Endpoints::metadata},
    {"openapi", &Endpoints::openapi},
    {"docs", &Endpoints::docs},
    {"reset_request", &Endpoints::reset_request},
    {"reset", &Endpoints::reset},
    {"confirm", &Endpoints::confirm},
}};

// A route that names an endpoint's path, or lies below it: one of the two could never be reached.
void judge_collisions(const Config& config, const std::string& endpoint, const char* key, Judge& judge) {
  for (std::size_t i = 0; i < config.routes.size(); ++i) {
    const auto& route = config.routes[i];
    if (!hosts_meet(route.host, config.auth.host) || route.path.empty()) continue;
    if (route.path == endpoint || route.path.starts_with(endpoint + "/"))
      judge.problem(at(i) + ".path", shown(route) +
                                         " is taken by the gateway's own endpoint auth.endpoints." + key +
                                         "; move one of them, or turn the endpoint off");
  }
}

}  // namespace

void Judge::methods(const std::vector<std::string>& methods, const std::string& path) {
  const std::vector<std::string> known{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};
  for (std::size_t i = 0; i < methods.size(); ++i) {
    const auto& method = methods[i];
    const auto where = path + "[" + std::to_string(i) + "]";
    const auto guess = did_you_mean(method, known);
    const bool listed = std::find(known.begin(), known.end(), method) != known.end();
    // Unknown methods may be real ones (PROPFIND): only what is no method, or surely a slip, is refused.
    if (method.empty() || listed) continue;
    if (method == "CONNECT" || method == "TRACE")
      problem(where, in_quotes(method) + " is never forwarded");
    else if (!is_token(method) ||
             std::any_of(method.begin(), method.end(), [](char c) { return c >= 'a' && c <= 'z'; }))
      problem(where, in_quotes(method) + " is no method in upper case" + guess);
    else if (!guess.empty())
      problem(where, in_quotes(method) + " is unknown" + guess);
  }
}

void judge_login_page(const AuthEndpoints& auth, Judge& judge) {
  const std::string& page = auth.cookies.login_page;
  constexpr auto kWhere = "auth.cookies.login_page";
  const bool printable = std::all_of(page.begin(), page.end(), [](char c) { return c > ' ' && c < 0x7f; });
  const bool is_path = page.starts_with('/') && !page.starts_with("//") && page.find('\\') == page.npos;
  if (page == "own") {
    const bool standard = auth.fields.style == Style::snake_case && auth.fields.request.empty() &&
                          auth.fields.response.empty() && auth.errors == ErrorShape::oauth2;
    if (!standard)
      judge.problem(kWhere, "own speaks the standard field names and errors; with others name your own page");
  } else if (!page.empty() &&
             (!printable || !(is_path || page.starts_with("https://") || page.starts_with("http://")))) {
    judge.problem(kWhere,
                  in_quotes(page) + " is no page; write own, a path such as /login, or an http(s) URL");
  }
}

void judge_auth(const Config& config, Judge& judge) {
  const auto& auth = config.auth;
  if (config.defaults.auth == AuthMode::none)
    judge.problem("defaults.auth",
                  "none would open every route that says nothing; write auth: none at each public route");
  if (const auto flaw = path_flaw(auth.prefix); !flaw.empty())
    judge.problem("auth.prefix", in_quotes(auth.prefix) + ": " + flaw);
  else if (auth.prefix.ends_with('/'))
    judge.problem("auth.prefix", in_quotes(auth.prefix) + " must not end with /");
  judge_host(auth.host, "auth.host", judge);
  for (std::size_t i = 0; i < auth.expired_header.size(); ++i)
    if (const auto& name = auth.expired_header[i]; !name.empty() && !claim_header_flaw(name).empty())
      judge.problem("auth.expired_header", in_quotes(name) + " " + claim_header_flaw(name));
  judge.cors(auth.cors, "auth.cors");
  for (std::size_t i = 0; i < auth.cookies.origins.size(); ++i)
    if (const auto& origin = auth.cookies.origins[i]; !origin.empty() && !is_origin(origin))
      judge.problem(
          "auth.cookies.origins[" + std::to_string(i) + "]",
          in_quotes(origin) + " is no origin; write scheme://host[:port] in lower case, without a path");
  judge_login_page(auth, judge);
  for (std::size_t i = 0; i < kEndpoints.size(); ++i) {
    const auto& [key, field] = kEndpoints[i];
    const auto& path = auth.endpoints.*field;
    const auto where = std::string("auth.endpoints.") + key;
    if (path.empty()) continue;
    if (const auto flaw = path_flaw(path); !flaw.empty()) {
      if (judge.places.given(where)) judge.problem(where, in_quotes(path) + ": " + flaw);
      continue;
    }
    for (std::size_t j = 0; j < i; ++j)
      if (auth.endpoints.*kEndpoints[j].second == path)
        judge.problem(where, in_quotes(path) + " is the path of " + kEndpoints[j].first + " too");
    judge_collisions(config, path, key, judge);
  }
}

void judge_routes(const Config& config, Judge& judge) {
  if (config.routes.empty() && judge.places.given("routes"))
    judge.problem("routes", "there is no route; every request would be answered 404");
  for (std::size_t i = 0; i < config.routes.size(); ++i) {
    judge_alone(config, i, judge);
    for (std::size_t j = 0; j < i; ++j) judge_pair(config, j, i, judge);
  }
}

}  // namespace sallyport::config
