#include "auth/users/foreign_hash.hpp"

#include <crypt.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <array>
#include <charconv>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace sallyport::users {
namespace {

// RFC 4648 section 4, padding optional ('.' stands for '+' in passlib's form). The last character's low bits
// must be 0.
std::optional<std::string> decode_base64(std::string_view text) {
  for (int pad = 0; pad < 2 && !text.empty() && text.back() == '='; ++pad) text.remove_suffix(1);
  if (text.size() % 4 == 1) return std::nullopt;
  std::string bytes;
  std::uint32_t buffer = 0;
  int bits = 0;
  for (const char c : text) {
    std::uint32_t value = 0;
    if (c >= 'A' && c <= 'Z')
      value = static_cast<std::uint32_t>(c - 'A');
    else if (c >= 'a' && c <= 'z')
      value = static_cast<std::uint32_t>(c - 'a' + 26);
    else if (c >= '0' && c <= '9')
      value = static_cast<std::uint32_t>(c - '0' + 52);
    else if (c == '+' || c == '.')
      value = 62;
    else if (c == '/')
      value = 63;
    else
      return std::nullopt;
    buffer = (buffer << 6 | value) & 0xFFFFFF;
    if ((bits += 6) >= 8) {
      bits -= 8;
      bytes.push_back(static_cast<char>(buffer >> bits & 0xFF));
    }
  }
  if ((buffer & ((1u << bits) - 1)) != 0) return std::nullopt;
  return bytes;
}

std::optional<unsigned> parse_number(std::string_view text) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (std::size_t end = 0; (end = text.find(separator)) != text.npos; text.remove_prefix(end + 1)) {
    parts.push_back(text.substr(0, end));
  }
  parts.push_back(text);
  return parts;
}

const EVP_MD* digest_named(std::string_view name) {
  if (name == "sha1") return EVP_sha1();
  if (name == "sha256") return EVP_sha256();
  if (name == "sha512") return EVP_sha512();
  return nullptr;
}

struct Pbkdf2 {
  const EVP_MD* digest = nullptr;
  unsigned rounds = 0;
  std::string salt, key;
};

bool fits(std::string_view password, const Pbkdf2& expected) {
  if (expected.digest == nullptr || expected.rounds == 0 || expected.rounds > kMaxPbkdf2Rounds) return false;
  if (expected.key.size() < 16 || expected.key.size() > 64 || expected.salt.empty()) return false;
  std::array<unsigned char, 64> key{};
  const bool derived =
      PKCS5_PBKDF2_HMAC(password.data(), static_cast<int>(password.size()),
                        reinterpret_cast<const unsigned char*>(expected.salt.data()),
                        static_cast<int>(expected.salt.size()), static_cast<int>(expected.rounds),
                        expected.digest, static_cast<int>(expected.key.size()), key.data()) == 1;
  const bool same = derived && CRYPTO_memcmp(key.data(), expected.key.data(), expected.key.size()) == 0;
  OPENSSL_cleanse(key.data(), key.size());
  return same;
}

// PHC `$pbkdf2-sha256$i=600000,l=32$salt$key`, passlib `$pbkdf2-sha256$29000$salt$key` (`$pbkdf2$` is SHA-1),
// Django `pbkdf2_sha256$600000$salt text$key`.
std::optional<Pbkdf2> parse_pbkdf2(std::string_view hash) {
  const bool django = hash.starts_with("pbkdf2_");
  if (!django && !hash.starts_with("$pbkdf2")) return std::nullopt;
  if (!django) hash.remove_prefix(1);
  const auto parts = split(hash, '$');
  if (parts.size() != 4) return std::nullopt;

  Pbkdf2 result;
  const std::string_view name =
      parts[0] == "pbkdf2" ? "sha1" : parts[0].substr(std::min<std::size_t>(7, parts[0].size()));
  result.digest = digest_named(name);
  std::string_view rounds = parts[1];
  if (!django && rounds.starts_with("i=")) rounds = split(rounds.substr(2), ',').front();
  const auto number = parse_number(rounds);
  const auto salt = django ? std::optional(std::string(parts[2])) : decode_base64(parts[2]);
  auto key = decode_base64(parts[3]);
  if (result.digest == nullptr || !number || !salt || !key) return std::nullopt;
  result.rounds = *number;
  result.salt = *salt;
  result.key = std::move(*key);
  return result;
}

std::uint32_t big_endian(std::string_view bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = at; i < at + 4; ++i) value = value << 8 | static_cast<unsigned char>(bytes[i]);
  return value;
}

// v2: 00, 16 bytes of salt, 32 of key: SHA-1, 1000 rounds. v3: 01, PRF, rounds, length of the salt (32 bits
// each, big endian), salt, key.
std::optional<Pbkdf2> parse_identity(std::string_view hash) {
  if (hash.size() > 512 || hash.empty() || hash.size() % 4 != 0 || hash.find('.') != hash.npos)
    return std::nullopt;
  const auto blob = decode_base64(hash);
  if (!blob || blob->empty()) return std::nullopt;
  if (blob->front() == 0 && blob->size() == 1 + 16 + 32) {
    return Pbkdf2{EVP_sha1(), 1000, blob->substr(1, 16), blob->substr(17)};
  }
  if (blob->front() != 1 || blob->size() < 13 + 16 + 16) return std::nullopt;
  const std::uint32_t prf = big_endian(*blob, 1);
  const std::uint32_t salt = big_endian(*blob, 9);
  if (salt < 16 || salt > blob->size() - 13 - 16) return std::nullopt;
  const EVP_MD* digest = prf == 0 ? EVP_sha1() : prf == 1 ? EVP_sha256() : prf == 2 ? EVP_sha512() : nullptr;
  if (digest == nullptr) return std::nullopt;
  return Pbkdf2{digest, big_endian(*blob, 5), blob->substr(13, salt), blob->substr(13 + salt)};
}

// What crypt(3) itself wouldn't stop: a cost that holds a thread for hours.
bool cost_in_reason(std::string_view hash) {
  if (hash.starts_with("$2")) {
    const auto cost = hash.size() > 6 ? parse_number(hash.substr(4, 2)) : std::nullopt;
    return cost && *cost <= kMaxBcryptCost;
  }
  const auto at = hash.find("rounds=");
  if (at == hash.npos) return true;
  const auto rounds = parse_number(split(hash.substr(at + 7), '$').front());
  return rounds && *rounds <= kMaxCryptRounds;
}

}  // namespace

bool is_crypt_hash(std::string_view hash) {
  for (const std::string_view prefix : {"$2a$", "$2b$", "$2y$", "$1$", "$5$", "$6$", "$7$", "$y$", "$gy$"}) {
    if (hash.starts_with(prefix)) return hash.size() > prefix.size() + 8 && hash.size() < CRYPT_OUTPUT_SIZE;
  }
  return false;
}

bool is_pbkdf2_hash(std::string_view hash) { return parse_pbkdf2(hash).has_value(); }
bool is_identity_hash(std::string_view hash) { return parse_identity(hash).has_value(); }

bool verify_crypt(const std::string& password, const std::string& hash) {
  if (!is_crypt_hash(hash) || !cost_in_reason(hash)) return false;
  const auto data = std::make_unique<crypt_data>();  // 32 KiB: too much for a stack
  const char* made = crypt_r(password.c_str(), hash.c_str(), data.get());
  const std::string_view text = made == nullptr ? std::string_view() : std::string_view(made);
  const bool same = text.size() == hash.size() && CRYPTO_memcmp(text.data(), hash.data(), hash.size()) == 0;
  OPENSSL_cleanse(data.get(), sizeof(crypt_data));
  return same;
}

bool verify_pbkdf2(std::string_view password, std::string_view hash) {
  const auto expected = parse_pbkdf2(hash);
  return expected && fits(password, *expected);
}

bool verify_identity(std::string_view password, std::string_view hash) {
  const auto expected = parse_identity(hash);
  return expected && fits(password, *expected);
}

}  // namespace sallyport::users
