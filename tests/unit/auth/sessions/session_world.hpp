// One gateway's session service over stores in memory, for the tests of its two halves.
#pragma once

#include <gtest/gtest.h>

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>

#include <string>
#include <vector>

#include "auth/jose/base64url.hpp"
#include "auth/sessions/session_service.hpp"
#include "tests/support/fake_stores.hpp"

namespace sallyport::sessions {

using test::Faults;
using test::must;
using test::run;

inline constexpr const char* kIssuer = "https://auth.example.com";

inline std::vector<jose::MacKey> mac_keys() { return {{"keyAAAAA", config::Secret(std::string(32, 'a'))}}; }

inline std::shared_ptr<const jose::Key> signing_key() {
  auto key = jose::key_from_secret(config::Secret(std::string(32, 's')), jose::Algorithm::hs256, "k1");
  return std::make_shared<const jose::Key>(std::move(*key));
}

inline boost::json::object payload(const std::string& token) {
  const auto first = token.find('.'), second = token.find('.', first + 1);
  return boost::json::parse(*jose::base64url_decode(token.substr(first + 1, second - first - 1))).as_object();
}

// One gateway process with its stores.
struct World {
  Faults faults;
  test::FakeSessionStore store{faults};
  test::FakeUserStore users{faults};
  test::FakeRevoker revoker{faults};
  jose::TokenIssuer issuer{signing_key()};
  RefreshCodec codec{mac_keys()};
  config::Tokens tokens;
  UnixSeconds wall{std::chrono::seconds(1'800'000'000)};
  GlobalEpoch epoch;
  unsigned char next_random = 1;
  std::string address, agent;  // of who refreshes
  std::string known_over;      // a session that the index knows to be revoked
  std::vector<Audit> audits;
  std::optional<SessionService> service_;

  World() {
    tokens.issuer = kIssuer;
    tokens.audience = {"api"};
    users::User user;
    user.id = "user-1";
    user.name = "ada";
    user.roles = {"clerk"};
    user.claims = {{"tenant", "acme"}, {"roles", "admin"}};
    user.password_hash = "$argon2id$...";
    users.users["user-1"] = user;
  }

  SessionService& service() {
    if (!service_)
      service_.emplace(
          SessionService::Parts{
              .sessions = store,
              .revoker = revoker,
              .users = users,
              .issuer = issuer,
              .refresh_tokens = codec,
              .clock = [this] { return wall; },
              .random =
                  [this](std::span<unsigned char> out) { std::fill(out.begin(), out.end(), next_random++); },
              .epoch = [this] { return epoch; },
              .audit = [this](const Audit& audit) { audits.push_back(audit); },
              .revoked = [this](const std::string& session) { return session == known_over; }},
          tokens);
    return *service_;
  }

  void pass(std::chrono::seconds time) { wall += time, store.now += time; }

  boost::system::result<TokenPair, OpenError> open() {
    return run(service().open(users.users.at("user-1"), {"laptop", "192.0.2.1", "browser"}));
  }
  TokenPair opened() { return must(open()); }
  boost::system::result<TokenPair, RefreshError> refresh(
      const std::string& token, std::shared_ptr<const jose::Claims> access = nullptr) {
    return run(service().refresh(token, std::move(access), {"", address, agent}));
  }
  Session& record(const TokenPair& pair) { return store.records.at(*SessionId::parse(pair.session_id)); }

  std::shared_ptr<const jose::Claims> claims(const TokenPair& pair) const {
    auto out = std::make_shared<jose::Claims>();
    out->issuer = kIssuer;
    out->own = true;
    out->subject = "user-1";
    out->session_id = pair.session_id;
    out->generation = pair.generation;
    out->issued_at = pair.expires_at - pair.expires_in;
    out->expires = pair.expires_at;
    return out;
  }
  bool revoked(const TokenPair& pair) const {
    const auto c = claims(pair);
    return revoker.index->revokes(*c, revocation::digests_of(*c), wall);
  }
};

inline testing::AssertionResult fails_as(const boost::system::result<TokenPair, RefreshError>& result,
                                         RefreshFailure failure) {
  if (result) return testing::AssertionFailure() << "it worked";
  if (result.error().failure == failure) return testing::AssertionSuccess();
  return testing::AssertionFailure() << to_string(result.error().failure);
}

}  // namespace sallyport::sessions
