// J3: signatures by every algorithm, alone and over the vectors of wycheproof.
#include "auth/jose/signature.hpp"

#include <gtest/gtest.h>
#include <openssl/err.h>

#include <iostream>

#include "support.hpp"

namespace sallyport::jose {
namespace {

using test::key_for;

TEST(Signature, RoundTripsWithEveryAlgorithmManyTimes) {
  for (const Algorithm algorithm : test::kAll) {
    const Key& key = key_for(algorithm);
    Signer signer(key);
    SignatureVerifier verifier(key);
    for (int i = 0; i < 20; ++i) {
      const std::string data(static_cast<std::size_t>(i * 37), static_cast<char>('a' + i));
      const std::string signature = signer.sign(data);
      EXPECT_EQ(signature.size(), signature_size(key)) << to_string(algorithm);
      EXPECT_TRUE(verifier.verify(data, signature)) << to_string(algorithm) << ' ' << i;
      EXPECT_FALSE(verifier.verify(data + 'x', signature)) << to_string(algorithm) << ' ' << i;
    }
  }
}

TEST(Signature, RefusesEveryFlippedBit) {
  for (const Algorithm algorithm :
       {Algorithm::hs256, Algorithm::hs512, Algorithm::es256, Algorithm::es512, Algorithm::eddsa}) {
    const Key& key = key_for(algorithm);
    SignatureVerifier verifier(key);
    const std::string good = Signer(key).sign("data");
    for (std::size_t bit = 0; bit < good.size() * 8; bit += 3) {
      std::string forged = good;
      forged[bit / 8] = static_cast<char>(forged[bit / 8] ^ (1 << bit % 8));
      ASSERT_FALSE(verifier.verify("data", forged)) << to_string(algorithm) << " bit " << bit;
    }
    EXPECT_TRUE(verifier.verify("data", good)) << "good again after refusals: " << to_string(algorithm);
  }
}

TEST(Signature, RefusesEveryOtherLength) {
  for (const Algorithm algorithm : test::kAll) {
    const Key& key = key_for(algorithm);
    SignatureVerifier verifier(key);
    const std::string good = Signer(key).sign("data");
    EXPECT_FALSE(verifier.verify("data", ""));
    EXPECT_FALSE(verifier.verify("data", good.substr(1)));
    EXPECT_FALSE(verifier.verify("data", good.substr(0, good.size() - 1)));
    EXPECT_FALSE(verifier.verify("data", good.substr(0, good.size() / 2)));
    EXPECT_FALSE(verifier.verify("data", good + '\0'));
    EXPECT_FALSE(verifier.verify("data", '\0' + good));
  }
}

TEST(Signature, RefusesEcdsaWithNoughts) {  // CVE-2022-21449
  for (const Algorithm algorithm : {Algorithm::es256, Algorithm::es384, Algorithm::es512}) {
    const Key& key = key_for(algorithm);
    SignatureVerifier verifier(key);
    const std::string good = Signer(key).sign("data"), zeros(good.size() / 2, '\0');
    EXPECT_FALSE(verifier.verify("data", zeros + zeros));
    EXPECT_FALSE(verifier.verify("data", zeros + good.substr(zeros.size())));
    EXPECT_FALSE(verifier.verify("data", good.substr(0, zeros.size()) + zeros));
  }
}

TEST(Signature, LeavesTheErrorQueueEmpty) {
  for (const Algorithm algorithm : test::kAll) {
    SignatureVerifier verifier(key_for(algorithm));
    EXPECT_FALSE(verifier.verify("data", std::string(signature_size(key_for(algorithm)), '\x11')));
    EXPECT_EQ(ERR_peek_error(), 0u) << to_string(algorithm);
  }
}

TEST(Signature, APublicKeyDoesNotSign) {
  auto key = key_from_jwk(public_jwk(key_for(Algorithm::es256)), {});
  ASSERT_TRUE(key) << key.error();
  EXPECT_THROW(Signer{*key}, std::invalid_argument);
}

// Wycheproof's files of plain signatures: a key per group, message and signature in hex.
struct File {
  const char* name;
  Algorithm algorithm;
};

TEST(Signature, GivesTheVerdictsOfWycheproof) {
  constexpr File kFiles[] = {{"ecdsa_secp256r1_sha256_p1363_test", Algorithm::es256},
                             {"rsa_signature_2048_sha256_test", Algorithm::rs256},
                             {"rsa_pss_2048_sha256_mgf1_32_test", Algorithm::ps256},
                             {"ed25519_test", Algorithm::eddsa}};
  for (const File& file : kFiles) {
    int valid = 0, invalid = 0, acceptable = 0, skipped = 0;
    const auto document = test::load_vector("wycheproof/" + std::string(file.name) + ".json");
    for (const auto& group : document.at("testGroups").as_array()) {
      const auto key = key_from_pem(test::text(group.at("publicKeyPem")), file.algorithm);
      const auto& tests = group.at("tests").as_array();
      if (!key) {
        std::cout << file.name << ": skipped a group of " << tests.size() << ": " << key.error() << '\n';
        skipped += static_cast<int>(tests.size());
        continue;
      }
      SignatureVerifier verifier(*key);
      for (const auto& test : tests) {
        const std::string result = test::text(test.at("result"));
        const bool good = verifier.verify(test::from_hex(test::text(test.at("msg"))),
                                          test::from_hex(test::text(test.at("sig"))));
        // "acceptable" (RSA without the NULL parameter) is refused: RFC 8017 8.2.2 has one encoding.
        EXPECT_EQ(good, result == "valid")
            << file.name << ' ' << test.at("tcId") << ' ' << test.at("comment");
        ++(result == "valid" ? valid : result == "invalid" ? invalid : acceptable);
      }
    }
    std::cout << file.name << ": " << valid << " valid, " << invalid << " invalid, " << acceptable
              << " acceptable (refused), " << skipped << " skipped\n";
    EXPECT_GT(valid, 0);
    EXPECT_EQ(skipped, 0);
  }
}

TEST(Signature, GivesTheVerdictsOfWycheproofOnMacs) {
  constexpr std::pair<const char*, Algorithm> kFiles[] = {{"hmac_sha256_test", Algorithm::hs256},
                                                          {"hmac_sha384_test", Algorithm::hs384},
                                                          {"hmac_sha512_test", Algorithm::hs512}};
  for (const auto& [name, algorithm] : kFiles) {
    int valid = 0, invalid = 0, truncated = 0, short_keys = 0;
    const auto document = test::load_vector("wycheproof/" + std::string(name) + ".json");
    for (const auto& group : document.at("testGroups").as_array())
      for (const auto& test : group.at("tests").as_array()) {
        const auto key =
            key_from_secret(config::Secret(test::from_hex(test::text(test.at("key")))), algorithm, "id");
        if (!key) {
          ++short_keys;
          continue;
        }
        const std::string tag = test::from_hex(test::text(test.at("tag")));
        const bool good = SignatureVerifier(*key).verify(test::from_hex(test::text(test.at("msg"))), tag);
        if (tag.size() < signature_size(*key)) {
          EXPECT_FALSE(good) << name << " truncated " << test.at("tcId");
          ++truncated;
          continue;
        }
        EXPECT_EQ(good, test.at("result") == "valid") << name << ' ' << test.at("tcId");
        ++(test.at("result") == "valid" ? valid : invalid);
      }
    std::cout << name << ": " << valid << " valid, " << invalid << " invalid, " << truncated
              << " truncated tags all refused, " << short_keys
              << " skipped (a secret below 32 bytes is no key)\n";
    EXPECT_GT(valid, 0);
    EXPECT_GT(invalid, 0);
  }
}

}  // namespace
}  // namespace sallyport::jose
