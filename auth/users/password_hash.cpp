#include "auth/users/password_hash.hpp"

#include <argon2.h>
#include <openssl/rand.h>

#include <cstdio>
#include <optional>
#include <stdexcept>

#include "auth/users/foreign_hash.hpp"
#include "auth/users/text.hpp"

namespace sallyport::users {
namespace {

constexpr std::size_t kKeyBytes = 32;
constexpr std::size_t kMaxHashText = 512;
constexpr std::string_view kArgonPrefix = "$argon2id$";

struct Cost {
  unsigned version = 0, memory = 0, passes = 0, lanes = 0;
};

std::optional<Cost> argon_cost(std::string_view hash) {
  if (!hash.starts_with(kArgonPrefix) || hash.size() > kMaxHashText) return std::nullopt;
  Cost cost;
  const std::string text(hash);
  if (std::sscanf(text.c_str(), "$argon2id$v=%9u$m=%9u,t=%9u,p=%9u$", &cost.version, &cost.memory,
                  &cost.passes, &cost.lanes) != 4) {
    return std::nullopt;
  }
  return cost;
}

// Four times OWASP's heaviest profile, and no threads of argon2's own beyond a few.
bool in_reason(const Cost& cost) { return cost.memory <= 256 * 1024 && cost.passes <= 16 && cost.lanes <= 8; }

}  // namespace

Salt random_salt() {
  Salt salt{};
  if (RAND_bytes(salt.data(), static_cast<int>(salt.size())) != 1) throw std::runtime_error("no randomness");
  return salt;
}

bool hashable(std::string_view password) {
  if (password.empty() || password.size() > 4 * kMaxPasswordCharacters) return false;
  const auto characters = count_characters(password);
  return characters && *characters <= kMaxPasswordCharacters && !has_control(password);
}

std::string hash_password(const config::Secret& password, const Salt& salt) {
  std::string text(
      argon2_encodedlen(kArgonPasses, kArgonMemoryKiB, kArgonLanes, salt.size(), kKeyBytes, Argon2_id), '\0');
  const std::string_view plain = password.reveal();
  const int rc = argon2id_hash_encoded(kArgonPasses, kArgonMemoryKiB, kArgonLanes, plain.data(), plain.size(),
                                       salt.data(), salt.size(), kKeyBytes, text.data(), text.size());
  if (rc != ARGON2_OK) throw std::runtime_error(std::string("argon2: ") + argon2_error_message(rc));
  text.resize(text.find('\0'));
  return text;
}

bool verify_password(const config::Secret& password, const std::string& hash) {
  const std::string_view plain = password.reveal();
  if (!hashable(plain)) return false;
  if (const auto cost = argon_cost(hash)) {
    return in_reason(*cost) && argon2id_verify(hash.c_str(), plain.data(), plain.size()) == ARGON2_OK;
  }
  if (is_crypt_hash(hash)) {
    std::string terminated(plain);  // crypt(3) wants a C string
    const bool same = verify_crypt(terminated, hash);
    OPENSSL_cleanse(terminated.data(), terminated.size());
    return same;
  }
  return verify_pbkdf2(plain, hash) || verify_identity(plain, hash);
}

bool known_hash(std::string_view hash) {
  return argon_cost(hash).has_value() || is_crypt_hash(hash) || is_pbkdf2_hash(hash) ||
         is_identity_hash(hash);
}

bool needs_upgrade(std::string_view hash) {
  const auto cost = argon_cost(hash);
  return !cost || cost->version != ARGON2_VERSION_13 || cost->memory < kArgonMemoryKiB ||
         cost->passes < kArgonPasses;
}

const std::string& dummy_hash() {
  static const std::string hash =
      "$argon2id$v=19$m=19456,t=2,p=1$c2FsbHlwb3J0LW5vYm9keQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
  return hash;
}

}  // namespace sallyport::users
