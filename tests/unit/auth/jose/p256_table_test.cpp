// J3: ES256 checked with a table gives OpenSSL's verdicts, also on numbers that no honest signer picks.
#include "auth/jose/p256_table.hpp"

#include <gtest/gtest.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/obj_mac.h>
#include <openssl/sha.h>

#include <chrono>
#include <functional>
#include <iostream>
#include <random>
#include <thread>

#include "auth/jose/openssl.hpp"
#include "support.hpp"

namespace sallyport::jose {
namespace {

using test::key_for;

std::string bytes_of(const BIGNUM* number) {
  std::string out(32, '\0');
  BN_bn2binpad(number, reinterpret_cast<unsigned char*>(out.data()), 32);
  return out;
}

Bignum number(std::string_view hex) {
  BIGNUM* made = nullptr;
  BN_hex2bn(&made, std::string(hex).c_str());
  return Bignum(made);
}

// A signer who picks the numbers: given two of (nonce, s, digest) it makes what completes the signature.
class Picker {
 public:
  Picker() {
    BIGNUM* d = nullptr;
    EVP_PKEY_get_bn_param(key_for(Algorithm::es256).pkey.get(), OSSL_PKEY_PARAM_PRIV_KEY, &d);
    private_.reset(d);
  }
  const BIGNUM* order() const { return EC_GROUP_get0_order(group_.get()); }
  Bignum from_end(unsigned long below) const {
    Bignum out(BN_dup(order()));
    BN_sub_word(out.get(), below);
    return out;
  }

  Bignum r_of(const BIGNUM* nonce) const {
    const EcPoint point(EC_POINT_new(group_.get()));
    Bignum x(BN_new());
    EC_POINT_mul(group_.get(), point.get(), nonce, nullptr, nullptr, context_.get());
    EC_POINT_get_affine_coordinates(group_.get(), point.get(), x.get(), nullptr, context_.get());
    BN_nnmod(x.get(), x.get(), order(), context_.get());
    return x;
  }
  // The digest that (r, s) signs: s*k - r*d.
  std::string digest(const BIGNUM* r, const BIGNUM* s, const BIGNUM* nonce) const {
    const Bignum left(BN_new()), right(BN_new());
    BN_mod_mul(left.get(), s, nonce, order(), context_.get());
    BN_mod_mul(right.get(), r, private_.get(), order(), context_.get());
    BN_mod_sub(left.get(), left.get(), right.get(), order(), context_.get());
    return bytes_of(left.get());
  }
  // s of a nonce and a digest that is r*d: both products are the same point, and their sum is its double.
  Bignum s_that_doubles(const BIGNUM* r, const BIGNUM* nonce) const {
    Bignum s(BN_new());
    const Bignum inverse(BN_mod_inverse(nullptr, nonce, order(), context_.get()));
    BN_mod_mul(s.get(), r, private_.get(), order(), context_.get());
    BN_mod_lshift1(s.get(), s.get(), order(), context_.get());
    BN_mod_mul(s.get(), s.get(), inverse.get(), order(), context_.get());
    return s;
  }

 private:
  EcGroup group_{EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1)};
  BignumContext context_{BN_CTX_new()};
  Bignum private_;
};

std::shared_ptr<const P256Table> table() {
  static const auto made = P256Table::of(key_for(Algorithm::es256).pkey.get());
  return made;
}

// OpenSSL's verdict on the same digest.
bool by_openssl(const std::string& digest, const std::string& signature) {
  const ErrorQueueGuard guard;
  const EcdsaSignature parts(ECDSA_SIG_new());
  ECDSA_SIG_set0(parts.get(), BN_bin2bn(bytes(signature), 32, nullptr),
                 BN_bin2bn(bytes(signature) + 32, 32, nullptr));
  unsigned char* der = nullptr;
  const int size = i2d_ECDSA_SIG(parts.get(), &der);
  const PkeyContext context(
      EVP_PKEY_CTX_new_from_pkey(nullptr, key_for(Algorithm::es256).pkey.get(), nullptr));
  EVP_PKEY_verify_init(context.get());
  const bool good =
      EVP_PKEY_verify(context.get(), der, static_cast<std::size_t>(size), bytes(digest), digest.size()) == 1;
  OPENSSL_free(der);
  return good;
}

TEST(P256Table, BelievesSignaturesWithUnusualNumbers) {
  const Picker picker;
  P256Checker checker(table());
  std::vector<Bignum> values;
  for (const unsigned long small : {1UL, 2UL, 3UL, 4UL, 255UL, 256UL, 0xFFFFFFFFUL})
    values.push_back(number("0")), BN_set_word(values.back().get(), small);
  for (const unsigned long below : {1UL, 2UL, 3UL}) values.push_back(picker.from_end(below));
  for (const int bit : {63, 64, 65, 127, 128, 191, 192, 193, 254, 255}) {
    values.push_back(number("0"));
    BN_set_bit(values.back().get(), bit);
  }
  values.push_back(number("7FFFFFFF800000007FFFFFFFFFFFFFFFDE737D56D38BCF4279DCE5617E3192A8"));  // half of n
  const Bignum nonce = number("C0FFEE5EED1234567890ABCDEF");
  for (const Bignum& s : values)
    for (const BIGNUM* k : {static_cast<const BIGNUM*>(nonce.get()), static_cast<const BIGNUM*>(s.get())}) {
      const Bignum r = picker.r_of(k);
      const std::string digest = picker.digest(r.get(), s.get(), k);
      const std::string signature = bytes_of(r.get()) + bytes_of(s.get());
      EXPECT_TRUE(by_openssl(digest, signature)) << BN_bn2hex(s.get());
      EXPECT_TRUE(checker.verify(digest, signature)) << BN_bn2hex(s.get());
    }
  const Bignum r = picker.r_of(nonce.get()), s = picker.s_that_doubles(r.get(), nonce.get());
  EXPECT_TRUE(
      checker.verify(picker.digest(r.get(), s.get(), nonce.get()), bytes_of(r.get()) + bytes_of(s.get())));
}

TEST(P256Table, RefusesWhatIsOutOfRangeOrGivesNoPoint) {
  const Picker picker;
  P256Checker checker(table());
  const Bignum nonce = number("C0FFEE"), zero = number("0"), one = number("1");
  const Bignum r = picker.r_of(nonce.get());
  const std::string digest = picker.digest(r.get(), one.get(), nonce.get());
  ASSERT_TRUE(checker.verify(digest, bytes_of(r.get()) + bytes_of(one.get())));
  const std::string n = bytes_of(picker.order()), none(32, '\0'), ones(32, '\xFF');
  for (const std::string& bad : {none, n, ones}) {
    EXPECT_FALSE(checker.verify(digest, bytes_of(r.get()) + bad));
    EXPECT_FALSE(checker.verify(digest, bad + bytes_of(one.get())));
  }
  // e = -r*d: the two products cancel out.
  EXPECT_FALSE(
      checker.verify(picker.digest(r.get(), one.get(), zero.get()), bytes_of(r.get()) + bytes_of(one.get())));
  EXPECT_FALSE(checker.verify(digest.substr(1), bytes_of(r.get()) + bytes_of(one.get())));
  EXPECT_FALSE(checker.verify(digest, bytes_of(r.get())));
  EXPECT_TRUE(checker.verify(digest, bytes_of(r.get()) + bytes_of(one.get()))) << "good again";
}

TEST(P256Table, AgreesWithOpensslOnManySignaturesAndTheirForgeries) {
  P256Checker checker(table());
  Signer signer(key_for(Algorithm::es256));
  std::mt19937_64 random(7);
  for (int i = 0; i < 400; ++i) {
    const std::string data = "message " + std::to_string(i);
    std::string digest(SHA256_DIGEST_LENGTH, '\0');
    SHA256(bytes(data), data.size(), reinterpret_cast<unsigned char*>(digest.data()));
    std::string signature = signer.sign(data);
    ASSERT_TRUE(checker.verify(digest, signature)) << i;
    const auto bit = random() % 512;
    signature[bit / 8] = static_cast<char>(signature[bit / 8] ^ (1 << bit % 8));
    ASSERT_EQ(checker.verify(digest, signature), by_openssl(digest, signature)) << i << " bit " << bit;
  }
  ERR_clear_error();
}

TEST(P256Table, GivesTheVerdictsOfWycheproof) {
  int valid = 0, invalid = 0;
  const auto document = test::load_vector("wycheproof/ecdsa_secp256r1_sha256_p1363_test.json");
  for (const auto& group : document.at("testGroups").as_array()) {
    const auto key = key_from_pem(test::text(group.at("publicKeyPem")), Algorithm::es256);
    ASSERT_TRUE(key) << key.error();
    P256Checker checker(P256Table::of(key->pkey.get()));
    for (const auto& test : group.at("tests").as_array()) {
      const std::string message = test::from_hex(test::text(test.at("msg")));
      std::string digest(SHA256_DIGEST_LENGTH, '\0');
      SHA256(bytes(message), message.size(), reinterpret_cast<unsigned char*>(digest.data()));
      const bool good = checker.verify(digest, test::from_hex(test::text(test.at("sig"))));
      EXPECT_EQ(good, test.at("result") == "valid") << test.at("tcId") << ' ' << test.at("comment");
      ++(good ? valid : invalid);
    }
  }
  ERR_clear_error();
  std::cout << valid << " valid, " << invalid << " invalid\n";
  EXPECT_GT(valid, 100);
  EXPECT_GT(invalid, 50);
}

TEST(P256Table, IsForKeysOnP256Only) {
  for (const Algorithm algorithm : {Algorithm::es384, Algorithm::eddsa, Algorithm::rs256})
    EXPECT_EQ(P256Table::of(key_for(algorithm).pkey.get()), nullptr) << to_string(algorithm);
}

// Verifiers in several threads, from the first check to the table and beyond. With the maker of another key
// it shows that the table is what decides from then on.
TEST(P256Table, IsMadeForAKeyThatChecksALotAndUsedFromThenOn) {
  const auto key = generate_key(Algorithm::es256), other = generate_key(Algorithm::es256);
  ASSERT_TRUE(key && other);
  Key wrong = *key;
  wrong.table = other->table;
  const std::string good = Signer(*key).sign("data"), forged = Signer(*other).sign("data");
  const auto check = [&](const Key& one, bool believed) {
    SignatureVerifier verifier(one);
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    ASSERT_FALSE(verifier.verify("data", forged));
    while (one.table->count_good() == nullptr) {
      ASSERT_TRUE(verifier.verify("data", good));  // by the key itself, even where it takes the table then
      ASSERT_LT(std::chrono::steady_clock::now(), give_up) << "no table was made";
    }
    verifier.verify("data", good);  // takes the table if it hasn't
    for (int i = 0; i < 50; ++i) {
      ASSERT_EQ(verifier.verify("data", good), believed) << i;
      ASSERT_EQ(verifier.verify("data", forged), !believed) << i;
    }
    EXPECT_EQ(ERR_peek_error(), 0u);
  };
  {
    const std::jthread beside(check, std::cref(*key), true);
    check(*key, true);
  }
  check(wrong, false);
}

TEST(P256Table, IsFinishedAndForgottenWhenItsKeyHasGone) {
  auto key = generate_key(Algorithm::es256);
  ASSERT_TRUE(key) << key.error();
  for (unsigned i = 0; i < P256TableMaker::kWorthwhile; ++i) key->table->count_good();
  const std::weak_ptr<EVP_PKEY> alive = key->pkey;
  *key = Key();
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!alive.expired() && std::chrono::steady_clock::now() < give_up) std::this_thread::yield();
  EXPECT_TRUE(alive.expired());
}

TEST(P256Table, IsNotMadeForForgeries) {
  const auto key = generate_key(Algorithm::es256);
  ASSERT_TRUE(key) << key.error();
  const std::string other = Signer(*key).sign("other");
  SignatureVerifier verifier(*key);
  for (unsigned i = 0; i < P256TableMaker::kWorthwhile + 10; ++i)
    ASSERT_FALSE(verifier.verify("data", other));
  EXPECT_EQ(key->table->counted(), 0u);
}

}  // namespace
}  // namespace sallyport::jose
