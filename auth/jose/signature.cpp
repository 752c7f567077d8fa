#include "auth/jose/signature.hpp"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/rsa.h>

#include <algorithm>
#include <array>
#include <new>
#include <stdexcept>

#include "auth/jose/openssl.hpp"
#include "auth/jose/p256_table.hpp"
#include "auth/jose/rsa_check.hpp"
#include "auth/sha256.hpp"

namespace sallyport::jose {
namespace {

enum class Family { hmac, rsa, rsa_pss, ecdsa, eddsa };

constexpr std::size_t kMaxCoordinate = 66;  // P-521

Family family(Algorithm a) {
  if (a <= Algorithm::hs512) return Family::hmac;
  if (a <= Algorithm::rs512) return Family::rsa;
  if (a <= Algorithm::ps512) return Family::rsa_pss;
  if (a <= Algorithm::es512) return Family::ecdsa;
  return Family::eddsa;
}

const char* digest_name(Algorithm a) {
  static constexpr std::array<const char*, 3> kDigests{"SHA2-256", "SHA2-384", "SHA2-512"};
  return kDigests[static_cast<std::size_t>(a) % 3];
}

std::size_t digest_size(Algorithm a) { return 32 + 16 * (static_cast<std::size_t>(a) % 3); }

std::size_t coordinate_size(Algorithm a) {
  return a == Algorithm::es256 ? 32 : a == Algorithm::es384 ? 48 : kMaxCoordinate;
}

// The keyed HMAC: initialising the context again without a key starts over with the prepared pads.
class Hmac {
 public:
  explicit Hmac(const Key& key) : mac_(EVP_MAC_fetch(nullptr, "HMAC", nullptr)) {
    context_.reset(mac_ ? EVP_MAC_CTX_new(mac_.get()) : nullptr);
    std::string name = digest_name(key.algorithm);
    const std::array<OSSL_PARAM, 2> params{
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name.data(), 0), OSSL_PARAM_construct_end()};
    if (!context_ ||
        EVP_MAC_init(context_.get(), bytes(key.secret.reveal()), key.secret.size(), params.data()) != 1)
      throw std::runtime_error("OpenSSL has no HMAC with " + name);
    size_ = EVP_MAC_CTX_get_mac_size(context_.get());
  }

  // The tag lives until the next call.
  std::string_view tag(std::string_view data) {
    std::size_t size = 0;
    if (EVP_MAC_init(context_.get(), nullptr, 0, nullptr) != 1 ||
        EVP_MAC_update(context_.get(), bytes(data), data.size()) != 1 ||
        EVP_MAC_final(context_.get(), tag_.data(), &size, tag_.size()) != 1 || size != size_)
      return {};
    return text(tag_.data(), size);
  }

 private:
  Mac mac_;
  MacContext context_;
  std::size_t size_ = 0;
  std::array<unsigned char, EVP_MAX_MD_SIZE> tag_{};
};

class Hash {
 public:
  explicit Hash(Algorithm a)
      : plain_(digest_size(a) == sizeof(Sha256Digest)),
        digest_(EVP_MD_fetch(nullptr, digest_name(a), nullptr)),
        context_(EVP_MD_CTX_new()) {
    if (!digest_ || !context_) throw std::runtime_error(std::string("OpenSSL has no ") + digest_name(a));
  }
  // Empty where OpenSSL fails. Lives until the next call.
  std::string_view of(std::string_view data) {
    if (plain_) {
      const Sha256Digest hash = sha256(data);
      std::copy(hash.begin(), hash.end(), hash_.begin());
      return text(hash_.data(), hash.size());
    }
    unsigned size = 0;
    if (EVP_DigestInit_ex2(context_.get(), digest_.get(), nullptr) != 1 ||
        EVP_DigestUpdate(context_.get(), data.data(), data.size()) != 1 ||
        EVP_DigestFinal_ex(context_.get(), hash_.data(), &size) != 1)
      return {};
    return text(hash_.data(), size);
  }
  const EVP_MD* digest() const { return digest_.get(); }

 private:
  bool plain_;
  Digest digest_;
  DigestContext context_;
  std::array<unsigned char, EVP_MAX_MD_SIZE> hash_{};
};

// A context for many signatures (or checks) over a digest with one RSA or EC key.
PkeyContext prepare(const Key& key, const Hash& hash, bool signing) {
  PkeyContext context(EVP_PKEY_CTX_new_from_pkey(nullptr, key.pkey.get(), nullptr));
  if (!context) throw std::runtime_error("OpenSSL can't use this key");
  const int begun = signing ? EVP_PKEY_sign_init(context.get()) : EVP_PKEY_verify_init(context.get());
  bool good = begun == 1 && EVP_PKEY_CTX_set_signature_md(context.get(), hash.digest()) == 1;
  if (good && family(key.algorithm) == Family::rsa)
    good = EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_PADDING) == 1;
  if (good &&
      family(key.algorithm) == Family::rsa_pss)  // RFC 7518 3.5: MGF1 with the same hash, salt as long as it
    good = EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_PSS_PADDING) == 1 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(context.get(), RSA_PSS_SALTLEN_DIGEST) == 1 &&
           EVP_PKEY_CTX_set_rsa_mgf1_md(context.get(), hash.digest()) == 1;
  if (!good)
    throw std::runtime_error("OpenSSL refuses " + std::string(to_string(key.algorithm)) + " for this key");
  return context;
}

// One DER INTEGER of a positive number; returns the end.
unsigned char* write_integer(unsigned char* out, std::string_view number) {
  const std::size_t zeros = std::min(number.find_first_not_of('\0'), number.size() - 1);
  number.remove_prefix(zeros);
  const bool pad = (static_cast<unsigned char>(number[0]) & 0x80) != 0;
  *out++ = 0x02;
  *out++ = static_cast<unsigned char>(number.size() + (pad ? 1 : 0));
  if (pad) *out++ = 0;
  return std::copy(number.begin(), number.end(), out);
}

// r||s as the DER that OpenSSL wants, without a BIGNUM. 0 < r, s here; OpenSSL checks that both are below the
// order.
class EcdsaDer {
 public:
  bool assign(std::string_view raw) {
    const std::string_view r = raw.substr(0, raw.size() / 2), s = raw.substr(raw.size() / 2);
    if (r.find_first_not_of('\0') == r.npos || s.find_first_not_of('\0') == s.npos) return false;
    std::array<unsigned char, 2 * (kMaxCoordinate + 3)> body;  // NOLINT: filled below
    unsigned char* const end = write_integer(write_integer(body.data(), r), s);
    const auto size = static_cast<std::size_t>(end - body.data());
    unsigned char* out = der_.data();
    *out++ = 0x30;
    if (size >= 0x80) *out++ = 0x81;
    *out++ = static_cast<unsigned char>(size);
    size_ = static_cast<std::size_t>(std::copy(body.data(), end, out) - der_.data());
    return true;
  }
  const unsigned char* data() const { return der_.data(); }
  std::size_t size() const { return size_; }

 private:
  std::array<unsigned char, 2 * (kMaxCoordinate + 3) + 3> der_{};
  std::size_t size_ = 0;
};

std::string raw_from_der(std::string_view der, std::size_t coordinate) {
  const unsigned char* at = bytes(der);
  const EcdsaSignature signature(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size())));
  std::string raw(2 * coordinate, '\0');
  auto* out = reinterpret_cast<unsigned char*>(raw.data());
  const int width = static_cast<int>(coordinate);
  if (!signature || BN_bn2binpad(ECDSA_SIG_get0_r(signature.get()), out, width) != width ||
      BN_bn2binpad(ECDSA_SIG_get0_s(signature.get()), out + coordinate, width) != width)
    throw std::runtime_error("OpenSSL made an ECDSA signature that can't be read");
  return raw;
}

}  // namespace

std::size_t signature_size(const Key& key) {
  switch (family(key.algorithm)) {
    case Family::hmac:
      return digest_size(key.algorithm);
    case Family::ecdsa:
      return 2 * coordinate_size(key.algorithm);
    case Family::eddsa:
      return 64;
    default:
      return static_cast<std::size_t>(EVP_PKEY_get_size(key.pkey.get()));
  }
}

namespace {

// What signing and checking with a key both need, prepared once.
struct Prepared {
  Prepared(const Key& k, bool to_sign) : kind(family(k.algorithm)), size(signature_size(k)), pkey(k.pkey) {
    const ErrorQueueGuard guard;
    if (kind == Family::hmac) {
      hmac = std::make_unique<Hmac>(k);
    } else if (kind == Family::eddsa) {
      eddsa.reset(EVP_MD_CTX_new());
    } else {
      hash = std::make_unique<Hash>(k.algorithm);
      context = prepare(k, *hash, to_sign);
    }
  }

  Family kind;
  std::size_t size;  // of a signature
  std::shared_ptr<EVP_PKEY> pkey;
  std::unique_ptr<Hmac> hmac;
  std::unique_ptr<Hash> hash;
  PkeyContext context;
  DigestContext eddsa;
};

}  // namespace

struct SignatureVerifier::Impl : Prepared {
  explicit Impl(const Key& k) : Prepared(k, false), table_maker(k.table) {
    if (k.algorithm == Algorithm::rs256) rsa = RsaChecker::of(k.pkey.get());
  }

  bool check(std::string_view data, std::string_view signature) {
    if (signature.size() != size) return false;
    switch (kind) {
      case Family::hmac: {
        const std::string_view tag = hmac->tag(data);
        return tag.size() == size && CRYPTO_memcmp(tag.data(), signature.data(), size) == 0;
      }
      case Family::eddsa:
        return EVP_DigestVerifyInit(eddsa.get(), nullptr, nullptr, nullptr, pkey.get()) == 1 &&
               EVP_DigestVerify(eddsa.get(), bytes(signature), signature.size(), bytes(data), data.size()) ==
                   1;
      case Family::ecdsa:
        if (with_table) return with_table->verify(hash->of(data), signature);
        if (!der.assign(signature) || !check_digest(data, text(der.data(), der.size()))) return false;
        if (table_maker) take_table(table_maker->count_good());
        return true;
      case Family::rsa:
        return rsa ? rsa->verify(hash->of(data), signature) : check_digest(data, signature);
      default:
        return check_digest(data, signature);
    }
  }

  void take_table(std::shared_ptr<const P256Table> table) {
    if (!table) return;
    table_maker.reset();
    try {
      with_table = std::make_unique<P256Checker>(std::move(table));
    } catch (const std::bad_alloc&) {
      ERR_clear_error();  // checks go on as they were
    }
  }

  bool check_digest(std::string_view data, std::string_view signature) {
    const std::string_view digest = hash->of(data);
    return !digest.empty() && EVP_PKEY_verify(context.get(), bytes(signature), signature.size(),
                                              bytes(digest), digest.size()) == 1;
  }

  EcdsaDer der;
  std::shared_ptr<P256TableMaker> table_maker;  // until it has made one
  std::unique_ptr<P256Checker> with_table;
  std::unique_ptr<RsaChecker> rsa;
};

SignatureVerifier::SignatureVerifier(const Key& key) : impl_(std::make_unique<Impl>(key)) {}
SignatureVerifier::~SignatureVerifier() = default;
SignatureVerifier::SignatureVerifier(SignatureVerifier&&) noexcept = default;
SignatureVerifier& SignatureVerifier::operator=(SignatureVerifier&&) noexcept = default;

bool SignatureVerifier::verify(std::string_view signed_bytes, std::string_view signature) {
  if (impl_->check(signed_bytes, signature)) return true;
  ERR_clear_error();
  return false;
}

namespace {

const Key& able_to_sign(const Key& k) {
  if (!k.can_sign) throw std::invalid_argument("the key " + k.id + " has no private part: it can't sign");
  return k;
}

}  // namespace

struct Signer::Impl : Prepared {
  explicit Impl(const Key& k) : Prepared(able_to_sign(k), true) {}

  std::string make(std::string_view data) {
    if (kind == Family::hmac) return std::string(hmac->tag(data));
    std::string out(kind == Family::ecdsa ? static_cast<std::size_t>(EVP_PKEY_get_size(pkey.get())) : size,
                    '\0');
    auto* to = reinterpret_cast<unsigned char*>(out.data());
    std::size_t written = out.size();
    if (kind == Family::eddsa) {
      if (EVP_DigestSignInit(eddsa.get(), nullptr, nullptr, nullptr, pkey.get()) != 1 ||
          EVP_DigestSign(eddsa.get(), to, &written, bytes(data), data.size()) != 1)
        return {};
      return out;
    }
    const std::string_view digest = hash->of(data);
    if (digest.empty() || EVP_PKEY_sign(context.get(), to, &written, bytes(digest), digest.size()) != 1)
      return {};
    out.resize(written);
    return kind == Family::ecdsa ? raw_from_der(out, size / 2) : out;
  }
};

Signer::Signer(const Key& key) : impl_(std::make_unique<Impl>(key)) {}
Signer::~Signer() = default;
Signer::Signer(Signer&&) noexcept = default;
Signer& Signer::operator=(Signer&&) noexcept = default;

std::string Signer::sign(std::string_view bytes_to_sign) {
  const ErrorQueueGuard guard;
  std::string signature = impl_->make(bytes_to_sign);
  if (signature.size() != impl_->size) throw std::runtime_error("OpenSSL couldn't sign");
  return signature;
}

}  // namespace sallyport::jose
