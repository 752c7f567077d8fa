// Compact JWS by hand: base64url, HMAC and ECDSA straight from OpenSSL.
#include "tests/support/jwt.hpp"

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/sha.h>

#include <stdexcept>
#include <vector>

namespace sallyport::testing {

namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

void require(bool ok, const char* what) {
  if (!ok) throw std::runtime_error(std::string("OpenSSL: ") + what);
}

std::string number_param(EVP_PKEY* key, const char* name) {
  BIGNUM* number = nullptr;
  require(EVP_PKEY_get_bn_param(key, name, &number) == 1, name);
  std::string bytes(32, '\0');
  BN_bn2binpad(number, reinterpret_cast<unsigned char*>(bytes.data()), 32);
  BN_free(number);
  return bytes;
}

std::string taken(BIO* bio) {
  char* data = nullptr;
  long size = BIO_get_mem_data(bio, &data);
  std::string text(data, static_cast<std::size_t>(size));
  BIO_free(bio);
  return text;
}

std::string part(std::string_view token, int index) {
  for (; index > 0; --index) {
    std::size_t dot = token.find('.');
    if (dot == token.npos) return {};
    token.remove_prefix(dot + 1);
  }
  return from_base64url(token.substr(0, token.find('.')));
}

}  // namespace

std::string base64url(std::string_view bytes) {
  std::string text;
  unsigned buffer = 0;
  int bits = 0;
  for (char c : bytes) {
    buffer = (buffer << 8) | static_cast<unsigned char>(c);
    for (bits += 8; bits >= 6; bits -= 6) text += kAlphabet[(buffer >> (bits - 6)) & 63];
  }
  if (bits > 0) text += kAlphabet[(buffer << (6 - bits)) & 63];
  return text;
}

std::string from_base64url(std::string_view text) {
  std::string bytes;
  unsigned buffer = 0;
  int bits = 0;
  for (char c : text) {
    std::size_t value = kAlphabet.find(c);
    if (value == kAlphabet.npos) continue;
    buffer = (buffer << 6) | static_cast<unsigned>(value);
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes += static_cast<char>((buffer >> bits) & 255);
    }
  }
  return bytes;
}

std::string hs256(std::string_view header, std::string_view payload, std::string_view key) {
  std::string text = base64url(header) + "." + base64url(payload);
  unsigned char mac[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  require(HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), bytes_of(text), text.size(), mac,
               &size) != nullptr,
          "HMAC");
  return text + "." + base64url({reinterpret_cast<char*>(mac), size});
}

std::string hs256(std::string_view payload, std::string_view key) {
  return hs256(R"({"alg":"HS256","typ":"at+jwt"})", payload, key);
}

EcKey::EcKey() : key_(EVP_EC_gen("P-256")) { require(key_ != nullptr, "EVP_EC_gen"); }

EcKey::EcKey(const std::string& private_pem) {
  BIO* bio = BIO_new_mem_buf(private_pem.data(), static_cast<int>(private_pem.size()));
  key_ = PEM_read_bio_PrivateKey(bio, nullptr, nullptr, nullptr);
  BIO_free(bio);
  require(key_ != nullptr, "PEM_read_bio_PrivateKey");
}

EcKey::~EcKey() { EVP_PKEY_free(key_); }

std::string EcKey::private_pem() const {
  BIO* bio = BIO_new(BIO_s_mem());
  require(PEM_write_bio_PKCS8PrivateKey(bio, key_, nullptr, nullptr, 0, nullptr, nullptr) == 1, "PEM_write");
  return taken(bio);
}

std::string EcKey::public_pem() const {
  BIO* bio = BIO_new(BIO_s_mem());
  require(PEM_write_bio_PUBKEY(bio, key_) == 1, "PEM_write");
  return taken(bio);
}

std::string EcKey::x() const { return base64url(number_param(key_, OSSL_PKEY_PARAM_EC_PUB_X)); }
std::string EcKey::y() const { return base64url(number_param(key_, OSSL_PKEY_PARAM_EC_PUB_Y)); }

std::string EcKey::thumbprint() const {
  std::string text = R"({"crv":"P-256","kty":"EC","x":")" + x() + R"(","y":")" + y() + R"("})";
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256(bytes_of(text), text.size(), digest);
  return base64url({reinterpret_cast<char*>(digest), sizeof digest});
}

std::string EcKey::jwk() const {
  return R"({"kty":"EC","crv":"P-256","x":")" + x() + R"(","y":")" + y() + R"(","kid":")" + thumbprint() +
         R"(","alg":"ES256","use":"sig"})";
}

std::string EcKey::sign(std::string_view text) const {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  std::size_t size = 0;
  require(EVP_DigestSignInit(context, nullptr, EVP_sha256(), nullptr, key_) == 1, "EVP_DigestSignInit");
  require(EVP_DigestSign(context, nullptr, &size, bytes_of(text), text.size()) == 1, "EVP_DigestSign");
  std::vector<unsigned char> der(size);
  require(EVP_DigestSign(context, der.data(), &size, bytes_of(text), text.size()) == 1, "EVP_DigestSign");
  EVP_MD_CTX_free(context);
  const unsigned char* at = der.data();
  ECDSA_SIG* pair = d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(size));
  require(pair != nullptr, "d2i_ECDSA_SIG");
  std::string raw(64, '\0');
  auto* out = reinterpret_cast<unsigned char*>(raw.data());
  BN_bn2binpad(ECDSA_SIG_get0_r(pair), out, 32);
  BN_bn2binpad(ECDSA_SIG_get0_s(pair), out + 32, 32);
  ECDSA_SIG_free(pair);
  return raw;
}

std::string es256(std::string_view header, std::string_view payload, const EcKey& key) {
  std::string text = base64url(header) + "." + base64url(payload);
  return text + "." + base64url(key.sign(text));
}

std::string header_of(std::string_view token) { return part(token, 0); }
std::string payload_of(std::string_view token) { return part(token, 1); }

std::string with_broken_signature(std::string_view token) {
  std::string broken(token);
  std::size_t at = broken.rfind('.') + 5;
  broken.at(at) = broken.at(at) == 'A' ? 'B' : 'A';
  return broken;
}

}  // namespace sallyport::testing
