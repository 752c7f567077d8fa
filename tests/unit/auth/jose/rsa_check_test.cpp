// J3: RS256 checked with the modulus prepared; SignatureVerifier's tests give it Wycheproof's vectors.
#include "auth/jose/rsa_check.hpp"

#include <gtest/gtest.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/rsa.h>

#include "auth/jose/key_checks.hpp"
#include "auth/jose/openssl.hpp"
#include "auth/sha256.hpp"
#include "support.hpp"

namespace sallyport::jose {
namespace {

Key make_key(int bits, unsigned long exponent) {
  const PkeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr));
  const Bignum e(BN_new());
  BN_set_word(e.get(), exponent);
  EVP_PKEY* made = nullptr;
  if (EVP_PKEY_keygen_init(context.get()) != 1 ||
      EVP_PKEY_CTX_set_rsa_keygen_bits(context.get(), bits) != 1 ||
      EVP_PKEY_CTX_set1_rsa_keygen_pubexp(context.get(), e.get()) != 1 ||
      EVP_PKEY_generate(context.get(), &made) != 1)
    throw std::runtime_error("no RSA key");
  auto key = key_from_pkey(Pkey(made), Algorithm::rs256, true);
  if (!key) throw std::runtime_error(key.error());
  return std::move(*key);
}

std::string digest_of(std::string_view data) {
  const Sha256Digest digest = sha256(data);
  return std::string(text(digest.data(), digest.size()));
}

std::string modulus(const Key& key) {
  BIGNUM* n = nullptr;
  EVP_PKEY_get_bn_param(key.pkey.get(), OSSL_PKEY_PARAM_RSA_N, &n);
  const Bignum owned(n);
  std::string out(signature_size(key), '\0');
  BN_bn2binpad(n, reinterpret_cast<unsigned char*>(out.data()), static_cast<int>(out.size()));
  return out;
}

TEST(RsaCheck, ChecksKeysOfEverySize) {
  for (const int bits : {2048, 2050, 2055, 3072}) {
    const Key key = make_key(bits, 65537);
    const auto checker = RsaChecker::of(key.pkey.get());
    ASSERT_NE(checker, nullptr) << bits;
    for (int i = 0; i < 20; ++i) {
      const std::string data = "data " + std::to_string(i);
      std::string signature = Signer(key).sign(data);
      EXPECT_TRUE(checker->verify(digest_of(data), signature)) << bits;
      EXPECT_FALSE(checker->verify(digest_of(data + 'x'), signature)) << bits;
      const auto at = static_cast<std::size_t>(i) * signature.size() / 20;
      signature[at] = static_cast<char>(signature[at] ^ 1 << i % 8);
      EXPECT_FALSE(checker->verify(digest_of(data), signature)) << bits << " byte " << at;
    }
  }
}

TEST(RsaCheck, RefusesNumbersThatNoSignerMakes) {
  const Key key = make_key(2050, 65537);
  const auto checker = RsaChecker::of(key.pkey.get());
  ASSERT_NE(checker, nullptr);
  const std::string good = Signer(key).sign("data"), digest = digest_of("data"), n = modulus(key);
  ASSERT_TRUE(checker->verify(digest, good));
  std::string one(good.size(), '\0');
  EXPECT_FALSE(checker->verify(digest, one));
  one.back() = '\1';
  EXPECT_FALSE(checker->verify(digest, one));
  EXPECT_FALSE(checker->verify(digest, n));
  EXPECT_FALSE(checker->verify(digest, std::string(good.size(), '\xff')));
  // The same residue once more around: a modulus of 2050 bits leaves room for it in 257 bytes.
  const Bignum sum(BN_bin2bn(bytes(good), static_cast<int>(good.size()), nullptr));
  const Bignum order(BN_bin2bn(bytes(n), static_cast<int>(n.size()), nullptr));
  BN_add(sum.get(), sum.get(), order.get());
  std::string around(good.size(), '\0');
  ASSERT_EQ(BN_bn2binpad(sum.get(), reinterpret_cast<unsigned char*>(around.data()),
                         static_cast<int>(around.size())),
            static_cast<int>(around.size()));
  EXPECT_FALSE(checker->verify(digest, around));
  EXPECT_FALSE(checker->verify(digest, good.substr(1)));
  EXPECT_FALSE(checker->verify(digest.substr(1), good));
  EXPECT_TRUE(checker->verify(digest, good)) << "good again";
}

TEST(RsaCheck, LeavesUnusualKeysToOpenssl) {
  const Key key = make_key(2048, 3);
  EXPECT_EQ(RsaChecker::of(key.pkey.get()), nullptr);
  SignatureVerifier verifier(key);
  EXPECT_TRUE(verifier.verify("data", Signer(key).sign("data")));
  EXPECT_FALSE(verifier.verify("other", Signer(key).sign("data")));
  EXPECT_EQ(RsaChecker::of(test::key_for(Algorithm::es256).pkey.get()), nullptr);
}

}  // namespace
}  // namespace sallyport::jose
