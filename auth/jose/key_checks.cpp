#include "auth/jose/key_checks.hpp"

#include <openssl/core_names.h>

#include <array>
#include <utility>

#include "auth/jose/base64url.hpp"
#include "auth/jose/openssl.hpp"
#include "auth/jose/p256_table.hpp"

namespace sallyport::jose {
namespace {

struct Curve {
  const char* jose;     // the JWK name
  const char* openssl;  // the group's name there
  Algorithm algorithm;
  std::size_t size;  // of a coordinate
};
constexpr std::array<Curve, 3> kCurves{Curve{"P-256", "prime256v1", Algorithm::es256, 32},
                                       Curve{"P-384", "secp384r1", Algorithm::es384, 48},
                                       Curve{"P-521", "secp521r1", Algorithm::es512, 66}};

const Curve* curve_of(const EVP_PKEY* pkey) {
  std::array<char, 64> name{};
  std::size_t size = 0;
  if (EVP_PKEY_get_group_name(pkey, name.data(), name.size(), &size) != 1) return nullptr;
  for (const Curve& curve : kCurves)
    if (std::string_view(name.data(), size) == curve.openssl) return &curve;
  return nullptr;
}

bool is_rsa(Algorithm a) { return a >= Algorithm::rs256 && a <= Algorithm::ps512; }

std::string misfit(Algorithm algorithm, std::string_view kind) {
  return "the algorithm " + std::string(to_string(algorithm)) + " doesn't fit a key of kind " +
         std::string(kind);
}

Bignum number_of(const EVP_PKEY* pkey, const char* name) {
  BIGNUM* raw = nullptr;
  return Bignum(EVP_PKEY_get_bn_param(pkey, name, &raw) == 1 ? raw : nullptr);
}

// CVE-2017-15361 (ROCA): moduli of one maker's chips are powers of 65537 modulo every small prime, and can be
// factored. Another modulus looks so once in 2^27.
bool looks_like_roca(const BIGNUM* modulus) {
  for (const unsigned prime :
       {3,  5,  7,  11, 13, 17,  19,  23,  29,  31,  37,  41,  43,  47,  53,  59,  61,  67,  71,
        73, 79, 83, 89, 97, 101, 103, 107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167}) {
    const BN_ULONG rest = BN_mod_word(modulus, prime);
    BN_ULONG power = 1;
    do power = power * 65537 % prime;
    while (power != rest && power != 1);
    if (power != rest) return false;
  }
  return true;
}

KeyResult<Algorithm> rsa_algorithm(const EVP_PKEY* pkey, std::optional<Algorithm> wanted) {
  const int bits = EVP_PKEY_get_bits(pkey);
  if (bits < kMinRsaBits)
    return "an RSA key of " + std::to_string(bits) + " bits is too weak: make one of 2048 bits or more";
  if (bits > kMaxRsaBits)
    return "an RSA key of " + std::to_string(bits) + " bits is too large: " + std::to_string(kMaxRsaBits) +
           " bits are the most";
  if (!wanted) return std::string("an RSA key serves several algorithms: name the one (RS256, PS256, ...)");
  if (!is_rsa(*wanted)) return misfit(*wanted, "RSA");
  const Bignum modulus = number_of(pkey, OSSL_PKEY_PARAM_RSA_N);
  const Bignum exponent = number_of(pkey, OSSL_PKEY_PARAM_RSA_E);
  if (!modulus || !BN_is_odd(modulus.get())) return std::string("the RSA key's modulus is even: no such key");
  if (looks_like_roca(modulus.get()))
    return std::string("the RSA key was made by a chip with the ROCA flaw and can be broken: make another");
  if (!exponent || !BN_is_odd(exponent.get()) || BN_is_one(exponent.get()) ||
      BN_num_bits(exponent.get()) > 64)
    return std::string("the RSA key's public exponent is no odd number from 3 to 2^64");
  return *wanted;
}

KeyResult<Algorithm> algorithm_of(const EVP_PKEY* pkey, std::optional<Algorithm> wanted) {
  if (EVP_PKEY_is_a(pkey, "RSA") == 1) return rsa_algorithm(pkey, wanted);
  if (EVP_PKEY_is_a(pkey, "EC") == 1) {
    const Curve* curve = curve_of(pkey);
    if (curve == nullptr) return std::string("the key's curve isn't one of P-256, P-384, P-521");
    if (wanted && *wanted != curve->algorithm) return misfit(*wanted, curve->jose);
    return curve->algorithm;
  }
  if (EVP_PKEY_is_a(pkey, "ED25519") == 1) {
    if (wanted && *wanted != Algorithm::eddsa) return misfit(*wanted, "Ed25519");
    return Algorithm::eddsa;
  }
  const char* kind = EVP_PKEY_get0_type_name(pkey);
  return "keys of kind " + std::string(kind != nullptr ? kind : "unknown") +
         " aren't used: RSA, EC, Ed25519 are";
}

// Is the public part a point of the curve's group? And does the private part belong to it? A signature by a
// pair that doesn't match can give the private part away. A public RSA key has been looked at in
// rsa_algorithm: OpenSSL's own check tests the modulus for primality, which takes 10 ms, or seconds for a
// large key set, and protects nobody.
bool sound(EVP_PKEY* pkey, bool has_private) {
  const PkeyContext context(EVP_PKEY_CTX_new_from_pkey(nullptr, pkey, nullptr));
  if (!context) return false;
  if (EVP_PKEY_is_a(pkey, "RSA") != 1 && EVP_PKEY_public_check(context.get()) != 1) return false;
  return !has_private || EVP_PKEY_pairwise_check(context.get()) == 1;
}

// A number of the key, big endian, in `size` bytes (0: as few as it takes).
std::string number(const EVP_PKEY* pkey, const char* name, std::size_t size) {
  const Bignum value = number_of(pkey, name);
  if (!value) return {};
  std::string out(size == 0 ? static_cast<std::size_t>(BN_num_bytes(value.get())) : size, '\0');
  if (BN_bn2binpad(value.get(), reinterpret_cast<unsigned char*>(out.data()), static_cast<int>(out.size())) <
      0)
    return {};
  return base64url_encode(out);
}

}  // namespace

KeyResult<Key> key_from_pkey(Pkey pkey, std::optional<Algorithm> algorithm, bool has_private) {
  const ErrorQueueGuard guard;
  auto fitting = algorithm_of(pkey.get(), algorithm);
  if (!fitting) return fitting.error();
  if (!sound(pkey.get(), has_private))
    return std::string("the key's numbers are no valid key, or its halves don't belong together");
  Key key;
  key.algorithm = *fitting;
  key.pkey = std::shared_ptr<EVP_PKEY>(std::move(pkey));
  if (key.algorithm == Algorithm::es256) key.table = std::make_shared<P256TableMaker>(key.pkey);
  key.can_sign = has_private;
  key.id = thumbprint(key);
  if (key.id.empty()) return std::string("the key can't be written as a JWK");
  return key;
}

std::vector<JwkMember> public_members(const Key& key) {
  const ErrorQueueGuard guard;
  const EVP_PKEY* pkey = key.pkey.get();
  if (pkey == nullptr) return {};
  if (is_rsa(key.algorithm))
    return {{"e", number(pkey, OSSL_PKEY_PARAM_RSA_E, 0)},
            {"kty", "RSA"},
            {"n", number(pkey, OSSL_PKEY_PARAM_RSA_N, 0)}};
  if (key.algorithm == Algorithm::eddsa) {
    std::array<unsigned char, 32> raw{};
    std::size_t size = raw.size();
    if (EVP_PKEY_get_raw_public_key(pkey, raw.data(), &size) != 1) return {};
    return {{"crv", "Ed25519"}, {"kty", "OKP"}, {"x", base64url_encode(text(raw.data(), size))}};
  }
  const Curve* curve = curve_of(pkey);
  if (curve == nullptr) return {};
  return {{"crv", curve->jose},
          {"kty", "EC"},
          {"x", number(pkey, OSSL_PKEY_PARAM_EC_PUB_X, curve->size)},
          {"y", number(pkey, OSSL_PKEY_PARAM_EC_PUB_Y, curve->size)}};
}

}  // namespace sallyport::jose
