#include "auth/jose/token_verifier.hpp"

#include <boost/json/monotonic_resource.hpp>
#include <boost/json/string.hpp>

#include <algorithm>
#include <array>
#include <exception>
#include <memory>
#include <optional>
#include <unordered_map>
#include <utility>

#include "auth/jose/base64url.hpp"
#include "auth/jose/claim_reader.hpp"
#include "auth/jose/compact_jws.hpp"
#include "auth/jose/signature.hpp"
#include "auth/jose/strict_json.hpp"

namespace sallyport::jose {
namespace {

namespace json = boost::json;
using std::string_view;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

bool equal_ignoring_case(string_view text, string_view lower_case) {
  return std::equal(text.begin(), text.end(), lower_case.begin(), lower_case.end(),
                    [](char a, char b) { return lower(a) == b; });
}

// RFC 7515 4.1.9: "application/" may be left out; media types know no case.
bool type_fits(const JwsHeader& header, const Issuer& issuer) {
  constexpr string_view kPrefix = "application/";
  constexpr std::array<string_view, 3> kForeign{"at+jwt", "jwt", ""};
  string_view type = header.type;
  if (header.has_type && type.empty()) return false;
  if (type.size() > kPrefix.size() && equal_ignoring_case(type.substr(0, kPrefix.size()), kPrefix))
    type.remove_prefix(kPrefix.size());
  const auto is_type = [&](string_view allowed) { return equal_ignoring_case(type, allowed); };
  if (issuer.own) return is_type("at+jwt");  // whatever else we may sign one day is no access token
  if (issuer.types.empty()) return std::any_of(kForeign.begin(), kForeign.end(), is_type);
  return std::any_of(issuer.types.begin(), issuer.types.end(), is_type);
}

// Whether this token lives longer than its issuer may grant. Without iat what is left of it counts.
bool lives_too_long(const Claims& claims, const Issuer& issuer, UnixSeconds now) {
  if (issuer.max_lifetime.count() == 0) return false;
  const UnixSeconds from = claims.all.contains("iat") ? claims.issued_at : now + issuer.clock_skew;
  return claims.expires - from > issuer.max_lifetime;
}

// Once the signature is good. `expired` comes last: it promises that a newer token would be welcome.
std::optional<TokenError> judge(const ReadClaims& read, const Issuer& issuer, UnixSeconds now,
                                bool ignore_expiry) {
  const Claims& claims = *read.claims;
  if (!issuer.audience.empty() && !names_audience(claims.all, issuer.places.audience, issuer.audience))
    return TokenError::wrong_audience;
  if (!read.has_expiry) return TokenError::no_expiry;
  if (claims.issued_at > now + issuer.clock_skew ||
      (claims.not_before && *claims.not_before > now + issuer.clock_skew))
    return TokenError::not_yet_valid;
  if (lives_too_long(claims, issuer, now)) return TokenError::lifetime_too_long;
  if (!ignore_expiry && now >= claims.expires + issuer.clock_skew) return TokenError::expired;
  return std::nullopt;
}

}  // namespace

struct TokenVerifier::Impl {
  using Result = boost::system::result<Verified, TokenError>;

  explicit Impl(std::shared_ptr<const std::vector<Issuer>> list) : issuers(std::move(list)) {
    if (!issuers) return;
    for (const Issuer& issuer : *issuers) by_name.emplace(issuer.issuer, &issuer);
  }

  // Cheap refusals first, one signature check at most, and nothing believed before it: the unverified `iss`
  // only picks whose rules and keys are applied.
  Result verify(string_view token, UnixSeconds now, bool ignore_expiry) {
    if (token.size() > kMaxToken) return TokenError::too_long;
    const auto parts = split_compact(token);
    if (!parts) return TokenError::not_compact;
    const auto header = header_of(parts->header);
    if (!header) return header.error();
    if (!base64url_decode_into(parts->signature, signature) || !base64url_decode_into(parts->payload, text))
      return TokenError::bad_base64;

    const auto memory = std::make_shared<json::monotonic_resource>(3 * text.size() + 256);
    auto payload = parser.parse(text, memory.get());
    if (!payload || !payload->is_object()) return TokenError::bad_claims;
    json::object& all = payload->get_object();
    const json::value* name = all.if_contains("iss");
    if (name == nullptr) return TokenError::unknown_issuer;
    if (!name->is_string()) return TokenError::bad_claims;
    const auto issuer = by_name.find(string_view(name->get_string()));
    if (issuer == by_name.end()) return TokenError::unknown_issuer;

    if (!type_fits(**header, *issuer->second)) return TokenError::wrong_type;
    if (!issuer->second->keys) return TokenError::unknown_key;
    const auto key = choose_key(**header, *issuer->second->keys);
    if (!key) return key.error();
    if (!signed_by(**key, parts->signed_bytes)) return TokenError::bad_signature;
    if (*header == &fresh.header) remember_fresh();

    auto read = read_claims(std::move(all), issuer->second->places, issuer->second->own);
    if (!read) return TokenError::bad_claims;
    if (const auto error = judge(*read, *issuer->second, now, ignore_expiry)) return *error;
    read->claims->memory = memory;
    read->claims->algorithm = (*key)->algorithm;
    read->claims->key_id = (*key)->id;
    return Verified(std::move(read->claims));
  }

  // Nearly all tokens of an issuer have the same header, letter for letter: it is read once. The views live
  // until the next call.
  boost::system::result<const JwsHeader*, TokenError> header_of(string_view encoded) {
    for (const ReadHeader& known : headers)
      if (known.encoded == encoded) return &known.header;
    if (!base64url_decode_into(encoded, text)) return TokenError::bad_base64;
    auto read = parser.parse(text);
    if (!read) return TokenError::bad_header;
    fresh.json = std::move(*read);
    const auto header = read_jws_header(fresh.json);
    if (!header) return header.error();
    fresh.header = *header;
    fresh.encoded = encoded;
    return &fresh.header;
  }

  // Only what a good signature covered: strangers can't make the known ones be forgotten.
  void remember_fresh() {
    constexpr std::size_t kLongest = 512;
    if (fresh.encoded.size() <= kLongest) headers[next_header++ % headers.size()] = std::move(fresh);
  }

  struct ReadHeader {
    std::string encoded;
    json::value json;
    JwsHeader header;  // views into `json`
  };

  // Contexts are made for keys that are used; their number is bounded by that of the keys.
  bool signed_by(const Key& key, string_view signed_bytes) {
    auto found = checkers.find(&key);
    if (found == checkers.end()) {
      try {
        found = checkers.emplace(&key, SignatureVerifier(key)).first;
      } catch (const std::exception&) {
        return false;  // a key that OpenSSL can't use verifies nothing
      }
    }
    return found->second.verify(signed_bytes, signature);
  }

  std::shared_ptr<const std::vector<Issuer>> issuers;
  std::unordered_map<string_view, const Issuer*> by_name;
  std::unordered_map<const Key*, SignatureVerifier> checkers;
  std::array<ReadHeader, 8> headers;
  std::size_t next_header = 0;
  ReadHeader fresh;
  StrictJsonParser parser;
  std::string text, signature;
};

TokenVerifier::TokenVerifier(std::shared_ptr<const std::vector<Issuer>> issuers)
    : impl_(std::make_unique<Impl>(std::move(issuers))) {}
TokenVerifier::~TokenVerifier() = default;
TokenVerifier::TokenVerifier(TokenVerifier&&) noexcept = default;
TokenVerifier& TokenVerifier::operator=(TokenVerifier&&) noexcept = default;

boost::system::result<TokenVerifier::Verified, TokenError> TokenVerifier::verify(string_view token,
                                                                                 UnixSeconds now) {
  return impl_->verify(token, now, false);
}

boost::system::result<TokenVerifier::Verified, TokenError> TokenVerifier::verify_ignoring_expiry(
    string_view token, UnixSeconds now) {
  return impl_->verify(token, now, true);
}

string_view to_string(TokenError error) {
  switch (error) {
    case TokenError::too_long:
      return "too_long";
    case TokenError::not_compact:
      return "not_compact";
    case TokenError::bad_base64:
      return "bad_base64";
    case TokenError::bad_header:
      return "bad_header";
    case TokenError::bad_claims:
      return "bad_claims";
    case TokenError::critical_header:
      return "critical_header";
    case TokenError::wrong_type:
      return "wrong_type";
    case TokenError::unknown_issuer:
      return "unknown_issuer";
    case TokenError::unknown_key:
      return "unknown_key";
    case TokenError::wrong_algorithm:
      return "wrong_algorithm";
    case TokenError::bad_signature:
      return "bad_signature";
    case TokenError::wrong_audience:
      return "wrong_audience";
    case TokenError::no_expiry:
      return "no_expiry";
    case TokenError::not_yet_valid:
      return "not_yet_valid";
    case TokenError::lifetime_too_long:
      return "lifetime_too_long";
    case TokenError::expired:
      return "expired";
  }
  return "bad_header";
}

}  // namespace sallyport::jose
