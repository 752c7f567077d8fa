#include "auth/jose/key_ring.hpp"

#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/rand.h>
#include <boost/json/serialize.hpp>

#include <array>
#include <stdexcept>

#include "auth/jose/base64url.hpp"
#include "auth/jose/openssl.hpp"
#include "auth/jose/strict_json.hpp"

namespace sallyport::jose {
namespace {

using config::Secret;
using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, Freer<EVP_CIPHER_CTX_free>>;
using Kdf = std::unique_ptr<EVP_KDF, Freer<EVP_KDF_free>>;
using KdfContext = std::unique_ptr<EVP_KDF_CTX, Freer<EVP_KDF_CTX_free>>;

constexpr std::string_view kVersion = "v1.", kLabel = "sallyport keys in the store v1";
constexpr std::size_t kNonce = 12, kTag = 16, kKey = 32;

struct CipherKey {
  std::array<unsigned char, kKey> bytes{};
  ~CipherKey() { OPENSSL_cleanse(bytes.data(), bytes.size()); }
};

void derive(const Secret& wrap_key, CipherKey& key) {
  const Kdf kdf(EVP_KDF_fetch(nullptr, "HKDF", nullptr));
  const KdfContext context(kdf ? EVP_KDF_CTX_new(kdf.get()) : nullptr);
  char digest[] = "SHA256";
  std::string secret(wrap_key.reveal()), label(kLabel);
  const OSSL_PARAM params[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, secret.data(), secret.size()),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, label.data(), label.size()),
      OSSL_PARAM_construct_end()};
  const bool done = context && EVP_KDF_derive(context.get(), key.bytes.data(), kKey, params) == 1;
  OPENSSL_cleanse(secret.data(), secret.size());
  if (!done) throw std::runtime_error("OpenSSL couldn't derive a key (HKDF)");
}

// `in` behind the nonce; encrypting appends the tag, decrypting checks it. Empty: refused.
Secret crypt(bool encrypt, const Secret& wrap_key, std::string_view nonce, std::string_view in) {
  const ErrorQueueGuard guard;
  CipherKey key;
  derive(wrap_key, key);
  const CipherContext context(EVP_CIPHER_CTX_new());
  std::string tag(kTag, '\0');
  if (!encrypt) {
    tag = in.substr(in.size() - kTag);
    in.remove_suffix(kTag);
  }
  std::string out(in.size(), '\0');
  auto* to = reinterpret_cast<unsigned char*>(out.data());
  int size = 0, last = 0;
  bool good = context && EVP_CipherInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, key.bytes.data(),
                                           bytes(nonce), encrypt ? 1 : 0) == 1;
  good = good &&
         EVP_CipherUpdate(context.get(), nullptr, &size, bytes(kLabel), static_cast<int>(kLabel.size())) == 1;
  good = good && EVP_CipherUpdate(context.get(), to, &size, bytes(in), static_cast<int>(in.size())) == 1;
  if (!encrypt)
    good = good &&
           EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_SET_TAG, static_cast<int>(kTag), tag.data()) == 1;
  good = good && EVP_CipherFinal_ex(context.get(), to + size, &last) == 1;
  if (encrypt) {
    good = good &&
           EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_GET_TAG, static_cast<int>(kTag), tag.data()) == 1;
    out += tag;
  }
  Secret result(std::move(out));
  return good ? result : Secret();
}

}  // namespace

KeyResult<KeyRing> KeyRing::open(std::string_view sealed, const Secret& wrap_key) {
  const std::string damaged = "the keys in the store are damaged; restore the store from a backup";
  if (!sealed.starts_with(kVersion) || sealed.size() > kMaxRingSize) return failed(damaged);
  const auto raw = base64url_decode(sealed.substr(kVersion.size()));
  if (!raw || raw->size() < kNonce + kTag) return failed(damaged);
  const std::string_view whole = *raw;
  const Secret plain = crypt(false, wrap_key, whole.substr(0, kNonce), whole.substr(kNonce));
  if (plain.empty())
    return failed(
        "the keys in the store were sealed under another wrap_key; give this gateway the "
        "tokens.signing.wrap_key of the others");
  const auto parsed = parse_strict_json(plain.reveal());
  const boost::json::object* object = parsed ? parsed->if_object() : nullptr;
  if (object == nullptr) return failed(damaged);
  KeyRing ring;
  for (const auto& [name, text] : *object) {
    if (!text.is_string()) return failed(damaged);
    ring.texts_.emplace(std::string(name), Secret(std::string(text.get_string())));
  }
  return ring;
}

std::string KeyRing::seal(const Secret& wrap_key) const {
  boost::json::object object;
  for (const auto& [name, text] : texts_) object[name] = text.reveal();
  const Secret plain(boost::json::serialize(object));
  for (auto& [name, text] : object) OPENSSL_cleanse(text.get_string().data(), text.get_string().size());
  std::string raw(kNonce, '\0');
  if (RAND_bytes(reinterpret_cast<unsigned char*>(raw.data()), static_cast<int>(kNonce)) != 1)
    throw std::runtime_error("no random numbers from OpenSSL");
  const Secret sealed = crypt(true, wrap_key, raw, plain.reveal());
  if (sealed.empty()) throw std::runtime_error("OpenSSL couldn't encrypt (AES-256-GCM)");
  raw += sealed.reveal();
  return std::string(kVersion) + base64url_encode(raw);
}

KeyResult<Secret> KeyRing::read(const std::string& name, std::size_t limit, mode_t) const {
  const auto found = texts_.find(name);
  if (found == texts_.end()) return failed("there is no " + full(name));
  if (found->second.size() > limit) return failed(full(name) + " is too large for a key");
  return found->second;
}

KeyResult<void> KeyRing::write(const std::string& name, std::string_view text) {
  texts_[name] = Secret(std::string(text));
  changed_ = true;
  return {};
}

KeyResult<void> KeyRing::remove(const std::string& name) {
  if (texts_.erase(name) != 0) changed_ = true;
  return {};
}

std::vector<std::string> KeyRing::names() const {
  std::vector<std::string> names;
  for (const auto& [name, text] : texts_) names.push_back(name);
  return names;
}

std::string KeyRing::full(std::string_view name) const {
  return name.empty() ? std::string("the store") : std::string(name) + " in the store";
}

}  // namespace sallyport::jose
