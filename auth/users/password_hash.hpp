// Turns a password into what the store keeps, and says whether a password fits it. New hashes are argon2id
// (RFC 9106) in PHC form with OWASP's first choice of cost; the hashes of other systems are verified too, so
// that users can be moved without asking them for a new password, and are replaced at the first login. Every
// call is slow on purpose: on a hashing thread (hashing_pool.hpp) only, or in a command.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "config/secret.hpp"

namespace sallyport::users {

inline constexpr unsigned kArgonMemoryKiB = 19 * 1024;
inline constexpr unsigned kArgonPasses = 2;
inline constexpr unsigned kArgonLanes = 1;
inline constexpr std::size_t kMaxPasswordCharacters = 128;

using Salt = std::array<unsigned char, 16>;
Salt random_salt();  // from RAND_bytes; throws std::runtime_error where the system has no randomness

// May it be hashed at all? 1 to 128 characters of valid UTF-8, none of them a control character. PBKDF2-HMAC
// pads its key with zero bytes and crypt(3) ends at one: "pw" and "pw\0" would be the same password. Cheap:
// asked before any hashing.
bool hashable(std::string_view password);

// $argon2id$v=19$m=19456,t=2,p=1$salt$hash. Throws std::runtime_error when memory is out; never on any
// password.
std::string hash_password(const config::Secret& password, const Salt& salt);

// Knows: argon2id; $2a$ $2b$ $2y$ (bcrypt), $1$ $5$ $6$ $7$ $y$ $gy$ (crypt(3) by libxcrypt); PBKDF2 as PHC,
// passlib and Django write it; ASP.NET Identity v2 and v3 (base64). False too for what it doesn't know and
// for costs beyond reason: a hash in the store can't take the gateway down.
bool verify_password(const config::Secret& password, const std::string& hash);

// Is it of a form that verify_password knows? For `user add --hash` and imports.
bool known_hash(std::string_view hash);

// Anything but argon2id at our cost or above.
bool needs_upgrade(std::string_view hash);

// What an unknown user is verified against: same cost, no password fits (its digest has no known preimage).
const std::string& dummy_hash();

}  // namespace sallyport::users
