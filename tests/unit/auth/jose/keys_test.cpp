// Keys: what is read, what is refused and why, and how sets find theirs.
#include "auth/jose/keys.hpp"

#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include "support.hpp"

namespace sallyport::jose {
namespace {

using test::key_for;

std::string pem_of(EVP_PKEY* pkey) {
  BIO* bio = BIO_new(BIO_s_mem());
  PEM_write_bio_PUBKEY(bio, pkey);
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  std::string pem(data, static_cast<std::size_t>(size));
  BIO_free(bio);
  return pem;
}

// RFC 7638 section 3.1.
constexpr std::string_view kRfc7638 =
    R"({"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"})";

TEST(Keys, ComputesTheThumbprintOfRfc7638) {
  const auto key = key_from_jwk(kRfc7638, {});
  ASSERT_TRUE(key) << key.error();
  EXPECT_EQ(thumbprint(*key), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
  EXPECT_EQ(key->id, "2011-04-29");
  EXPECT_FALSE(key->can_sign);
}

TEST(Keys, ComputesTheThumbprintOfRfc8037) {
  const auto key =
      key_from_jwk(R"({"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})", {});
  ASSERT_TRUE(key) << key.error();
  EXPECT_EQ(thumbprint(*key), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
  EXPECT_EQ(key->id, thumbprint(*key));
}

TEST(Keys, SurviveTheWayThroughPemAndJwk) {
  for (const Algorithm algorithm : test::kAll) {
    if (symmetric(algorithm)) continue;
    const Key& key = key_for(algorithm);
    const auto from_pem = key_from_pem(private_pem(key), algorithm);
    ASSERT_TRUE(from_pem) << to_string(algorithm) << from_pem.error();
    EXPECT_EQ(from_pem->id, thumbprint(key));
    EXPECT_TRUE(from_pem->can_sign);
    const auto from_public = key_from_pem(pem_of(key.pkey.get()), algorithm);
    ASSERT_TRUE(from_public) << to_string(algorithm) << from_public.error();
    EXPECT_FALSE(from_public->can_sign);
    const auto from_jwk = key_from_jwk(public_jwk(key), {});
    ASSERT_TRUE(from_jwk) << to_string(algorithm) << from_jwk.error();
    EXPECT_EQ(from_jwk->algorithm, algorithm);
    EXPECT_EQ(from_jwk->id, key.id);
    EXPECT_TRUE(SignatureVerifier(*from_jwk).verify("data", Signer(*from_pem).sign("data")));
    EXPECT_EQ(public_jwk(key).find("\"d\""), std::string::npos);
  }
  EXPECT_EQ(ERR_peek_error(), 0u);
}

TEST(Keys, RefusesWhatIsNoGoodPem) {
  const std::string rsa = pem_of(key_for(Algorithm::rs256).pkey.get()),
                    ec = pem_of(key_for(Algorithm::es256).pkey.get());
  Pkey weak(EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", std::size_t{1024}));
  Pkey koblitz(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "secp256k1"));
  Pkey x25519(EVP_PKEY_Q_keygen(nullptr, nullptr, "X25519"));
  struct Row {
    const char* name;
    std::string pem;
    std::optional<Algorithm> algorithm;
    const char* says;
  };
  const Row rows[] = {
      {"RSA without an algorithm", rsa, {}, "name the one"},
      {"RSA for ES256", rsa, Algorithm::es256, "doesn't fit"},
      {"P-256 for ES384", ec, Algorithm::es384, "doesn't fit"},
      {"P-256 for RS256", ec, Algorithm::rs256, "doesn't fit"},
      {"a public key as a secret", rsa, Algorithm::hs256, "must never be"},
      {"1024 bits", pem_of(weak.get()), Algorithm::rs256, "too weak"},
      {"a curve of coins", pem_of(koblitz.get()), {}, "curve"},
      {"a key for agreement", pem_of(x25519.get()), {}, "X25519"},
      {"nothing", "", {}, "no PEM key"},
      {"cut short", ec.substr(0, ec.size() / 2), {}, "no PEM key"},
      {"a certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", {}, "certificate"},
      {"encrypted",
       "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
       {},
       "encrypted"},
      {"too long", std::string(100'000, 'x'), {}, "too long"},
  };
  for (const Row& row : rows) {
    const auto key = key_from_pem(row.pem, row.algorithm);
    ASSERT_FALSE(key) << row.name;
    EXPECT_NE(key.error().find(row.says), std::string::npos) << row.name << ": " << key.error();
    EXPECT_EQ(ERR_peek_error(), 0u) << row.name;
  }
}

TEST(Keys, RefusesWhatIsNoGoodJwk) {
  const auto changed = [](Algorithm algorithm, const char* member, boost::json::value value) {
    auto jwk = boost::json::parse(public_jwk(key_for(algorithm))).as_object();
    jwk[member] = std::move(value);
    return boost::json::serialize(jwk);
  };
  const std::pair<const char*, std::string> rows[] = {
      {"use enc", changed(Algorithm::es256, "use", "enc")},
      {"use of the wrong type", changed(Algorithm::es256, "use", 1)},
      {"key_ops without verify", changed(Algorithm::es256, "key_ops", {"encrypt"})},
      {"key_ops no array", changed(Algorithm::es256, "key_ops", "verify")},
      {"alg of another curve", changed(Algorithm::es256, "alg", "ES384")},
      {"alg of another kind", changed(Algorithm::es256, "alg", "RS256")},
      {"alg none", changed(Algorithm::es256, "alg", "none")},
      {"alg HS256 on an RSA key", changed(Algorithm::rs256, "alg", "HS256")},
      {"alg of the wrong type", changed(Algorithm::es256, "alg", 256)},
      {"kid of the wrong type", changed(Algorithm::es256, "kid", 7)},
      {"kid empty", changed(Algorithm::es256, "kid", "")},
      {"kty unknown", changed(Algorithm::es256, "kty", "AKP")},
      {"point off the curve",
       changed(Algorithm::es256, "y", boost::json::string(std::string(42, 'A') + "E"))},
      {"coordinate too short", changed(Algorithm::es256, "x", "AQAB")},
      {"crv unknown", changed(Algorithm::es256, "crv", "secp256k1")},
      {"x with padding", changed(Algorithm::es256, "x", boost::json::string(std::string(43, 'A') + "="))},
      {"exponent one", changed(Algorithm::rs256, "e", "AQ")},
      {"exponent even", changed(Algorithm::rs256, "e", "AQAA")},
      {"modulus short", changed(Algorithm::rs256, "n", boost::json::string(171, 'x'))},
      {"Ed448", changed(Algorithm::eddsa, "crv", "Ed448")},
      {"d of another key", changed(Algorithm::eddsa, "d", "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A")},
      {"no object", "[]"},
      {"no JSON", "{"},
      {"twice the same member", R"({"kty":"EC","kty":"EC"})"},
      {"a secret without an algorithm", R"({"kty":"oct","k":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"})"},
      {"a short secret", R"({"kty":"oct","alg":"HS256","k":"AAAA"})"},
  };
  for (const auto& [name, jwk] : rows) EXPECT_FALSE(key_from_jwk(jwk, {})) << name;
  EXPECT_EQ(ERR_peek_error(), 0u);
}

TEST(Keys, TakesAPrivateJwkOnlyWhenItsHalvesBelongTogether) {
  const auto jwk = test::load_vector("jose-cookbook/jwk/3_2.ec_private_key.json").as_object();
  const auto key = key_from_jwk(boost::json::serialize(jwk), {});
  ASSERT_TRUE(key) << key.error();
  EXPECT_TRUE(key->can_sign);
  EXPECT_EQ(key->algorithm, Algorithm::es512);
  auto other = jwk;
  std::string d = test::text(other["d"]);
  d[20] = d[20] == 'A' ? 'B' : 'A';
  other["d"] = d;
  EXPECT_FALSE(key_from_jwk(boost::json::serialize(other), {}));
}

TEST(Keys, ReadsTheJwksOfTheCookbook) {
  struct Row {
    const char* file;
    std::optional<Algorithm> fallback;
    bool usable, signs;
  };
  for (const Row& row : {Row{"3_1.ec_public_key", {}, true, false}, Row{"3_2.ec_private_key", {}, true, true},
                         Row{"3_3.rsa_public_key", Algorithm::rs256, true, false},
                         Row{"3_4.rsa_private_key", Algorithm::ps384, true, true},
                         Row{"3_5.symmetric_key_mac_computation", {}, true, true},
                         Row{"3_6.symmetric_key_encryption", {}, false, false}}) {
    const auto key =
        key_from_jwk(test::read_vector("jose-cookbook/jwk/" + std::string(row.file) + ".json"), row.fallback);
    ASSERT_EQ(key.has_value(), row.usable) << row.file;
    if (key) {
      EXPECT_EQ(key->can_sign, row.signs) << row.file;
    }
  }
}

TEST(Keys, ASecretHas32BytesOrMore) {
  EXPECT_FALSE(key_from_secret(config::Secret(std::string(31, 'x')), Algorithm::hs256, ""));
  EXPECT_FALSE(key_from_secret(config::Secret(std::string(64, 'x')), Algorithm::es256, ""));
  const auto key = key_from_secret(config::Secret(std::string(32, 'x')), Algorithm::hs512, "");
  ASSERT_TRUE(key);
  EXPECT_EQ(key->id.size(), 22u);
  EXPECT_EQ(public_jwk(*key), "");
  EXPECT_EQ(private_pem(*key), "");
  EXPECT_EQ(test::set_of({*key})->jwks(), R"({"keys":[]})");
}

TEST(Keys, AnIdWithQuotesStaysOneJsonString) {
  Key key = key_for(Algorithm::es256);
  key.id = "a\"b\\c\n";
  EXPECT_EQ(test::text(boost::json::parse(public_jwk(key)).at("kid")), key.id);
}

TEST(KeySet, FindsByIdElseTheOnlyOneOfItsAlgorithm) {
  Key a = key_for(Algorithm::es256), b = key_for(Algorithm::es384), c = key_for(Algorithm::rs256), d = c;
  a.id = "a";
  b.id = "b";
  c.id = "c";
  d.id = "d";
  const KeySet set({a, b, c, d});
  EXPECT_EQ(set.find("b", Algorithm::es384), &set.keys()[1]);
  EXPECT_EQ(set.find("b", Algorithm::es256), &set.keys()[1]) << "the caller compares the algorithm";
  EXPECT_EQ(set.find("", Algorithm::es256), &set.keys()[0]);
  EXPECT_EQ(set.find("", Algorithm::rs256), nullptr) << "two could be meant";
  EXPECT_EQ(set.find("", Algorithm::hs256), nullptr);
  EXPECT_EQ(set.find("x", Algorithm::es256), nullptr);
}

TEST(KeySet, TellsKeysOfOneIdApartByAlgorithm) {
  Key a = key_for(Algorithm::es256), b = key_for(Algorithm::rs256), c = b;
  a.id = b.id = c.id = "same";
  const KeySet two({b, a});
  EXPECT_EQ(two.find("same", Algorithm::es256), &two.keys()[1]);
  EXPECT_EQ(two.find("same", Algorithm::rs256), &two.keys()[0]);
  const KeySet three({a, b, c});
  EXPECT_EQ(three.find("same", Algorithm::rs256), nullptr);
  EXPECT_NE(three.find("same", Algorithm::es256), nullptr);
}

TEST(KeySet, FindsEachOfAThousand) {
  std::vector<Key> keys(1000, key_for(Algorithm::es256));
  for (std::size_t i = 0; i < keys.size(); ++i) keys[i].id = "key-" + std::to_string(i * 7919 % 1000);
  const KeySet set(std::move(keys));
  for (const Key& key : set.keys()) EXPECT_EQ(set.find(key.id, Algorithm::es256), &key);
}

std::string jwks(const std::vector<std::string>& keys) {
  std::string out = R"({"keys":[)";
  for (const std::string& key : keys) out += (out.back() == '[' ? "" : ",") + key;
  return out + "]}";
}

TEST(Jwks, SkipsWhatItCannotUseAndSaysWhy) {
  const auto parsed =
      parse_jwks(jwks({public_jwk(key_for(Algorithm::es256)), R"({"kty":"EC","use":"enc","kid":"e\n1"})",
                       R"({"kty":"AKP"})", "7", public_jwk(key_for(Algorithm::rs256))}),
                 {Algorithm::es256});
  ASSERT_TRUE(parsed) << parsed.error();
  EXPECT_EQ(parsed->keys->keys().size(), 1u);
  ASSERT_EQ(parsed->skipped.size(), 4u);
  EXPECT_EQ(parsed->skipped[0], "key 2 (kid \"e?1\"): its \"use\" isn't \"sig\"");
}

TEST(Jwks, RefusesWhatIsNoSet) {
  const std::pair<const char*, std::string> rows[] = {
      {"no JSON", "<html>"},
      {"no object", "[]"},
      {"no keys", "{}"},
      {"keys no array", R"({"keys":{}})"},
      {"no key", jwks({})},
      {"no usable key", jwks({R"({"kty":"AKP"})"})},
      {"too many", jwks(std::vector<std::string>(1025, "{}"))},
  };
  for (const auto& [name, text] : rows) EXPECT_FALSE(parse_jwks(text, {})) << name;
}

TEST(Jwks, AnRsaKeyWithoutAlgTakesTheFirstAllowedThatFits) {
  auto jwk = boost::json::parse(public_jwk(key_for(Algorithm::rs256))).as_object();
  jwk.erase("alg");
  const std::string set = jwks({boost::json::serialize(jwk)});
  EXPECT_EQ(parse_jwks(set, {})->keys->keys()[0].algorithm, Algorithm::rs256);
  EXPECT_EQ(parse_jwks(set, {Algorithm::es256, Algorithm::ps512})->keys->keys()[0].algorithm,
            Algorithm::ps512);
  EXPECT_FALSE(parse_jwks(set, {Algorithm::es256}));
}

TEST(Jwks, ASecretIsTakenOnlyAloneAndWhereItIsAllowed) {
  const std::string secret =
      R"({"kty":"oct","alg":"HS256","k":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"})";
  EXPECT_TRUE(parse_jwks(jwks({secret}), {Algorithm::hs256}));
  EXPECT_FALSE(parse_jwks(jwks({secret}), {}));
  const auto mixed =
      parse_jwks(jwks({secret, public_jwk(key_for(Algorithm::es256))}), {Algorithm::hs256, Algorithm::es256});
  ASSERT_TRUE(mixed);
  EXPECT_EQ(mixed->keys->keys().size(), 1u);
  EXPECT_EQ(mixed->keys->keys()[0].algorithm, Algorithm::es256);
}

TEST(Jwks, UsesNeitherOfTwoKeysOfOneName) {
  auto other = boost::json::parse(public_jwk(*generate_key(Algorithm::es256))).as_object();
  const std::string one = public_jwk(key_for(Algorithm::es256));
  other["kid"] = key_for(Algorithm::es256).id;
  EXPECT_FALSE(parse_jwks(jwks({one, boost::json::serialize(other)}), {}));
  EXPECT_TRUE(parse_jwks(jwks({one, one}), {})) << "the very same key twice does no harm";
  other["x"] = "AA";
  EXPECT_FALSE(parse_jwks(jwks({one, boost::json::serialize(other)}), {}))
      << "a broken key could be the one that is meant";
}

}  // namespace
}  // namespace sallyport::jose
