// Our own access tokens (CONTRACT section 4), readable: what is in them, and what can't get into them.
#include <gtest/gtest.h>

#include "auth/jose/token_issuer.hpp"
#include "auth/jose/token_verifier.hpp"
#include "support.hpp"

namespace sallyport::jose {
namespace {

using test::key_for;

constexpr UnixSeconds kNow{std::chrono::seconds(1'700'000'000)};

AccessToken access_token() {
  AccessToken token;
  token.issuer = "https://own.example";
  token.audience = {"api"};
  token.subject = "u1";
  token.token_id = "j1";
  token.session_id = "s1";
  token.generation = 2;
  token.issued_at = kNow;
  token.expires = kNow + std::chrono::seconds(600);
  return token;
}

std::shared_ptr<const Key> shared(Algorithm algorithm) {
  return std::make_shared<const Key>(key_for(algorithm));
}

std::string part(const std::string& token, int index) {
  std::size_t begin = 0;
  for (; index > 0; --index) begin = token.find('.', begin) + 1;
  return *base64url_decode(std::string_view(token).substr(begin, token.find('.', begin) - begin));
}

TEST(TokenIssuer, WritesHeaderAndClaimsInTheOpen) {
  TokenIssuer issuer(shared(Algorithm::es256));
  const std::string token = issuer.issue(access_token());
  EXPECT_EQ(part(token, 0),
            R"({"typ":"at+jwt","alg":"ES256","kid":")" + key_for(Algorithm::es256).id + "\"}");
  EXPECT_EQ(part(token, 1),
            R"({"iss":"https://own.example","aud":"api","sub":"u1","exp":1700000600,"nbf":1700000000,)"
            R"("iat":1700000000,"jti":"j1","sid":"s1","gen":2})");
}

TEST(TokenIssuer, IsBelievedByTheVerifierWithEveryAlgorithm) {
  for (const Algorithm algorithm : test::kAll) {
    Issuer own;
    own.issuer = "https://own.example";
    own.audience = {"api"};
    own.own = true;
    own.keys = test::set_of({key_for(algorithm)});
    TokenVerifier verifier(std::make_shared<const std::vector<Issuer>>(std::vector{own}));
    TokenIssuer issuer(shared(algorithm));
    AccessToken token = access_token();
    token.epoch = 7;
    token.extra["roles"] = {"clerk"};
    for (int i = 0; i < 3; ++i) {
      const auto verified = verifier.verify(issuer.issue(token), kNow);
      ASSERT_TRUE(verified) << to_string(algorithm) << ' ' << to_string(verified.error());
      EXPECT_EQ((*verified)->epoch, 7u);
      EXPECT_EQ((*verified)->generation, 2u);
      EXPECT_EQ((*verified)->roles, std::vector<std::string>{"clerk"});
      EXPECT_EQ((*verified)->key_id, key_for(algorithm).id);
    }
  }
}

TEST(TokenIssuer, ExtraClaimsCannotReplaceTheRegisteredOnes) {
  TokenIssuer issuer(shared(Algorithm::hs256));
  AccessToken token = access_token();
  for (const char* name : {"iss", "aud", "sub", "exp", "nbf", "iat", "jti", "sid", "gen", "epoch"})
    token.extra[name] = "x";
  token.extra["tenant"] = "t";
  auto plain = boost::json::parse(part(issuer.issue(access_token()), 1)).as_object();
  plain["tenant"] = "t";
  EXPECT_EQ(boost::json::parse(part(issuer.issue(token), 1)), boost::json::value(plain))
      << "an epoch that isn't there too";
}

TEST(TokenIssuer, LeavesOutWhatIsEmptyAndListsSeveralAudiences) {
  TokenIssuer issuer(shared(Algorithm::hs256));
  AccessToken token = access_token();
  token.audience = {"a", "b"};
  token.session_id.clear();
  token.token_id.clear();
  const auto claims = boost::json::parse(part(issuer.issue(token), 1)).as_object();
  EXPECT_EQ(claims.at("aud"), boost::json::parse(R"(["a","b"])"));
  EXPECT_FALSE(claims.contains("sid"));
  EXPECT_FALSE(claims.contains("jti"));
}

TEST(TokenIssuer, SignsAnyClaimsUnderAnyType) {
  TokenIssuer issuer(shared(Algorithm::eddsa));
  const std::string token = issuer.sign({{"a", 1}}, "");
  EXPECT_EQ(part(token, 0), R"({"alg":"EdDSA","kid":")" + key_for(Algorithm::eddsa).id + "\"}");
  EXPECT_EQ(part(token, 1), R"({"a":1})");
  EXPECT_NE(part(issuer.sign({}, "logout+jwt"), 0).find(R"("typ":"logout+jwt")"), std::string::npos);
}

TEST(TokenIssuer, WritesClaimsOfAnyLength) {
  TokenIssuer issuer(shared(Algorithm::hs256));
  const std::string long_text(5000, 'x');
  EXPECT_EQ(part(issuer.sign({{"a", long_text}}, ""), 1), R"({"a":")" + long_text + "\"}");
}

TEST(TokenIssuer, NeedsAKeyThatSigns) {
  EXPECT_THROW(TokenIssuer(nullptr), std::invalid_argument);
  const auto key = key_from_jwk(public_jwk(key_for(Algorithm::es256)), {});
  EXPECT_THROW(TokenIssuer(std::make_shared<const Key>(*key)), std::invalid_argument);
}

}  // namespace
}  // namespace sallyport::jose
