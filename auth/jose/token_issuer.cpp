#include "auth/jose/token_issuer.hpp"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/serializer.hpp>
#include <boost/json/string.hpp>

#include <algorithm>
#include <array>
#include <stdexcept>

#include "auth/jose/base64url.hpp"
#include "auth/jose/signature.hpp"

namespace sallyport::jose {
namespace {

namespace json = boost::json;

constexpr std::string_view kAccessType = "at+jwt";  // RFC 9068

// What `extra` can't set, even where we leave it out: a user's claim must not pose as our epoch or session.
constexpr std::array<std::string_view, 10> kRegistered{"iss", "aud", "sub", "exp", "nbf",
                                                       "iat", "jti", "sid", "gen", "epoch"};

json::object claims_of(const AccessToken& token) {
  json::object claims;
  claims.reserve(kRegistered.size() + token.extra.size());
  claims["iss"] = token.issuer;
  if (token.audience.size() == 1) {
    claims["aud"] = token.audience.front();
  } else if (!token.audience.empty()) {
    json::array audience;
    for (const std::string& one : token.audience) audience.emplace_back(one);
    claims["aud"] = std::move(audience);
  }
  if (!token.subject.empty()) claims["sub"] = token.subject;
  claims["exp"] = token.expires.time_since_epoch().count();
  claims["nbf"] = token.issued_at.time_since_epoch().count();
  claims["iat"] = token.issued_at.time_since_epoch().count();
  if (!token.token_id.empty()) claims["jti"] = token.token_id;
  if (!token.session_id.empty()) claims["sid"] = token.session_id;
  claims["gen"] = token.generation;
  if (token.epoch != 0) claims["epoch"] = token.epoch;
  for (const auto& [name, value] : token.extra)
    if (std::find(kRegistered.begin(), kRegistered.end(), std::string_view(name)) == kRegistered.end())
      claims[name] = value;
  return claims;
}

}  // namespace

struct TokenIssuer::Impl {
  explicit Impl(std::shared_ptr<const Key> k)
      : key(k ? std::move(k) : throw std::invalid_argument("a token issuer needs a key")), signer(*key) {
    base64url_append(access_header, header(kAccessType));
    access_header += '.';
  }

  std::string header(std::string_view type) const {
    json::object members;
    if (!type.empty()) members["typ"] = type;
    members["alg"] = to_string(key->algorithm);
    if (!key->id.empty()) members["kid"] = key->id;
    return json::serialize(members);
  }

  // `token` is the encoded header and its dot.
  std::string finish(std::string token, const json::object& claims) {
    serializer.reset(&claims);
    payload.clear();
    std::array<char, 1024> piece;
    while (!serializer.done()) payload.append(serializer.read(piece.data(), piece.size()));
    base64url_append(token, payload);
    const std::string signature = signer.sign(token);
    token += '.';
    base64url_append(token, signature);
    return token;
  }

  std::shared_ptr<const Key> key;
  Signer signer;
  json::serializer serializer;
  std::string access_header;
  std::string payload;
};

TokenIssuer::TokenIssuer(std::shared_ptr<const Key> key) : impl_(std::make_unique<Impl>(std::move(key))) {}
TokenIssuer::~TokenIssuer() = default;
TokenIssuer::TokenIssuer(TokenIssuer&&) noexcept = default;
TokenIssuer& TokenIssuer::operator=(TokenIssuer&&) noexcept = default;

std::string TokenIssuer::issue(const AccessToken& token) {
  return impl_->finish(impl_->access_header, claims_of(token));
}

std::string TokenIssuer::sign(const json::object& claims, std::string_view type) {
  return impl_->finish(base64url_encode(impl_->header(type)) + '.', claims);
}

}  // namespace sallyport::jose
