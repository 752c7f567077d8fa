#include "auth/jose/keys.hpp"

#include <openssl/hmac.h>
#include <openssl/pem.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <utility>

#include "auth/jose/base64url.hpp"
#include "auth/jose/key_checks.hpp"
#include "auth/jose/openssl.hpp"
#include "auth/sha256.hpp"

namespace sallyport::jose {
namespace {

constexpr std::size_t kMaxPem = 64 * 1024;
constexpr std::size_t kRsaBits = 3072;  // of keys that we make: RFC 7518 wants 2048, NIST 3072 beyond 2030

std::string base64url_sha256(std::string_view data) {
  const Sha256Digest digest = sha256(data);
  return base64url_encode(text(digest.data(), digest.size()));
}

// Without it OpenSSL asks the terminal for the pass phrase of an encrypted key.
int no_pass_phrase(char*, int, int, void*) { return -1; }

std::string plain_json(const std::vector<JwkMember>& members) {
  std::string json = "{";
  for (const JwkMember& member : members) {
    if (json.size() > 1) json += ',';
    json.append("\"").append(member.name).append("\":\"").append(member.value).append("\"");
  }
  return json + "}";
}

// A key id may be anything that an operator wrote.
std::string json_text(std::string_view text) {
  constexpr char kHex[] = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out.append({'\\', c});
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out.append("\\u00").append({kHex[c >> 4 & 15], kHex[c & 15]});
    } else {
      out += c;
    }
  }
  return out + '"';
}

// A tag over a fixed text, not a plain digest: the id travels in each token, and says nothing about the
// secret.
std::string id_of_secret(const config::Secret& secret) {
  constexpr std::string_view kLabel = "sallyport key id";
  std::array<unsigned char, EVP_MAX_MD_SIZE> tag{};
  unsigned size = 0;
  HMAC(EVP_sha256(), secret.reveal().data(), static_cast<int>(secret.size()), bytes(kLabel), kLabel.size(),
       tag.data(), &size);
  return base64url_encode(text(tag.data(), std::min<std::size_t>(size, 16)));
}

}  // namespace

KeyResult<Key> key_from_pem(std::string_view pem, std::optional<Algorithm> algorithm) {
  const ErrorQueueGuard guard;
  if (pem.size() > kMaxPem) return std::string("too long for one PEM key");
  if (algorithm && symmetric(*algorithm))
    return std::string(to_string(*algorithm)) +
           " takes a secret, not a PEM key: a public key must never be one";
  const Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  const bool has_private = pem.find("PRIVATE KEY-----") != pem.npos;
  Pkey pkey(has_private
                ? PEM_read_bio_PrivateKey_ex(bio.get(), nullptr, no_pass_phrase, nullptr, nullptr, nullptr)
                : PEM_read_bio_PUBKEY_ex(bio.get(), nullptr, no_pass_phrase, nullptr, nullptr, nullptr));
  if (pkey) return key_from_pkey(std::move(pkey), algorithm, has_private);
  if (pem.find("ENCRYPTED") != pem.npos)
    return std::string(
        "the PEM key is encrypted: decrypt it (openssl pkey -in key.pem) and guard the file by its mode");
  if (pem.find("-----BEGIN CERTIFICATE-----") != pem.npos)
    return std::string("that is a certificate: take its key (openssl x509 -in cert.pem -noout -pubkey)");
  return std::string("no PEM key: it begins with -----BEGIN PUBLIC KEY----- or -----BEGIN PRIVATE KEY-----");
}

KeyResult<Key> key_from_secret(config::Secret secret, Algorithm algorithm, std::string id) {
  if (!symmetric(algorithm))
    return "a secret signs with HS256, HS384 or HS512, not with " + std::string(to_string(algorithm));
  if (secret.size() < kMinSecret)
    return "a secret of " + std::to_string(secret.size()) +
           " bytes is too short: 32 random bytes or more (openssl " + "rand -base64 32)";
  Key key;
  key.algorithm = algorithm;
  key.id = id.empty() ? id_of_secret(secret) : std::move(id);
  key.secret = std::move(secret);
  key.can_sign = true;
  return key;
}

KeyResult<Key> generate_key(Algorithm algorithm) {
  const ErrorQueueGuard guard;
  if (symmetric(algorithm))
    return std::string("a secret isn't generated here: write 32 random bytes to a file");
  Pkey pkey;
  switch (algorithm) {
    case Algorithm::es256:
      pkey.reset(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"));
      break;
    case Algorithm::es384:
      pkey.reset(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-384"));
      break;
    case Algorithm::es512:
      pkey.reset(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-521"));
      break;
    case Algorithm::eddsa:
      pkey.reset(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
      break;
    default:
      pkey.reset(EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", kRsaBits));
  }
  if (!pkey) return std::string("OpenSSL couldn't make a key");
  return key_from_pkey(std::move(pkey), algorithm, true);
}

std::string private_pem(const Key& key) {
  const ErrorQueueGuard guard;
  if (!key.pkey || !key.can_sign) return {};
  const Bio bio(BIO_new(BIO_s_secmem()));
  if (!bio ||
      PEM_write_bio_PKCS8PrivateKey(bio.get(), key.pkey.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1)
    return {};
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

std::string public_jwk(const Key& key) {
  auto members = public_members(key);
  if (members.empty()) return {};
  std::string json = plain_json(members);
  json.pop_back();
  return json + ",\"use\":\"sig\",\"alg\":\"" + std::string(to_string(key.algorithm)) +
         "\",\"kid\":" + json_text(key.id) + "}";
}

std::string thumbprint(const Key& key) {
  if (!key.pkey)
    return base64url_sha256(plain_json({{"k", base64url_encode(key.secret.reveal())}, {"kty", "oct"}}));
  const auto members = public_members(key);
  return members.empty() ? std::string() : base64url_sha256(plain_json(members));
}

KeySet::KeySet(std::vector<Key> keys) : keys_(std::move(keys)), by_id_(keys_.size()) {
  std::iota(by_id_.begin(), by_id_.end(), 0U);
  std::stable_sort(by_id_.begin(), by_id_.end(), [&](auto a, auto b) { return keys_[a].id < keys_[b].id; });
  only_.fill(kNone);
  for (std::uint32_t i = 0; i < keys_.size(); ++i) {
    auto& only = only_[static_cast<std::size_t>(keys_[i].algorithm)];
    only = only == kNone ? i : kSeveral;
  }
}

const Key* KeySet::find(std::string_view id, Algorithm algorithm) const {
  if (id.empty()) {
    const std::uint32_t only = only_[static_cast<std::size_t>(algorithm)];
    return only < kSeveral ? &keys_[only] : nullptr;
  }
  const auto first =
      std::lower_bound(by_id_.begin(), by_id_.end(), id,
                       [&](std::uint32_t i, std::string_view wanted) { return keys_[i].id < wanted; });
  // RFC 7517 4.5: keys of different kinds may share an id; then the algorithm decides.
  const Key* found = nullptr;
  bool fits = false;
  for (auto at = first; at != by_id_.end() && keys_[*at].id == id; ++at) {
    const bool this_fits = keys_[*at].algorithm == algorithm;
    if (found != nullptr && fits == this_fits && fits) return nullptr;
    if (found == nullptr || (this_fits && !fits)) {
      found = &keys_[*at];
      fits = this_fits;
    }
  }
  return found;
}

std::string KeySet::jwks() const {
  std::string json = "{\"keys\":[";
  bool first = true;
  for (const Key& key : keys_) {
    const std::string one = public_jwk(key);
    if (one.empty()) continue;
    if (!std::exchange(first, false)) json += ',';
    json += one;
  }
  return json + "]}";
}

}  // namespace sallyport::jose
