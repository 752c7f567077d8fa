#include "gateway/issuers.hpp"

#include <filesystem>

#include "auth/jose/key_directory.hpp"
#include "auth/jose/stored_keys.hpp"
#include "gateway/cli/input.hpp"

namespace sallyport::gateway {
namespace {

using KeySetResult = jose::KeyResult<std::shared_ptr<const jose::KeySet>>;

std::shared_ptr<const jose::KeySet> one(jose::Key key) {
  std::vector<jose::Key> keys;
  keys.push_back(std::move(key));
  return std::make_shared<jose::KeySet>(std::move(keys));
}

KeySetResult own_keys(const config::Signing& signing, UnixSeconds now) {
  const auto algorithm = jose::parse_algorithm(signing.algorithm);
  if (!algorithm) return "unknown algorithm " + signing.algorithm;
  if (!signing.secret.empty()) {
    auto key = jose::key_from_secret(signing.secret, *algorithm, signing.key_id);
    if (!key) return key.error();
    return one(std::move(*key));
  }
  if (!has_key_directory(signing))
    return "there are no keys in " + signing.keys + " yet (sallyport keys new makes them)";
  auto keys = jose::KeyDirectory(signing.keys, *algorithm).open(now);
  if (!keys) return keys.error();
  return keys->verifying;
}

KeySetResult foreign_keys(const config::ForeignIssuer& issuer) {
  std::vector<jose::Algorithm> allowed;
  for (const auto& name : issuer.algorithms) {
    if (const auto algorithm = jose::parse_algorithm(name)) allowed.push_back(*algorithm);
  }
  const auto first = allowed.empty() ? std::nullopt : std::optional(allowed.front());
  if (!issuer.secret.empty()) {
    auto key = jose::key_from_secret(issuer.secret, first.value_or(jose::Algorithm::hs256), "");
    if (!key) return key.error();
    return one(std::move(*key));
  }
  if (!issuer.key_file.empty()) {
    const auto pem = cli::read_whole(issuer.key_file);
    if (!pem) return pem.error().message;
    auto key = jose::key_from_pem(*pem, first);
    if (!key) return issuer.key_file + ": " + key.error();
    return one(std::move(*key));
  }
  constexpr std::string_view kFile = "file:";
  const auto text = cli::read_whole(issuer.jwks.substr(kFile.size()));
  if (!text) return text.error().message;
  auto parsed = jose::parse_jwks(*text, allowed);
  if (!parsed) return issuer.jwks.substr(kFile.size()) + ": " + parsed.error();
  return parsed->keys;
}

jose::ClaimPlaces places_of(const config::ForeignClaims& theirs, const config::ClaimNames& ours) {
  jose::ClaimPlaces places;
  places.roles = theirs.roles.empty() ? ours.roles : theirs.roles;
  places.scopes = theirs.scopes;
  if (!theirs.audience.empty()) places.audience = theirs.audience;
  return places;
}

}  // namespace

bool has_key_url(const config::ForeignIssuer& issuer) {
  return !issuer.discovery.empty() || issuer.jwks.starts_with("http");
}

bool has_key_directory(const config::Signing& signing) {
  std::error_code ec;
  return !signing.keys.empty() &&
         std::filesystem::exists(std::filesystem::path(signing.keys) / "state.json", ec);
}

Issuers load_issuers(const config::Tokens& tokens, UnixSeconds now, const jose::OwnKeys* have) {
  auto issuers = std::make_shared<std::vector<jose::Issuer>>();
  Issuers result;
  const auto take = [&](jose::Issuer issuer, KeySetResult keys) {
    if (keys) {
      issuer.keys = std::move(*keys);
    } else {
      result.notes.push_back("issuer " + issuer.issuer + ": " + keys.error());
      issuer.keys = std::make_shared<jose::KeySet>(std::vector<jose::Key>());
    }
    issuers->push_back(std::move(issuer));
  };
  if (!tokens.issuer.empty()) {
    jose::Issuer own;
    own.issuer = tokens.issuer;
    own.audience = tokens.audience;
    own.types = {"at+jwt"};
    own.places.roles = tokens.claims.roles;
    own.clock_skew = tokens.clock_skew;
    own.own = true;
    const bool stored = tokens.signing.secret.empty() && jose::keys_in_store(tokens);
    take(std::move(own), have     ? KeySetResult(have->verifying)
                         : stored ? std::make_shared<const jose::KeySet>(std::vector<jose::Key>())
                                  : own_keys(tokens.signing, now));
  }
  for (const auto& foreign : tokens.issuers) {
    jose::Issuer issuer;
    issuer.issuer = foreign.issuer;
    issuer.audience = foreign.audience;
    issuer.types = foreign.types.empty() ? std::vector<std::string>{"at+jwt", "jwt", ""} : foreign.types;
    issuer.places = places_of(foreign.claims, tokens.claims);
    issuer.clock_skew = foreign.clock_skew;
    issuer.max_lifetime = foreign.max_lifetime;
    if (has_key_url(foreign)) {
      result.by_url.push_back(foreign.issuer);
      issuer.keys = std::make_shared<jose::KeySet>(std::vector<jose::Key>());
      issuers->push_back(std::move(issuer));
    } else {
      take(std::move(issuer), foreign_keys(foreign));
    }
  }
  result.issuers = std::move(issuers);
  return result;
}

jose::KeyResult<jose::OwnKeys> open_own_keys(const config::Tokens& tokens, UnixSeconds now) {
  const auto algorithm = jose::parse_algorithm(tokens.signing.algorithm);
  if (!algorithm) return "unknown algorithm " + tokens.signing.algorithm;
  const bool apart = !tokens.refresh.keys.empty() && tokens.refresh.keys != tokens.signing.keys;
  jose::OwnKeys own;
  if (tokens.signing.secret.empty()) {
    auto opened = jose::KeyDirectory(tokens.signing.keys, *algorithm).open(now);
    if (!opened) return opened.error();
    own = std::move(*opened);
  } else {
    auto key = jose::key_from_secret(tokens.signing.secret, *algorithm, tokens.signing.key_id);
    if (!key) return key.error();
    own.signing = std::make_shared<jose::Key>(*key);
    own.verifying = one(std::move(*key));
  }
  if (apart) {
    auto refresh = jose::KeyDirectory(tokens.refresh.keys, *algorithm).open_refresh_only(now);
    if (!refresh) return refresh.error();
    own.refresh = std::move(*refresh);
  }
  return own;
}

jose::KeyResult<std::shared_ptr<const jose::Key>> signing_key(const config::Tokens& tokens, UnixSeconds now) {
  const auto& signing = tokens.signing;
  if (signing.secret.empty()) {
    const auto algorithm = jose::parse_algorithm(signing.algorithm);
    if (!algorithm) return "unknown algorithm " + signing.algorithm;
    if (!has_key_directory(signing))
      return "there are no keys in " + signing.keys + " yet (sallyport keys new makes them)";
    auto keys = jose::KeyDirectory(signing.keys, *algorithm).open(now);
    if (!keys) return keys.error();
    return keys->signing;
  }
  auto keys = own_keys(signing, now);
  if (!keys) return keys.error();
  return std::shared_ptr<const jose::Key>(*keys, &(*keys)->keys().front());
}

}  // namespace sallyport::gateway
