// X-Auth-Assertion: what it says, how long it lives, when it is signed anew.
#include "gateway/assertions.hpp"

#include <gtest/gtest.h>
#include <boost/json/parse.hpp>

#include "auth/jose/base64url.hpp"
#include "auth/jose/token_verifier.hpp"

namespace sallyport::gateway {
namespace {

namespace json = boost::json;
using std::chrono::seconds;

constexpr UnixSeconds kNow{seconds(1'700'000'000)};
constexpr std::string_view kName = "X-Auth-Assertion: ";

std::shared_ptr<const jose::Key> new_key() {
  return std::make_shared<const jose::Key>(*jose::generate_key(jose::Algorithm::es256));
}

std::shared_ptr<const jose::Claims> claims(const std::string& subject = "ada") {
  auto who = std::make_shared<jose::Claims>();
  who->issuer = "https://idp.example/";
  who->subject = subject;
  who->session_id = "s1";
  who->roles = {"clerk", "admin"};
  who->scopes = {"r", "w"};
  return who;
}

std::string token_of(std::string_view line) {
  EXPECT_TRUE(line.starts_with(kName) && line.ends_with("\r\n")) << line;
  return std::string(line.substr(kName.size(), line.size() - kName.size() - 2));
}

json::object payload_of(std::string_view line) {
  const std::string token = token_of(line);
  const auto first = token.find('.'), second = token.rfind('.');
  return json::parse(*jose::base64url_decode(token.substr(first + 1, second - first - 1))).as_object();
}

struct AssertionsTest : ::testing::Test {
  std::string line(const std::shared_ptr<const jose::Claims>& who, UnixSeconds now = kNow,
                   const std::string& audience = "orders", UnixSeconds end = kNow + seconds(600)) {
    return std::string(assertions.line(who, {audience, seconds(60)}, signer, end, now));
  }
  std::shared_ptr<const jose::Key> key = new_key();
  jose::TokenIssuer signer{key};
  Assertions assertions{"https://auth.example", "rol"};
};

TEST_F(AssertionsTest, SayWhoAsksForOneUpstreamAndAMinute) {
  EXPECT_EQ(payload_of(line(claims())),
            json::parse(R"({"iss":"https://auth.example","aud":"orders","sub":"ada",
      "sub_id":{"format":"iss_sub","iss":"https://idp.example/","sub":"ada"},"iat":1700000000,"exp":1700000060,
      "sid":"s1","rol":["clerk","admin"],"scope":"r w"})"));
}

// J8: signed by the same key, and no access token.
TEST_F(AssertionsTest, VerifyWithOurKeyAndAreNoAccessTokens) {
  jose::Issuer upstream;
  upstream.issuer = "https://auth.example";
  upstream.audience = {"orders"};
  upstream.types = {"assertion+jwt"};
  upstream.keys = std::make_shared<jose::KeySet>(std::vector{*key});
  jose::Issuer gateway = upstream;
  gateway.own = true;
  gateway.types = {"at+jwt"};
  const std::string token = token_of(line(claims()));
  const auto verdict = [&](const jose::Issuer& issuer) {
    return jose::TokenVerifier(std::make_shared<const std::vector<jose::Issuer>>(std::vector{issuer}))
        .verify(token, kNow);
  };
  EXPECT_TRUE(verdict(upstream));
  EXPECT_EQ(verdict(gateway).error(), jose::TokenError::wrong_type);
}

TEST_F(AssertionsTest, AreSignedAgainAtHalfOfTheirLifeAndNotBefore) {
  const auto who = claims();
  const std::string first = line(who);
  EXPECT_EQ(line(who, kNow + seconds(29)), first);
  const std::string second = line(who, kNow + seconds(30));
  EXPECT_EQ(payload_of(second).at("exp").as_int64(), 1'700'000'090);
  EXPECT_EQ(line(who, kNow + seconds(31)), second);
}

TEST_F(AssertionsTest, NeverOutliveTheTokenThatTheySpeakOf) {
  const auto who = claims();
  const UnixSeconds end = kNow + seconds(20);
  const std::string first = line(who, kNow, "orders", end);
  EXPECT_EQ(payload_of(first).at("exp").as_int64(), 1'700'000'020);
  EXPECT_EQ(line(who, kNow + seconds(19), "orders", end), first) << "another could say nothing new";
}

TEST_F(AssertionsTest, AreApartByTokenAndByUpstream) {
  const auto ada = claims(), bob = claims("bob");
  const std::string of_ada = line(ada);
  EXPECT_EQ(payload_of(line(bob)).at("sub"), "bob");
  EXPECT_EQ(payload_of(line(ada, kNow, "stock")).at("aud"), "stock");
  EXPECT_EQ(line(ada), of_ada);
}

TEST_F(AssertionsTest, AreSignedByTheNewKeyOnceItIsThere) {
  const auto who = claims();
  const std::string before = line(who);
  signer = jose::TokenIssuer(new_key());
  assertions.forget();
  EXPECT_NE(line(who), before);
}

TEST_F(AssertionsTest, KeepThoseInUseWhileStrangersComeAndGo) {
  const auto who = claims();
  const std::string first = line(who);
  for (std::size_t i = 0; i < 2 * Assertions::kKeep; ++i) {
    line(claims("stranger"));
    if (i % (Assertions::kKeep / 2) == 0) {
      ASSERT_EQ(line(who), first) << i;
    }
  }
}

TEST_F(AssertionsTest, LeaveOutWhatTheTokenDoesNotSay) {
  const auto nobody = std::make_shared<const jose::Claims>();
  EXPECT_EQ(
      payload_of(line(nobody)),
      json::parse(R"({"iss":"https://auth.example","aud":"orders","iat":1700000000,"exp":1700000060})"));
}

}  // namespace
}  // namespace sallyport::gateway
