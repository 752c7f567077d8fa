#include "auth/sessions/refresh_token.hpp"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <stdexcept>

#include "auth/jose/base64url.hpp"
#include "auth/sessions/refresh_key.hpp"

namespace sallyport::sessions {
namespace {

constexpr std::string_view kVersion = "v1.";
constexpr std::string_view kLabel = "sallyport refresh token v1";
constexpr std::size_t kKeyId = 8, kSession = 24, kGeneration = 4, kMac = 32;
constexpr std::size_t kBody = kKeyId + kSession + kGeneration;

struct MacFree {
  void operator()(EVP_MAC* mac) const { EVP_MAC_free(mac); }
  void operator()(EVP_MAC_CTX* ctx) const { EVP_MAC_CTX_free(ctx); }
};
using MacContext = std::unique_ptr<EVP_MAC_CTX, MacFree>;
using Tag = std::array<unsigned char, kMac>;

MacContext keyed(EVP_MAC* mac, std::string_view secret) {
  MacContext ctx(EVP_MAC_CTX_new(mac));
  char digest[] = "SHA256";
  const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                               OSSL_PARAM_construct_end()};
  if (!ctx || EVP_MAC_init(ctx.get(), reinterpret_cast<const unsigned char*>(secret.data()), secret.size(),
                           params) != 1)
    throw std::runtime_error("HMAC-SHA256 is not available in this OpenSSL");
  return ctx;
}

std::string body_of(std::string_view key_id, const RefreshClaim& claim) {
  std::string body;
  body.reserve(kBody + kMac);
  body.append(key_id);
  body.append(claim.session.bytes.begin(), claim.session.bytes.end());
  for (int shift = 24; shift >= 0; shift -= 8) body.push_back(static_cast<char>(claim.generation >> shift));
  return body;
}

std::uint32_t read_big_endian(std::string_view bytes) {
  std::uint32_t value = 0;
  for (const char c : bytes) value = value << 8 | static_cast<unsigned char>(c);
  return value;
}

}  // namespace

struct RefreshCodec::Impl {
  struct Prepared {
    std::string id;
    MacContext context;  // keyed; copied for each use
  };
  std::vector<Prepared> keys;

  // nullopt only where OpenSSL itself fails (no memory).
  // Label and body have one length each, so the client's name can't be taken for a part of them.
  static std::optional<Tag> mac(const Prepared& key, std::string_view body, std::string_view client) {
    const MacContext ctx(EVP_MAC_CTX_dup(key.context.get()));
    Tag tag;
    std::size_t length = 0;
    const auto add = [&ctx](std::string_view part) {
      return EVP_MAC_update(ctx.get(), reinterpret_cast<const unsigned char*>(part.data()), part.size()) == 1;
    };
    if (!ctx || !add(kLabel) || !add(body) || !add(client) ||
        EVP_MAC_final(ctx.get(), tag.data(), &length, tag.size()) != 1 || length != tag.size())
      return std::nullopt;
    return tag;
  }
};

RefreshCodec::RefreshCodec(const std::vector<jose::MacKey>& keys) : impl_(std::make_unique<Impl>()) {
  if (keys.empty()) throw std::invalid_argument("no key for refresh tokens");
  const std::unique_ptr<EVP_MAC, MacFree> mac(EVP_MAC_fetch(nullptr, "HMAC", nullptr));
  if (!mac) throw std::runtime_error("HMAC is not available in this OpenSSL");
  for (const jose::MacKey& key : keys) {
    if (key.id.size() != kKeyId)
      throw std::invalid_argument("the id of a refresh key must have 8 characters");
    if (key.secret.size() < 32) throw std::invalid_argument("a refresh key must have at least 32 bytes");
    impl_->keys.push_back({key.id, keyed(mac.get(), key.secret.reveal())});
  }
}

RefreshCodec::~RefreshCodec() = default;
RefreshCodec::RefreshCodec(RefreshCodec&&) noexcept = default;
RefreshCodec& RefreshCodec::operator=(RefreshCodec&&) noexcept = default;

std::optional<std::string> refresh_key_id(std::string_view text) {
  if (text.size() != kRefreshTokenLength || !text.starts_with(kVersion)) return std::nullopt;
  const auto bytes = jose::base64url_decode(text.substr(kVersion.size()));
  if (!bytes) return std::nullopt;
  return bytes->substr(0, kKeyId);
}

std::string RefreshCodec::write(const RefreshClaim& claim, std::string_view client) const {
  const Impl::Prepared& key = impl_->keys.front();
  std::string body = body_of(key.id, claim);
  const auto tag = Impl::mac(key, body, client);
  if (!tag) throw std::runtime_error("HMAC-SHA256 failed");
  body.append(tag->begin(), tag->end());
  return std::string(kVersion) + jose::base64url_encode(body);
}

std::optional<RefreshClaim> RefreshCodec::read(std::string_view text, std::string_view client) const {
  if (text.size() != kRefreshTokenLength || !text.starts_with(kVersion)) return std::nullopt;
  const auto bytes = jose::base64url_decode(text.substr(kVersion.size()));
  if (!bytes || bytes->size() != kBody + kMac) return std::nullopt;
  const std::string_view all = *bytes, body = all.substr(0, kBody);

  const auto key = std::find_if(impl_->keys.begin(), impl_->keys.end(),
                                [&](const Impl::Prepared& k) { return k.id == all.substr(0, kKeyId); });
  if (key == impl_->keys.end()) return std::nullopt;
  const auto tag = Impl::mac(*key, body, client);
  if (!tag || CRYPTO_memcmp(tag->data(), all.data() + kBody, kMac) != 0) return std::nullopt;

  RefreshClaim claim;
  std::memcpy(claim.session.bytes.data(), all.data() + kKeyId, kSession);
  claim.generation = read_big_endian(all.substr(kKeyId + kSession, kGeneration));
  return claim;
}

}  // namespace sallyport::sessions
