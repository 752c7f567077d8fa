// token inspect, token mint.
#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <iostream>

#include "auth/jose/base64url.hpp"
#include "auth/jose/strict_json.hpp"
#include "auth/jose/token_issuer.hpp"
#include "auth/users/user_service.hpp"
#include "gateway/cli/command.hpp"
#include "gateway/cli/input.hpp"
#include "gateway/cli/own_keys.hpp"
#include "gateway/issuers.hpp"

namespace sallyport::cli {
namespace {

namespace json = boost::json;

// One part of the token as JSON text, or why not. Serialised again: what a stranger wrote reaches no terminal
// as it is.
std::string shown(std::string_view part) {
  const auto bytes = jose::base64url_decode(part);
  if (!bytes) return "(no base64url)";
  const auto value = jose::parse_strict_json(*bytes);
  return value ? json::serialize(*value) : "(" + value.error() + ")";
}

int inspect(const config::Config& config, const std::string& argument) {
  const auto token = argument_or_stdin(argument);
  if (!token) {
    complain(token.error().message);
    return kWrongInput;
  }
  const UnixSeconds now = now_seconds();
  std::string problem;
  const auto own = stored_keys(config, problem);
  if (!problem.empty()) complain(problem);
  const gateway::Issuers issuers = gateway::load_issuers(config.tokens, now, own ? &*own : nullptr);
  for (const auto& note : issuers.notes) complain(note);
  for (const auto& name : issuers.by_url)
    complain("issuer " + name + ": its keys come from a URL, which this command doesn't fetch");

  const std::string_view text = *token;
  const auto first = text.find('.');
  const auto second = first == text.npos ? first : text.find('.', first + 1);
  if (second != text.npos && text.size() <= jose::kMaxToken) {
    say("header:  " + shown(text.substr(0, first)));
    say("claims:  " + shown(text.substr(first + 1, second - first - 1)));
  }
  jose::TokenVerifier verifier(issuers.issuers);
  const auto verified = verifier.verify(text, now);
  if (!verified) {
    say("verdict: refused, " + std::string(jose::to_string(verified.error())) + ": " +
        explained(verified.error()));
    return kWrongInput;
  }
  say("key:     " + (*verified)->key_id + ", " + std::string(jose::to_string((*verified)->algorithm)) +
      ((*verified)->own ? ", ours" : ", of " + json::serialize(json::string((*verified)->issuer))));
  say("verdict: good for another " + std::to_string(((*verified)->expires - now).count()) +
      " s (signature, issuer, audience and times; whether it was revoked only a gateway knows)");
  return kFine;
}

struct Mint {
  std::string subject;
  std::vector<std::string> roles, claims, audience;
  std::string session;
  long ttl = 0;
};

int mint(const config::Config& config, const Mint& wanted) {
  if (config.tokens.issuer.empty()) {
    complain("tokens.issuer isn't configured: this gateway issues no tokens");
    return kWrongInput;
  }
  const UnixSeconds now = now_seconds();
  std::string problem;
  const auto own = stored_keys(config, problem);
  const auto key = own               ? jose::KeyResult<std::shared_ptr<const jose::Key>>(own->signing)
                   : problem.empty() ? gateway::signing_key(config.tokens, now)
                                     : jose::failed(problem);
  if (!key) {
    complain(key.error());
    return kNotThere;
  }
  jose::AccessToken token;
  token.issuer = config.tokens.issuer;
  token.audience = wanted.audience.empty() ? config.tokens.audience : wanted.audience;
  token.subject = wanted.subject;
  token.token_id = users::new_user_id();
  token.session_id = wanted.session;
  token.issued_at = now;
  token.expires = now + (wanted.ttl != 0 ? std::chrono::seconds(wanted.ttl) : config.tokens.access_ttl);
  if (!wanted.roles.empty())
    token.extra[config.tokens.claims.roles] = json::array(wanted.roles.begin(), wanted.roles.end());
  for (const auto& text : wanted.claims) {
    const auto pair = split_pair(text);
    if (!pair) {
      complain("--claim wants name=value, not " + text);
      return kWrongInput;
    }
    auto value = jose::parse_strict_json(pair->second);
    token.extra[pair->first] = value ? std::move(*value) : json::value(pair->second);
  }
  complain(
      "warning: this token is real; whoever holds it is let in until it expires. `sallyport revoke --token "
      "-` ends it.");
  say(jose::TokenIssuer(*key).issue(token));
  return kFine;
}

}  // namespace

std::string explained(jose::TokenError error) {
  switch (error) {
    case jose::TokenError::too_long:
      return "longer than " + std::to_string(jose::kMaxToken) + " bytes";
    case jose::TokenError::not_compact:
      return "not three parts with dots between them";
    case jose::TokenError::bad_base64:
      return "a part is not base64url";
    case jose::TokenError::bad_header:
      return "the header is not a JOSE header";
    case jose::TokenError::bad_claims:
      return "the claims are not a JSON object of the right types";
    case jose::TokenError::critical_header:
      return "the header asks for an extension that we don't know (crit, b64, zip)";
    case jose::TokenError::wrong_type:
      return "typ is not one that access tokens of this issuer have";
    case jose::TokenError::unknown_issuer:
      return "iss is no issuer of the configuration";
    case jose::TokenError::unknown_key:
      return "no key of this issuer has that kid, or several could be meant";
    case jose::TokenError::wrong_algorithm:
      return "alg is not the algorithm of the key";
    case jose::TokenError::bad_signature:
      return "the signature is not that of the key";
    case jose::TokenError::wrong_audience:
      return "aud names nobody of the configuration";
    case jose::TokenError::no_expiry:
      return "there is no exp";
    case jose::TokenError::not_yet_valid:
      return "nbf or iat is in the future";
    case jose::TokenError::lifetime_too_long:
      return "from iat to exp it lives longer than max_lifetime of its issuer";
    case jose::TokenError::expired:
      return "exp is over; all else is good";
  }
  return "unknown";
}

void add_token(CLI::App& app, Invocation& invocation) {
  CLI::App* token = app.add_subcommand("token", "Look into access tokens, or make one for a test");
  token->require_subcommand(1);
  token->footer("Example:\n  sallyport token inspect - < token.txt");

  const auto text = std::make_shared<std::string>();
  add_command(*token, invocation, "inspect",
              "Decode a token and verify it with the configured keys; 0 good, 1 refused",
              "sallyport token inspect - --config gateway.yaml < token.txt",
              [&invocation, text] {
                int code = kFine;
                const auto config = load(invocation, code);
                return config ? inspect(*config, *text) : code;
              })
      ->add_option("token", *text, "the token, or - to read it from stdin")
      ->required();

  const auto wanted = std::make_shared<Mint>();
  CLI::App* minting = add_command(
      *token, invocation, "mint", "Sign an access token with the gateway's own key, for tests",
      "sallyport token mint --subject ada --role admin --claim tenant=t1 --ttl 300", [&invocation, wanted] {
        int code = kFine;
        const auto config = load(invocation, code);
        return config ? mint(*config, *wanted) : code;
      });
  const auto several = [&](const char* option, std::vector<std::string>& into, const char* what) {
    minting->add_option(option, into, what)
        ->allow_extra_args(false)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  };
  minting->add_option("--subject", wanted->subject, "sub")->required();
  several("--role", wanted->roles, "a role; repeat for several");
  several("--claim", wanted->claims, "name=value; a value that is JSON is taken as such");
  several("--audience", wanted->audience, "aud in place of the configured ones");
  minting->add_option("--session", wanted->session, "sid");
  minting
      ->add_option("--ttl", wanted->ttl, "life in seconds (default: access_ttl; negative: expired already)")
      ->check(CLI::Range(-315360000L, 315360000L));
}

}  // namespace sallyport::cli
