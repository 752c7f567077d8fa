#include "gateway/revocations.hpp"

#include <boost/json/object.hpp>

#include <algorithm>

#include "auth/jose/base64url.hpp"
#include "auth/jose/strict_json.hpp"
#include "auth/jose/token_verifier.hpp"

namespace sallyport::gateway {
namespace {

using revocation::Event;
using revocation::Kind;

// A month covers the default absolute_ttl, and any session that has none.
constexpr std::chrono::seconds kLongest{30 * 86400};
constexpr std::int64_t kEndOfTime = 253402300799;  // the year 9999

// The claims that name a token.
struct Named {
  std::string issuer, id;
  UnixSeconds expires{};
};

using NamedOrFlaw = boost::system::result<Named, std::string>;

NamedOrFlaw flaw(const char* what) { return {boost::system::in_place_error, what}; }

NamedOrFlaw named_by(const std::string& token) {
  const auto first = token.find('.');
  const auto second = first == token.npos ? first : token.find('.', first + 1);
  if (token.size() > jose::kMaxToken || second == token.npos) return flaw("this is no token");
  const auto bytes = jose::base64url_decode(std::string_view(token).substr(first + 1, second - first - 1));
  if (!bytes) return flaw("this is no token: its claims are no base64url");
  const auto value = jose::parse_strict_json(*bytes);
  const auto* claims = value ? value->if_object() : nullptr;
  if (claims == nullptr) return flaw("this is no token: its claims are no JSON object");
  const auto text = [&](const char* name) {
    const auto* member = claims->if_contains(name);
    return member != nullptr && member->is_string() ? std::string(member->get_string()) : std::string();
  };
  Named named{text("iss"), text("jti"), {}};
  if (named.issuer.empty() || named.id.empty())
    return flaw(
        "the token has no iss or no jti, so it can't be told from others; revoke its session or user");
  const auto* exp = claims->if_contains("exp");
  boost::system::error_code ec;
  const auto seconds = exp != nullptr && exp->is_number() ? exp->to_number<std::int64_t>(ec) : 0;
  if (ec || seconds <= 0 || seconds > kEndOfTime) return flaw("the token has no exp that makes sense");
  named.expires = UnixSeconds(std::chrono::seconds(seconds));
  return named;
}

}  // namespace

std::chrono::seconds longest_life(const config::Tokens& tokens) {
  const auto absolute = tokens.refresh.absolute_ttl;
  return std::max({tokens.access_ttl, absolute.count() == 0 ? 12 * kLongest : absolute, kLongest}) +
         tokens.clock_skew;
}

Event ending_of(Kind kind, std::string issuer, std::string id, UnixSeconds until) {
  Event event;
  event.kind = kind;
  event.issuer = std::move(issuer);
  event.id = std::move(id);
  event.until = until;
  event.reason = "administrator";
  return event;
}

TokenEnding token_ending(const std::string& token, const config::Tokens& tokens, UnixSeconds now) {
  const auto named = named_by(token);
  if (!named) return {boost::system::in_place_error, named.error()};
  std::optional<std::chrono::seconds> skew;
  if (named->issuer == tokens.issuer) skew = tokens.clock_skew;
  for (const config::ForeignIssuer& issuer : tokens.issuers)
    if (issuer.issuer == named->issuer) skew = issuer.clock_skew;
  if (!skew)
    return {boost::system::in_place_error,
            "the token's issuer is none of the configuration, so no route takes it"};
  if (named->expires + *skew < now) return std::optional<Event>();
  return std::optional(ending_of(Kind::token, named->issuer, named->id, named->expires + *skew));
}

Event everything_ending(const config::Tokens& tokens, const std::string& issuer,
                        std::optional<UnixSeconds> before, UnixMillis now) {
  Event event = ending_of(Kind::everything, issuer, "", to_seconds(now) + longest_life(tokens));
  event.before = before.value_or(to_seconds(now) + std::chrono::seconds(1));
  if (issuer == tokens.issuer && !before)
    event.epoch = static_cast<std::uint64_t>(now.time_since_epoch().count());
  return event;
}

}  // namespace sallyport::gateway
