// J1 to J9: what makes a token good, one row per refusal. S1.20: the reason in the log is the first thing
// that is wrong.
#include <gtest/gtest.h>
#include <openssl/err.h>

#include <cstdint>
#include <iostream>
#include <set>

#include "auth/jose/token_issuer.hpp"
#include "auth/jose/token_verifier.hpp"
#include "support.hpp"

namespace sallyport::jose {
namespace {

using test::key_for;
using test::token_of;

constexpr UnixSeconds kNow{std::chrono::seconds(1'700'000'000)};

std::shared_ptr<const std::vector<Issuer>> issuers() {
  Issuer own;
  own.issuer = "https://own.example";
  own.audience = {"api", "other"};
  own.clock_skew = std::chrono::seconds(5);
  own.own = true;
  Key hmac = key_for(Algorithm::hs256);
  hmac.id = "hmac";
  own.keys = test::set_of({key_for(Algorithm::es256), hmac});
  Issuer foreign;
  foreign.issuer = "https://idp.example/";
  foreign.places.roles = "realm_access.roles";
  std::vector<Key> keys;
  for (const Algorithm algorithm : test::kAll) {
    keys.push_back(key_for(algorithm));
    keys.back().id = to_string(algorithm);
  }
  foreign.keys = test::set_of(std::move(keys));
  Issuer typed = foreign;
  typed.issuer = "https://typed.example/";
  typed.types = {"logout+jwt"};
  Issuer many;
  many.issuer = "https://many.example/";
  Key a = key_for(Algorithm::es256), b = a;
  a.id = "a";
  b.id = "b";
  many.keys = test::set_of({a, b});
  Issuer lone = many;
  lone.issuer = "https://lone.example/";
  lone.keys = test::set_of({key_for(Algorithm::eddsa)});
  Issuer keyless;
  keyless.issuer = "https://keyless.example/";
  return std::make_shared<const std::vector<Issuer>>(std::vector{own, foreign, typed, many, lone, keyless});
}

std::string own_header(std::string_view more = "") {
  return R"({"typ":"at+jwt","alg":"ES256","kid":")" + key_for(Algorithm::es256).id + '"' + std::string(more) +
         '}';
}

std::string own_claims(std::string_view more = "") {
  return R"({"iss":"https://own.example","aud":"api","sub":"u1","exp":1700000600,"nbf":1700000000,"iat":1700000000,)"
         R"("jti":"j1","sid":"s1","gen":3)" +
         std::string(more) + '}';
}

std::string own_token(std::string_view header, std::string_view claims) {
  return token_of(key_for(Algorithm::es256), header, claims);
}

std::string with_iss(std::string_view rest) {
  return R"({"iss":"https://own.example",)" + std::string(rest) + '}';
}

// "" for a good token, else the log code.
std::string verdict(std::string_view token, UnixSeconds now = kNow) {
  TokenVerifier verifier(issuers());
  const auto verified = verifier.verify(token, now);
  EXPECT_EQ(ERR_peek_error(), 0u) << "OpenSSL's error queue isn't empty";
  return verified ? "" : std::string(to_string(verified.error()));
}

TEST(TokenVerifier, TakesOurOwnTokenApart) {
  TokenVerifier verifier(issuers());
  const auto verified = verifier.verify(
      own_token(own_header(), own_claims(R"(,"epoch":9,"roles":["a","b"],"scope":"x  y","n":{"m":1})")),
      kNow);
  ASSERT_TRUE(verified) << to_string(verified.error());
  const Claims& claims = **verified;
  EXPECT_EQ(claims.issuer, "https://own.example");
  EXPECT_EQ(claims.subject, "u1");
  EXPECT_EQ(claims.token_id, "j1");
  EXPECT_EQ(claims.session_id, "s1");
  EXPECT_EQ(claims.key_id, key_for(Algorithm::es256).id);
  EXPECT_EQ(claims.algorithm, Algorithm::es256);
  EXPECT_EQ(claims.generation, 3u);
  EXPECT_EQ(claims.epoch, 9u);
  EXPECT_TRUE(claims.own);
  EXPECT_EQ(claims.issued_at, kNow);
  EXPECT_EQ(claims.not_before, kNow);
  EXPECT_EQ(claims.expires, kNow + std::chrono::seconds(600));
  EXPECT_EQ(claims.roles, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(claims.scopes, (std::vector<std::string>{"x", "y"}));
  ASSERT_NE(claims.find("n.m"), nullptr);
  EXPECT_EQ(claims.all.size(), 13u);
}

struct Row {
  const char* name;
  std::string token;
  const char* verdict;
};

TEST(TokenVerifier, NamesTheReasonOfEachRefusal) {
  const std::string good = own_token(own_header(), own_claims());
  const auto first = good.find('.'), second = good.rfind('.');
  const auto header = [](std::string_view h) { return own_token(h, own_claims()); };
  const auto claims = [](std::string_view c) { return own_token(own_header(), c); };
  std::string forged = good;
  forged[second + 10] = forged[second + 10] == 'A' ? 'B' : 'A';
  Key stranger = *generate_key(Algorithm::es256);
  const std::string kid = key_for(Algorithm::es256).id;

  const Row rows[] = {
      {"good", good, ""},
      {"too long", good + std::string(kMaxToken, 'A'), "too_long"},
      {"no dot", "abc", "not_compact"},
      {"nothing", "", "not_compact"},
      {"dots only", "..", "not_compact"},
      {"two parts", good.substr(0, second), "not_compact"},
      {"four parts", good + ".AAAA", "not_compact"},
      {"five parts (JWE)", good + ".AAAA.AAAA", "not_compact"},
      {"no signature", good.substr(0, second + 1), "not_compact"},
      {"no payload", good.substr(0, first) + '.' + good.substr(second), "not_compact"},
      {"header with padding", "eyJ9==" + good.substr(first), "bad_base64"},
      {"signature with padding", good + "==", "bad_base64"},
      {"signature with a blank", good + " ", "bad_base64"},
      {"payload with a plus", good.substr(0, first + 1) + "+A" + good.substr(second), "bad_base64"},
      {"header no JSON", header("{"), "bad_header"},
      {"header an array", header("[]"), "bad_header"},
      {"header twice alg", header(R"({"alg":"ES256","alg":"ES256"})"), "bad_header"},
      {"header without alg", header(R"({"typ":"at+jwt"})"), "bad_header"},
      {"alg a number", header(R"({"alg":1})"), "bad_header"},
      {"kid a number", header(R"({"typ":"at+jwt","alg":"ES256","kid":1})"), "bad_header"},
      {"typ a number", header(R"({"typ":1,"alg":"ES256"})"), "bad_header"},
      {"claims no JSON", claims("{"), "bad_claims"},
      {"claims an array", claims("[]"), "bad_claims"},
      {"claims twice exp", claims(with_iss(R"("exp":1,"exp":2)")), "bad_claims"},
      {"iss a number", claims(R"({"iss":1})"), "bad_claims"},
      {"exp a string", claims(with_iss(R"("aud":"api","exp":"1700000600")")), "bad_claims"},
      {"exp null", claims(with_iss(R"("aud":"api","exp":null)")), "bad_claims"},
      {"exp 2^63-1", claims(with_iss(R"("aud":"api","exp":9223372036854775807)")), "bad_claims"},
      {"exp 2^64-1", claims(with_iss(R"("aud":"api","exp":18446744073709551615)")), "bad_claims"},
      {"exp 1e300", claims(with_iss(R"("aud":"api","exp":1e300)")), "bad_claims"},
      {"nbf a string", claims(with_iss(R"("aud":"api","exp":1700000600,"nbf":"1700000000")")), "bad_claims"},
      {"iat -1e300", claims(with_iss(R"("aud":"api","exp":1700000600,"iat":-1e300)")), "bad_claims"},
      {"sub a number", claims(with_iss(R"("aud":"api","exp":1700000600,"sub":1)")), "bad_claims"},
      {"jti a number", claims(with_iss(R"("aud":"api","exp":1700000600,"jti":1)")), "bad_claims"},
      {"sid an object", claims(with_iss(R"("aud":"api","exp":1700000600,"sid":{})")), "bad_claims"},
      {"gen negative", claims(with_iss(R"("aud":"api","exp":1700000600,"gen":-1)")), "bad_claims"},
      {"gen 2^32", claims(with_iss(R"("aud":"api","exp":1700000600,"gen":4294967296)")), "bad_claims"},
      {"gen a fraction", claims(with_iss(R"("aud":"api","exp":1700000600,"gen":1.5)")), "bad_claims"},
      {"epoch a string", claims(with_iss(R"("aud":"api","exp":1700000600,"epoch":"9")")), "bad_claims"},
      {"aud a number", claims(with_iss(R"("aud":1,"exp":1700000600)")), "bad_claims"},
      {"aud with a number", claims(with_iss(R"("aud":["api",1],"exp":1700000600)")), "bad_claims"},
      {"crit", header(own_header(R"(,"crit":["exp"])")), "critical_header"},
      {"crit empty", header(own_header(R"(,"crit":[])")), "critical_header"},
      {"b64", header(own_header(R"(,"b64":false)")), "critical_header"},
      {"zip", header(own_header(R"(,"zip":"DEF")")), "critical_header"},
      {"enc", header(own_header(R"(,"enc":"A256GCM")")), "critical_header"},
      {"own without typ", header(R"({"alg":"ES256","kid":")" + kid + "\"}"), "wrong_type"},
      {"own with JWT", header(R"({"typ":"JWT","alg":"ES256","kid":")" + kid + "\"}"), "wrong_type"},
      {"own with typ of refresh", header(R"({"typ":"rt+jwt","alg":"ES256","kid":")" + kid + "\"}"),
       "wrong_type"},
      {"typ empty", header(R"({"typ":"","alg":"ES256","kid":")" + kid + "\"}"), "wrong_type"},
      {"no iss", claims(R"({"exp":1700000600})"), "unknown_issuer"},
      {"iss with a slash more", claims(R"({"iss":"https://own.example/","exp":1700000600})"),
       "unknown_issuer"},
      {"iss in capitals", claims(R"({"iss":"HTTPS://OWN.EXAMPLE","exp":1700000600})"), "unknown_issuer"},
      {"kid unknown", header(R"({"typ":"at+jwt","alg":"ES256","kid":"x"})"), "unknown_key"},
      {"kid empty", header(R"({"typ":"at+jwt","alg":"ES256","kid":""})"), "unknown_key"},
      {"kid a path", header(R"({"typ":"at+jwt","alg":"ES256","kid":"../../etc/passwd"})"), "unknown_key"},
      {"several keys", claims(R"({"iss":"https://many.example/","exp":1700000600})"), "unknown_key"},
      {"no keys", claims(R"({"iss":"https://keyless.example/","exp":1700000600})"), "unknown_key"},
      {"alg none", header(R"({"typ":"at+jwt","alg":"none"})"), "wrong_algorithm"},
      {"alg NonE", header(R"({"typ":"at+jwt","alg":"NonE"})"), "wrong_algorithm"},
      {"alg es256", header(R"({"typ":"at+jwt","alg":"es256"})"), "wrong_algorithm"},
      {"alg of another key", header(R"({"typ":"at+jwt","alg":"HS256","kid":")" + kid + "\"}"),
       "wrong_algorithm"},
      {"alg of another size", header(R"({"typ":"at+jwt","alg":"ES384","kid":")" + kid + "\"}"),
       "wrong_algorithm"},
      {"forged", forged, "bad_signature"},
      {"another key", token_of(stranger, own_header(), own_claims()), "bad_signature"},
      {"payload changed",
       good.substr(0, first + 1) + base64url_encode(own_claims(R"(,"x":1)")) + good.substr(second),
       "bad_signature"},
      {"header changed", base64url_encode(own_header(R"(,"x":1)")) + good.substr(first), "bad_signature"},
      {"no aud", claims(with_iss(R"("exp":1700000600)")), "wrong_audience"},
      {"aud of others", claims(with_iss(R"("exp":1700000600,"aud":["a","b"])")), "wrong_audience"},
      {"aud a prefix", claims(with_iss(R"("exp":1700000600,"aud":"ap")")), "wrong_audience"},
      {"aud in capitals", claims(with_iss(R"("exp":1700000600,"aud":"API")")), "wrong_audience"},
      {"aud empty", claims(with_iss(R"("exp":1700000600,"aud":[])")), "wrong_audience"},
      {"no exp", claims(with_iss(R"("aud":"api")")), "no_expiry"},
      {"nbf in the future", claims(with_iss(R"("aud":"api","exp":1700000600,"nbf":1700000006)")),
       "not_yet_valid"},
      {"iat in the future", claims(with_iss(R"("aud":"api","exp":1700000600,"iat":1700000006)")),
       "not_yet_valid"},
      {"nbf within the skew", claims(with_iss(R"("aud":"api","exp":1700000600,"nbf":1700000005)")), ""},
      {"expired within the skew", claims(with_iss(R"("aud":"api","exp":1699999996)")), ""},
      {"expired", claims(with_iss(R"("aud":"api","exp":1699999995)")), "expired"},
      {"expired long ago", claims(with_iss(R"("aud":"api","exp":-1)")), "expired"},
      {"expired with a fraction", claims(with_iss(R"("aud":"api","exp":1699999995.9)")), "expired"},
      {"expired and of others", claims(with_iss(R"("aud":"x","exp":1)")), "wrong_audience"},
      {"expired and not yet valid", claims(with_iss(R"("aud":"api","exp":1,"nbf":1700000100)")),
       "not_yet_valid"},
      {"exp as far as it goes", claims(with_iss(R"("aud":"api","exp":9007199254740992)")), ""},
      {"exp 1e15", claims(with_iss(R"("aud":"api","exp":1e15)")), ""},
      {"the second audience", claims(with_iss(R"("aud":["x","other"],"exp":1700000600)")), ""},
      {"unknown header members",
       header(own_header(
           R"(,"jwk":{"kty":"oct","k":"AA"},"jku":"https://evil.example","x5u":"x","x5c":["x"],"cty":"JWT")")),
       ""},
      {"typ in full", header(R"({"typ":"application/AT+JWT","alg":"ES256","kid":")" + kid + "\"}"), ""},
      {"no kid, one key of that algorithm", header(R"({"typ":"at+jwt","alg":"ES256"})"), ""},
  };
  std::set<std::string> seen;
  for (const Row& row : rows) {
    EXPECT_EQ(verdict(row.token), row.verdict) << row.name;
    seen.insert(row.verdict);
  }
  EXPECT_EQ(seen.size(), 16u) << "each of the 15 reasons, and none";
}

TEST(TokenVerifier, VerifiesEveryAlgorithmOfAForeignIssuer) {
  TokenVerifier verifier(issuers());
  for (const Algorithm algorithm : test::kAll) {
    const std::string name(to_string(algorithm));
    const std::string claims =
        R"({"iss":"https://idp.example/","sub":"u","exp":1700000600,"gen":"any","realm_access":{"roles":["x"]},"scp":["s","t"]})";
    for (const std::string& kid : {std::string(), R"(,"kid":")" + name + '"'}) {
      const auto verified =
          verifier.verify(token_of(key_for(algorithm), R"({"alg":")" + name + '"' + kid + '}', claims), kNow);
      ASSERT_TRUE(verified) << name << ' ' << to_string(verified.error());
      EXPECT_EQ((*verified)->key_id, name);
      EXPECT_EQ((*verified)->algorithm, algorithm);
      EXPECT_FALSE((*verified)->own);
      EXPECT_EQ((*verified)->generation, 0u) << "gen is only our own word";
      EXPECT_EQ((*verified)->roles, std::vector<std::string>{"x"});
      EXPECT_EQ((*verified)->scopes, (std::vector<std::string>{"s", "t"}));
      EXPECT_EQ((*verified)->issued_at, UnixSeconds{}) << "older than any revocation";
    }
  }
}

TEST(TokenVerifier, AppliesEachIssuersTypes) {
  const auto typed = [](std::string_view issuer, std::string_view type) {
    return verdict(token_of(key_for(Algorithm::es256), R"({"alg":"ES256")" + std::string(type) + '}',
                            R"({"iss":")" + std::string(issuer) + R"(","exp":1700000600})"));
  };
  constexpr std::string_view kDefault = "https://idp.example/", kTyped = "https://typed.example/";
  EXPECT_EQ(typed(kDefault, ""), "");
  EXPECT_EQ(typed(kDefault, R"(,"typ":"JWT")"), "");
  EXPECT_EQ(typed(kDefault, R"(,"typ":"jwt")"), "");
  EXPECT_EQ(typed(kDefault, R"(,"typ":"application/at+jwt")"), "");
  EXPECT_EQ(typed(kDefault, R"(,"typ":"logout+jwt")"), "wrong_type");
  EXPECT_EQ(typed(kDefault, R"(,"typ":"application/")"), "wrong_type");
  EXPECT_EQ(typed(kTyped, R"(,"typ":"Logout+JWT")"), "");
  EXPECT_EQ(typed(kTyped, R"(,"typ":"JWT")"), "wrong_type");
  EXPECT_EQ(typed(kTyped, ""), "wrong_type");
}

// Keycloak nests its roles, Auth0 has permissions, Cognito's access tokens name a client_id and no aud.
TEST(TokenVerifier, LooksForEachIssuersClaimsWhereThatIssuerHasThem) {
  Issuer cognito;
  cognito.issuer = "https://cognito.example";
  cognito.audience = {"web"};
  cognito.places = {.roles = "cognito:groups", .scopes = "permissions", .audience = "client_id"};
  cognito.keys = test::set_of({key_for(Algorithm::es256)});
  TokenVerifier verifier(std::make_shared<const std::vector<Issuer>>(std::vector{cognito}));
  const auto token = [](std::string_view more) {
    return own_token(R"({"alg":"ES256"})",
                     R"({"iss":"https://cognito.example","exp":1700000600,)" + std::string(more) + '}');
  };
  const auto verified = verifier.verify(
      token(R"("client_id":"web","cognito:groups":["a"],"permissions":["r","w"],"scope":"x")"), kNow);
  ASSERT_TRUE(verified) << to_string(verified.error());
  EXPECT_EQ((*verified)->roles, std::vector<std::string>{"a"});
  EXPECT_EQ((*verified)->scopes, (std::vector<std::string>{"r", "w"}));
  for (const char* other : {R"("client_id":"other")", R"("aud":"web")", R"("client_id":7)"})
    EXPECT_EQ(verifier.verify(token(other), kNow).error(), TokenError::wrong_audience) << other;
}

TEST(TokenVerifier, RefusesALifeLongerThanItsIssuerMayGive) {
  Issuer bound;
  bound.issuer = "https://bound.example";
  bound.max_lifetime = std::chrono::seconds(3600);
  bound.clock_skew = std::chrono::seconds(60);
  bound.keys = test::set_of({key_for(Algorithm::es256)});
  TokenVerifier verifier(std::make_shared<const std::vector<Issuer>>(std::vector{bound}));
  const auto verdict = [&](std::string_view times) -> std::string {
    const auto verified = verifier.verify(
        own_token(R"({"alg":"ES256"})", R"({"iss":"https://bound.example",)" + std::string(times) + '}'),
        kNow);
    return verified ? "" : std::string(to_string(verified.error()));
  };
  EXPECT_EQ(verdict(R"("iat":1700000000,"exp":1700003600)"), "");
  EXPECT_EQ(verdict(R"("iat":1700000000,"exp":1700003601)"), "lifetime_too_long");
  EXPECT_EQ(verdict(R"("iat":1699999000,"exp":1700003000)"), "lifetime_too_long");
  EXPECT_EQ(verdict(R"("iat":1690000000,"exp":1690090000)"), "lifetime_too_long")
      << "no promise of a new one";
  EXPECT_EQ(verdict(R"("exp":1700003660)"), "") << "without iat: what is left of it, the skew granted";
  EXPECT_EQ(verdict(R"("exp":1700003661)"), "lifetime_too_long");
  EXPECT_EQ(verdict(R"("iat":-9007199254740992,"exp":9007199254740992)"), "lifetime_too_long");
}

TEST(TokenVerifier, AKeyOfOneIssuerIsNoKeyOfAnother) {
  Key stranger = key_for(Algorithm::es384);
  EXPECT_EQ(verdict(token_of(stranger, R"({"typ":"at+jwt","alg":"ES384"})", own_claims())), "unknown_key");
  EXPECT_EQ(verdict(token_of(key_for(Algorithm::es256), R"({"alg":"ES256"})",
                             R"({"iss":"https://lone.example/","exp":1700000600})")),
            "wrong_algorithm");
}

TEST(TokenVerifier, APublicKeyIsNoHmacSecret) {
  // The key confusion of RFC 8725 2.1: the attacker knows the public JWK and signs with its text.
  const Key& es = key_for(Algorithm::es256);
  const auto forged = key_from_secret(config::Secret(public_jwk(es)), Algorithm::hs256, es.id);
  EXPECT_EQ(
      verdict(token_of(*forged, R"({"typ":"at+jwt","alg":"HS256","kid":")" + es.id + "\"}", own_claims())),
      "wrong_algorithm");
  EXPECT_EQ(verdict(token_of(*forged, R"({"typ":"at+jwt","alg":"HS256"})", own_claims())), "bad_signature");
}

TEST(TokenVerifier, IgnoresOnlyTheExpiryWhenAsked) {
  TokenVerifier verifier(issuers());
  const std::string expired = own_token(own_header(), with_iss(R"("aud":"api","exp":1)"));
  EXPECT_TRUE(verifier.verify_ignoring_expiry(expired, kNow));
  EXPECT_EQ(verifier.verify(expired, kNow).error(), TokenError::expired);
  EXPECT_EQ(
      verifier.verify_ignoring_expiry(own_token(own_header(), with_iss(R"("aud":"api")")), kNow).error(),
      TokenError::no_expiry);
  EXPECT_EQ(verifier.verify_ignoring_expiry(expired + "AB", kNow).error(), TokenError::bad_signature);
}

TEST(TokenVerifier, TakesATokenOfExactlyTheLongestLength) {
  std::string claims = own_claims(R"(,"pad":"")");
  const auto grown = [&](std::size_t n) {
    std::string c = claims;
    return own_token(own_header(), c.insert(c.size() - 2, n, 'x'));
  };
  std::size_t n = (kMaxToken - own_token(own_header(), claims).size()) * 3 / 4;
  while (grown(n + 1).size() <= kMaxToken) ++n;
  EXPECT_EQ(verdict(grown(n)), "");
  EXPECT_EQ(verdict(grown(n + 4)), "too_long");
}

TEST(TokenVerifier, RefusesEveryTokenThatDiffersInOneCharacter) {
  TokenVerifier verifier(issuers());
  const std::string good = own_token(own_header(), own_claims());
  for (std::size_t i = 0; i < good.size(); ++i)
    for (const char c : {'A', 'Q', '_', '.', '=', ' ', '\0', '\xff'}) {
      if (good[i] == c) continue;
      std::string changed = good;
      changed[i] = c;
      ASSERT_FALSE(verifier.verify(changed, kNow)) << "position " << i << " to " << c;
    }
  EXPECT_TRUE(verifier.verify(good, kNow)) << "scratch memory of refusals leaves no trace";
}

TEST(TokenVerifier, RefusesEveryPrefix) {
  TokenVerifier verifier(issuers());
  const std::string good = own_token(own_header(), own_claims());
  for (std::size_t n = 0; n < good.size(); ++n) ASSERT_FALSE(verifier.verify(good.substr(0, n), kNow)) << n;
}

TEST(TokenVerifier, WithoutIssuersKnowsNone) {
  TokenVerifier verifier(nullptr);
  EXPECT_EQ(verifier.verify(own_token(own_header(), own_claims()), kNow).error(), TokenError::unknown_issuer);
}

// Headers are remembered by their text; what they lead to is asked each time.
TEST(TokenVerifier, JudgesEachTokenUnderAHeaderThatItHasReadBefore) {
  TokenVerifier verifier(issuers());
  const auto verdict_now = [&](const std::string& token) {
    const auto verified = verifier.verify(token, kNow);
    return verified ? "" : std::string(to_string(verified.error()));
  };
  const std::string good = own_token(own_header(), own_claims());
  const std::string other = own_token(own_header(), own_claims(R"(,"x":1)"));
  const std::string forged = good.substr(0, good.rfind('.')) + other.substr(other.rfind('.'));
  for (int turn = 0; turn < 3; ++turn) {
    EXPECT_EQ(verdict_now(forged), "bad_signature");
    EXPECT_EQ(verdict_now(good), "");
    EXPECT_EQ(verdict_now(own_token(own_header(), own_claims(R"(,"y":2)"))), "");
    EXPECT_EQ(verdict_now(own_token(own_header(), with_iss(R"("aud":"api")"))), "no_expiry");
    // More of them than are remembered, and one that is too long to be.
    for (int i = 0; i < 20; ++i) {
      std::string more = R"(,"n":)" + std::to_string(i);
      if (i == 7) more += R"(,"long":")" + std::string(600, 'l') + '"';
      EXPECT_EQ(verdict_now(own_token(own_header(more), own_claims())), "") << more;
    }
    EXPECT_EQ(verdict_now(own_token(own_header(R"(,"crit":["exp"])"), own_claims())), "critical_header");
  }
}

TEST(TokenVerifier, GivesTheVerdictsOfTheRfc8725Cases) {
  const auto document = test::load_vector("rfc/rfc8725_cases.json");
  Issuer issuer;
  issuer.issuer = test::text(document.at("issuer"));
  issuer.audience = {test::text(document.at("audience"))};
  issuer.clock_skew = std::chrono::seconds(document.at("leeway").as_int64());
  std::vector<Key> keys;
  for (const auto& [name, jwk] : document.at("keys").as_object()) {
    auto key = key_from_jwk(boost::json::serialize(jwk), parse_algorithm(name));
    ASSERT_TRUE(key) << key.error();
    keys.push_back(std::move(*key));
  }
  issuer.keys = test::set_of(std::move(keys));
  TokenVerifier verifier(std::make_shared<const std::vector<Issuer>>(std::vector{issuer}));
  const UnixSeconds now{std::chrono::seconds(document.at("now").as_int64())};
  std::map<std::string, int> counts;
  for (const auto& one : document.at("cases").as_array()) {
    const std::string expected = test::text(one.at("verdict"));
    const auto verified = verifier.verify(test::text(one.at("token")), now);
    const std::string got = verified                                  ? "accept"
                            : verified.error() == TokenError::expired ? "expired"
                                                                      : "reject";
    EXPECT_EQ(got, expected) << one.at("id") << ": " << (verified ? "" : to_string(verified.error()));
    ++counts[expected];
  }
  std::cout << "rfc8725_cases: " << counts["accept"] << " accepted, " << counts["expired"] << " expired, "
            << counts["reject"] << " rejected\n";
  EXPECT_EQ(counts["accept"] + counts["expired"] + counts["reject"], 35);
}

TEST(Claims, FindByWholeNameBeforeAPathOfDots) {
  Claims claims;
  claims.all =
      boost::json::parse(
          R"({"a":{"b":1,"c.d":{"e":2}},"a.b":3,"https://x.example/roles":["r"],"n":{"https://y.example":{"z":4}}})")
          .as_object();
  EXPECT_EQ(claims.find("a.b")->as_int64(), 3);
  EXPECT_EQ(claims.find("a.c.d.e")->as_int64(), 2);
  EXPECT_EQ(claims.find("n.https://y.example.z")->as_int64(), 4);
  EXPECT_NE(claims.find("https://x.example/roles"), nullptr);
  EXPECT_EQ(claims.find("a.x"), nullptr);
  EXPECT_EQ(claims.find("a.b.c"), nullptr);
  EXPECT_EQ(claims.find(""), nullptr);
}

}  // namespace
}  // namespace sallyport::jose
