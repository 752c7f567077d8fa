// explain: what the gateway would answer to a request, and why: the same path rules, router, CORS and judge
// as `serve`, over the configuration and the keys on this machine. No upstream, no store and no URL is asked.
#include <algorithm>

#include "gateway/cli/command.hpp"
#include "gateway/cli/input.hpp"
#include "gateway/cli/own_keys.hpp"
#include "gateway/endpoints/endpoints.hpp"
#include "gateway/identity_headers.hpp"
#include "gateway/issuers.hpp"
#include "gateway/net/http_call.hpp"
#include "gateway/path.hpp"
#include "gateway/replies.hpp"
#include "gateway/runtime.hpp"
#include "gateway/text.hpp"

namespace sallyport::cli {
namespace {

using gateway::Match;

constexpr std::size_t kCacheBytes = 64 * 1024;

struct Wanted {
  std::string method, url, token, origin, asked;
};

// Strangers' text on a terminal: nothing but visible ASCII.
std::string plain(std::string_view text) {
  std::string out;
  for (const char c : text.substr(0, 200)) out += c >= 0x20 && c < 0x7F ? c : '?';
  return out;
}

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const auto& word : words) out += (out.empty() ? "" : ", ") + plain(word);
  return out.empty() ? "none" : out;
}

void line(std::string label, const std::string& text) {
  label.resize(10, ' ');
  say(label + text);
}

void answer(const gateway::Reply& reply, const std::string& why) {
  line("answer:", std::to_string(reply.status) + " " + std::string(reply.error));
  line("why:", why);
}

// What a rule is, and whether these claims pass it; each part of `allow` by the code that judges the whole.
struct Part {
  std::string text;
  config::Allow only;
};
std::vector<Part> parts_of(const config::Allow& allow) {
  std::vector<Part> parts;
  if (!allow.issuers.empty())
    parts.push_back({"issuer one of " + joined(allow.issuers), {.issuers = allow.issuers}});
  if (!allow.roles.empty()) parts.push_back({"a role of " + joined(allow.roles), {.roles = allow.roles}});
  for (const auto& role : allow.all_roles) parts.push_back({"role " + plain(role), {.all_roles = {role}}});
  if (!allow.scopes.empty())
    parts.push_back({"a scope of " + joined(allow.scopes), {.scopes = allow.scopes}});
  for (const auto& scope : allow.all_scopes)
    parts.push_back({"scope " + plain(scope), {.all_scopes = {scope}}});
  for (const auto& [name, values] : allow.claims)
    parts.push_back({"claim " + plain(name) + " one of " + joined(values), {.claims = {{name, values}}}});
  for (const auto& [name, values] : allow.all_claims)
    parts.push_back(
        {"claim " + plain(name) + " each of " + joined(values), {.all_claims = {{name, values}}}});
  for (const auto& name : allow.has) parts.push_back({"claim " + plain(name), {.has = {name}}});
  return parts;
}

std::string rule_of(const config::Route& route) {
  if (route.auth == config::AuthMode::none) return "auth: none; a token is neither read nor judged";
  std::string text = route.auth == config::AuthMode::optional
                         ? "auth: optional; a token that is sent must be good"
                         : "auth: required";
  for (const Part& part : parts_of(route.allow)) text += "; " + part.text;
  return text;
}

std::string names(const gateway::RequestHead& head, const gateway::CorsPolicy& cors, bool preflight) {
  std::string lines;
  if (preflight)
    cors.append_preflight(lines, head);
  else
    cors.append_answer(lines, head);
  std::string out;
  for (std::size_t at = 0; at < lines.size();) {
    const std::size_t end = lines.find("\r\n", at);
    out += (out.empty() ? "" : " | ") + lines.substr(at, end - at);
    at = end == lines.npos ? lines.size() : end + 2;
  }
  return out;
}

class Explanation {
 public:
  Explanation(const config::Config& config, const Wanted& wanted) : config_(config), wanted_(wanted) {}
  int tell();

 private:
  bool take_apart();
  void tell_match(const gateway::Router& router, const gateway::NormalPath& path);
  bool tell_cors(const gateway::CorsPolicy& cors);
  // `route`: none for an endpoint of ours.
  void tell_judgement(const policy::RoutePolicy& policy, const config::Allow& allow, const std::string& good,
                      const config::Route* route = nullptr);
  void tell_headers(const jose::Claims& claims, const config::Route& route);

  const config::Config& config_;
  const Wanted& wanted_;
  gateway::HttpUrl url_;
  std::string raw_path_;
  gateway::RequestHead head_;
};

bool Explanation::take_apart() {
  const std::string url =
      wanted_.url.starts_with('/') ? "http://any-host.invalid" + wanted_.url : wanted_.url;
  auto parsed = gateway::parse_http_url(url);
  if (!parsed) {
    complain("that is no http:// or https:// URL and no path: " + plain(wanted_.url));
    return false;
  }
  url_ = std::move(*parsed);
  raw_path_ = url_.target.substr(0, url_.target.find('?'));
  head_.method = wanted_.method;
  head_.raw_path = raw_path_;
  if (!wanted_.url.starts_with('/')) head_.host = url_.server.host;
  head_.authority = head_.host;
  if (!wanted_.origin.empty()) head_.fields.push_back({gateway::FieldId::origin, "Origin", wanted_.origin});
  if (!wanted_.asked.empty())
    head_.fields.push_back(
        {gateway::FieldId::access_control_request_method, "Access-Control-Request-Method", wanted_.asked});
  return true;
}

int Explanation::tell() {
  if (!take_apart()) return kUsage;
  const auto compiled = gateway::Router::compile(config_);
  for (const auto& problem : compiled.problems) complain(problem.text());
  if (!compiled.problems.empty()) return kWrongInput;

  line("request:", plain(wanted_.method) + " " + plain(wanted_.url));
  std::string scratch;
  const gateway::NormalPath path = gateway::normalise_path(raw_path_, scratch);
  if (!path.good()) {
    answer(gateway::reply_for(gateway::Verdict::bad_request),
           "the path has two meanings (" + std::string(path.refusal) + ")");
    return kFine;
  }
  if (path.path != raw_path_) line("path:", std::string(path.path) + " (what is matched and forwarded)");
  tell_match(compiled.router, path);
  return kFine;
}

// true: it was a preflight, and that was the answer.
bool Explanation::tell_cors(const gateway::CorsPolicy& cors) {
  if (!cors.on()) return false;
  const bool preflight = gateway::preflight_method(head_).has_value();
  line("cors:", names(head_, cors, preflight));
  if (!preflight) return false;
  line("answer:", "204");
  line("why:", "a preflight is answered before any token is asked for");
  return true;
}

void Explanation::tell_match(const gateway::Router& router, const gateway::NormalPath& path) {
  const auto asked = gateway::preflight_method(head_);
  const Match match = router.find(head_.host, path, asked.value_or(head_.method));
  switch (match.kind) {
    case Match::Kind::bad_path:
      return answer(
          gateway::reply_for(gateway::Verdict::bad_request),
          "an encoded slash, an empty segment or `;` that another server could read as another route");
    case Match::Kind::not_found:
      return answer(gateway::reply_for(gateway::Verdict::not_found), "no route has this host and path");
    case Match::Kind::method_not_allowed:
      return answer(gateway::reply_for(gateway::Verdict::method_not_allowed),
                    "the routes of this host and path allow " + std::string(match.allow));
    case Match::Kind::endpoint: {
      line("route:", "an endpoint of the gateway itself");
      const gateway::CorsPolicy cors(config_.auth.cors, {"GET", "POST", "DELETE"},
                                     config_.auth.expired_header);
      if (tell_cors(cors)) return;
      if (gateway::endpoints::needs_no_token(match.endpoint)) {
        line("rule:", "needs no access token");
        return line("answer:", "what the endpoint says");
      }
      const config::Allow own{.issuers = {config_.tokens.issuer}};
      policy::RoutePolicy policy;
      policy.access = policy::AccessPolicy(own);
      line("rule:", "a live access token of our own");
      return tell_judgement(policy, own, "what the endpoint says");
    }
    case Match::Kind::route:
      break;
  }
  const config::Route& route = config_.routes[match.route];
  const gateway::CompiledRoute compiled = gateway::compile_route(route, config_);
  line("route:",
       compiled.name + " (line " + std::to_string(route.mark.line) + ") to upstream " + route.upstream);
  if (tell_cors(compiled.cors)) return;
  line("rule:", rule_of(route));
  std::string forwarded = "forwarded to upstream " + route.upstream + " as " + wanted_.method + " " +
                          std::string(gateway::without_prefix(path.path, route.strip_prefix));
  tell_judgement(compiled.policy, route.allow, forwarded, &route);
}

// What the upstream is told of who asks.
void Explanation::tell_headers(const jose::Claims& claims, const config::Route& route) {
  const std::string lines = gateway::identity_headers(claims, route.claims_to_headers, route.claims_format);
  for (std::size_t at = 0; at < lines.size();) {
    const std::size_t end = lines.find("\r\n", at);
    line("header:", plain(std::string_view(lines).substr(at, end - at)));
    at = end + 2;
  }
  for (const config::Upstream& upstream : config_.upstreams)
    if (upstream.name == route.upstream && upstream.assertion)
      line("header:", "X-Auth-Assertion: a JWT of ours for " + upstream.assertion->audience);
}

void Explanation::tell_judgement(const policy::RoutePolicy& policy, const config::Allow& allow,
                                 const std::string& good, const config::Route* route) {
  const UnixSeconds now = now_seconds();
  // Our keys are asked of the store only where a token is to be judged.
  std::string problem;
  std::optional<jose::OwnKeys> own;
  if (!wanted_.token.empty()) own = stored_keys(config_, problem);
  if (!problem.empty()) complain(problem);
  const gateway::Issuers issuers = gateway::load_issuers(config_.tokens, now, own ? &*own : nullptr);
  for (const auto& note : issuers.notes) complain(note);
  policy::Authenticator authenticator(issuers.issuers, config_.revocation.max_staleness, kCacheBytes);
  const policy::Credential credential =
      wanted_.token.empty() ? policy::Credential{} : policy::Credential::bearer(wanted_.token);
  const policy::Decision decision = authenticator.decide(credential, policy, now, {true, {}});

  if (decision.claims) {
    const jose::Claims& claims = *decision.claims;
    line("token:", "of " + plain(claims.issuer) + ", subject " + plain(claims.subject) + ", roles " +
                       joined(claims.roles) + ", scopes " + joined(claims.scopes) + ", key " +
                       plain(claims.key_id));
  }
  if (policy::passes(decision.verdict)) {
    line("answer:", good);
    line("why:", decision.verdict == policy::Verdict::anonymous
                     ? "no token is needed"
                     : "the token is good and the rule lets it pass");
    if (route != nullptr && decision.claims) tell_headers(*decision.claims, *route);
  } else {
    std::string why = "no token was sent, and the route needs one";
    if (decision.reason) {
      why = explained(*decision.reason);
      if (*decision.reason == jose::TokenError::unknown_key && !issuers.by_url.empty())
        why +=
            "; the keys of " + joined(issuers.by_url) + " come from a URL, which this command doesn't fetch";
    } else if (decision.verdict == policy::Verdict::token_expired) {
      why = "the token has expired and is good otherwise";
    } else if (decision.verdict == policy::Verdict::forbidden) {
      why = "the token is good, but lacks:";
      for (const Part& part : parts_of(allow))
        if (!policy::AccessPolicy(part.only).permits(*decision.claims)) why += " " + part.text + ";";
    }
    for (int i = 0; i <= static_cast<int>(gateway::Verdict::internal_error); ++i) {
      const gateway::Reply& reply = gateway::reply_for(static_cast<gateway::Verdict>(i));
      if (reply.error == policy::to_string(decision.verdict)) return answer(reply, why);
    }
  }
  if (decision.claims && !decision.reason)
    line("note:", "whether the token was revoked only the store knows, and it wasn't asked");
}

}  // namespace

void add_explain(CLI::App& app, Invocation& invocation) {
  const auto wanted = std::make_shared<Wanted>();
  CLI::App* command = add_command(
      app, invocation, "explain",
      "Tell which route and rule a request meets, what would be answered and why; asks no upstream and no "
      "store",
      "sallyport explain GET https://api.example.com/orders/7 --token - < token.txt", [&invocation, wanted] {
        int code = kFine;
        const auto config = load(invocation, code);
        if (!config) return code;
        if (!gateway::is_token(wanted->method)) {
          complain("that is no HTTP method: " + plain(wanted->method));
          return kUsage;
        }
        if (!wanted->token.empty()) {
          auto token = argument_or_stdin(wanted->token);
          if (!token) {
            complain(token.error().message);
            return token.error().code;
          }
          wanted->token = std::move(*token);
        }
        return Explanation(*config, *wanted).tell();
      });
  command->add_option("method", wanted->method, "GET, POST, ...")->required();
  command->add_option("url", wanted->url, "http(s)://host/path, or /path where no route names a host")
      ->required();
  command->add_option("--token", wanted->token, "the access token to send, or - to read it from stdin");
  command->add_option("--origin", wanted->origin, "Origin of a cross-origin request");
  command->add_option("--preflight", wanted->asked,
                      "with OPTIONS and --origin: the method that the browser asks for (a CORS preflight)");
}

}  // namespace sallyport::cli
