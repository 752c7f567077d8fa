// The password hashes of other systems: crypt(3), PBKDF2 and ASP.NET Identity. Only read, never written.
#pragma once

#include <string>
#include <string_view>

namespace sallyport::users {

bool is_crypt_hash(std::string_view hash);   // bcrypt, sha256/512-crypt, scrypt, yescrypt, md5-crypt
bool is_pbkdf2_hash(std::string_view hash);  // $pbkdf2-sha256$..., pbkdf2_sha256$...
bool is_identity_hash(
    std::string_view hash);  // base64 of 0x00 or 0x01 and what ASP.NET Identity puts behind it

// `password` is hashable() text. False where the hash is malformed or costs more than kMax*.
bool verify_crypt(const std::string& password, const std::string& hash);
bool verify_pbkdf2(std::string_view password, std::string_view hash);
bool verify_identity(std::string_view password, std::string_view hash);

inline constexpr unsigned kMaxPbkdf2Rounds = 5'000'000;
inline constexpr unsigned kMaxBcryptCost = 16;
inline constexpr unsigned kMaxCryptRounds = 5'000'000;

}  // namespace sallyport::users
