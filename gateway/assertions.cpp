#include "gateway/assertions.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <algorithm>
#include <utility>

namespace sallyport::gateway {
namespace {

namespace json = boost::json;

// Not at+jwt: no gateway takes it for an access token (RFC 8725 3.11).
constexpr std::string_view kType = "assertion+jwt";

json::array array_of(const std::vector<std::string>& words) {
  json::array array;
  for (const std::string& word : words) array.emplace_back(word);
  return array;
}

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : " ") + word;
  return out;
}

}  // namespace

Assertions::Kept* Assertions::find(const jose::Claims* claims, const std::string& audience) {
  const auto is_for = [&](const auto& entry) { return entry.second.audience == audience; };
  const auto [first, last] = newer_.equal_range(claims);
  if (const auto found = std::find_if(first, last, is_for); found != last) return &found->second;
  const auto [old_first, old_last] = older_.equal_range(claims);
  const auto old = std::find_if(old_first, old_last, is_for);
  if (old == old_last) return nullptr;
  const auto moved = newer_.insert(older_.extract(old));
  return &moved->second;
}

std::string_view Assertions::line(const std::shared_ptr<const jose::Claims>& claims,
                                  const config::Assertion& wanted, jose::TokenIssuer& signer, UnixSeconds end,
                                  UnixSeconds now) {
  Kept* kept = find(claims.get(), wanted.audience);
  if (kept != nullptr && now < kept->renew) return kept->line;
  if (kept == nullptr) {
    if (newer_.size() >= kKeep) {
      older_ = std::move(newer_);
      newer_.clear();
    }
    kept = &newer_.emplace(claims.get(), Kept{claims, wanted.audience, {}, {}})->second;
  }
  const UnixSeconds expires = std::min(now + wanted.ttl, end);
  kept->renew = expires == end ? end : now + wanted.ttl / 2;
  kept->line = "X-Auth-Assertion: " + sign(*claims, wanted, signer, expires, now) + "\r\n";
  return kept->line;
}

std::string Assertions::sign(const jose::Claims& claims, const config::Assertion& wanted,
                             jose::TokenIssuer& signer, UnixSeconds expires, UnixSeconds now) const {
  json::object said;
  said["iss"] = issuer_;
  said["aud"] = wanted.audience;
  if (!claims.subject.empty()) {
    said["sub"] = claims.subject;
    // Two issuers may call two people the same: whose name it is stands beside it (RFC 9493 3.2.3).
    said["sub_id"] = {{"format", "iss_sub"}, {"iss", claims.issuer}, {"sub", claims.subject}};
  }
  said["iat"] = now.time_since_epoch().count();
  said["exp"] = expires.time_since_epoch().count();
  if (!claims.session_id.empty()) said["sid"] = claims.session_id;
  if (!claims.roles.empty()) said[roles_claim_] = array_of(claims.roles);
  if (!claims.scopes.empty()) said["scope"] = joined(claims.scopes);
  return signer.sign(said, kType);
}

}  // namespace sallyport::gateway
