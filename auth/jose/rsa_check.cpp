#include "auth/jose/rsa_check.hpp"

#include <openssl/bn.h>
#include <openssl/core_names.h>

#include <string>
#include <utility>

#include "auth/jose/openssl.hpp"

namespace sallyport::jose {
namespace {

constexpr int kMinBits = 2048, kMaxBits = 4096;
constexpr BN_ULONG kExponent = 65537;  // F4
constexpr std::size_t kDigest = 32;

// DigestInfo of SHA-256 up to the digest (RFC 8017 9.2, note 1).
constexpr unsigned char kSha256Info[] = {0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
                                         0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20};

Bignum number_of(const EVP_PKEY* key, const char* name) {
  BIGNUM* number = nullptr;
  return Bignum(EVP_PKEY_get_bn_param(key, name, &number) == 1 ? number : nullptr);
}

// EMSA-PKCS1-v1_5 for a modulus of `size` bytes, the digest left out.
std::string encoding(std::size_t size) {
  std::string all("\0\1", 2);
  all.append(size - all.size() - 1 - sizeof kSha256Info - kDigest, '\xff');
  all.push_back('\0');
  all.append(reinterpret_cast<const char*>(kSha256Info), sizeof kSha256Info);
  return all;
}

}  // namespace

struct RsaChecker::Numbers {
  Bignum modulus, signature{BN_new()}, power{BN_new()};
  BignumContext context{BN_CTX_new()};
  Montgomery montgomery{BN_MONT_CTX_new()};
  std::string expected, found;
};

RsaChecker::RsaChecker(std::unique_ptr<Numbers> numbers) : numbers_(std::move(numbers)) {}
RsaChecker::~RsaChecker() = default;

std::unique_ptr<RsaChecker> RsaChecker::of(const EVP_PKEY* key) {
  const ErrorQueueGuard guard;
  const Bignum exponent = number_of(key, OSSL_PKEY_PARAM_RSA_E);
  auto my = std::make_unique<Numbers>();
  my->modulus = number_of(key, OSSL_PKEY_PARAM_RSA_N);
  if (!exponent || !BN_is_word(exponent.get(), kExponent) || !my->modulus ||
      BN_num_bits(my->modulus.get()) < kMinBits || BN_num_bits(my->modulus.get()) > kMaxBits ||
      !my->signature || !my->power || !my->context || !my->montgomery ||
      BN_MONT_CTX_set(my->montgomery.get(), my->modulus.get(), my->context.get()) != 1)
    return nullptr;
  my->expected = encoding(static_cast<std::size_t>(BN_num_bytes(my->modulus.get())));
  my->found.resize(my->expected.size() + kDigest);
  return std::unique_ptr<RsaChecker>(new RsaChecker(std::move(my)));
}

bool RsaChecker::verify(std::string_view digest, std::string_view signature) {
  Numbers& my = *numbers_;
  if (digest.size() != kDigest || signature.size() != my.found.size()) return false;
  BIGNUM *const s = my.signature.get(), *const power = my.power.get();
  BN_MONT_CTX* const form = my.montgomery.get();
  BN_CTX* const context = my.context.get();
  if (!BN_bin2bn(bytes(signature), static_cast<int>(signature.size()), s) ||
      BN_ucmp(s, my.modulus.get()) >= 0 || BN_to_montgomery(power, s, form, context) != 1)
    return false;
  // s^65537: sixteen squares in Montgomery's form, and one product with what isn't in it, which leaves it.
  for (int i = 0; i < 16; ++i)
    if (BN_mod_mul_montgomery(power, power, power, form, context) != 1) return false;
  if (BN_mod_mul_montgomery(power, power, s, form, context) != 1) return false;
  auto* const found = reinterpret_cast<unsigned char*>(my.found.data());
  if (BN_bn2binpad(power, found, static_cast<int>(my.found.size())) < 0) return false;
  const std::string_view block = my.found;
  return block.substr(0, my.expected.size()) == my.expected && block.substr(my.expected.size()) == digest;
}

}  // namespace sallyport::jose
