// Reads JSON Web Keys (RFC 7517, RFC 7518 section 6, RFC 8037) and sets of them.
#include <openssl/core_names.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

#include "auth/jose/base64url.hpp"
#include "auth/jose/key_checks.hpp"
#include "auth/jose/keys.hpp"
#include "auth/jose/openssl.hpp"
#include "auth/jose/strict_json.hpp"

namespace sallyport::jose {
namespace {

namespace json = boost::json;
using std::string_view;

constexpr std::size_t kMaxNumber = 2048;  // characters of one member: twice the largest modulus that we take
constexpr std::size_t kMaxExponentBytes = 8;
constexpr std::size_t kShownId = 64;

// A member's text; nothing where it is absent or no string.
std::optional<string_view> text_of(const json::object& jwk, string_view name) {
  const json::value* member = jwk.if_contains(name);
  if (member == nullptr || !member->is_string()) return std::nullopt;
  return string_view(member->get_string());
}

// A member's bytes. Secrets pass through here too, so the copy is a Secret.
std::optional<config::Secret> bytes_of(const json::object& jwk, string_view name) {
  const auto encoded = text_of(jwk, name);
  if (!encoded || encoded->empty() || encoded->size() > kMaxNumber) return std::nullopt;
  auto decoded = base64url_decode(*encoded);
  if (!decoded) return std::nullopt;
  return config::Secret(std::move(*decoded));
}

std::string broken(string_view member) {
  return "the member \"" + std::string(member) + "\" is missing or isn't base64url of the right length";
}

// Parameters for EVP_PKEY_fromdata. Owns the numbers: OSSL_PARAM_BLD only borrows them.
class KeyData {
 public:
  KeyData() : builder_(OSSL_PARAM_BLD_new()) {}

  bool add_number(const char* name, string_view big_endian) {
    Bignum number(BN_secure_new());
    if (!number || BN_bin2bn(bytes(big_endian), static_cast<int>(big_endian.size()), number.get()) == nullptr)
      return false;
    numbers_.push_back(std::move(number));
    return OSSL_PARAM_BLD_push_BN(builder_.get(), name, numbers_.back().get()) == 1;
  }
  bool add_text(const char* name, const char* value) {
    return OSSL_PARAM_BLD_push_utf8_string(builder_.get(), name, value, 0) == 1;
  }
  bool add_bytes(const char* name, string_view value) {
    return OSSL_PARAM_BLD_push_octet_string(builder_.get(), name, value.data(), value.size()) == 1;
  }
  Pkey make(const char* kind, bool has_private) {
    const Params params(OSSL_PARAM_BLD_to_param(builder_.get()));
    const PkeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, kind, nullptr));
    EVP_PKEY* pkey = nullptr;
    if (!params || !context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
        EVP_PKEY_fromdata(context.get(), &pkey, has_private ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY,
                          params.get()) != 1)
      return nullptr;
    return Pkey(pkey);
  }

 private:
  ParamBuilder builder_;
  std::vector<Bignum> numbers_;
};

KeyResult<Key> rsa_key(const json::object& jwk, std::optional<Algorithm> algorithm) {
  const auto n = bytes_of(jwk, "n"), e = bytes_of(jwk, "e");
  if (!n || n->reveal().front() == '\0') return broken("n");  // RFC 7518 6.3.1.1: no leading zero
  if (!e || e->reveal().front() == '\0' || e->size() > kMaxExponentBytes) return broken("e");
  if (jwk.contains("oth")) return std::string("an RSA key of more than two primes isn't used");
  KeyData data;
  bool good = data.add_number(OSSL_PKEY_PARAM_RSA_N, n->reveal()) &&
              data.add_number(OSSL_PKEY_PARAM_RSA_E, e->reveal());
  const bool has_private = jwk.contains("d");
  if (has_private) {
    struct Part {
      const char *jose, *openssl;
    };
    constexpr std::array<Part, 6> kParts{
        Part{"d", OSSL_PKEY_PARAM_RSA_D},          Part{"p", OSSL_PKEY_PARAM_RSA_FACTOR1},
        Part{"q", OSSL_PKEY_PARAM_RSA_FACTOR2},    Part{"dp", OSSL_PKEY_PARAM_RSA_EXPONENT1},
        Part{"dq", OSSL_PKEY_PARAM_RSA_EXPONENT2}, Part{"qi", OSSL_PKEY_PARAM_RSA_COEFFICIENT1}};
    for (const Part& part : kParts) {
      const auto number = bytes_of(jwk, part.jose);
      if (!number) return broken(part.jose);
      good = good && data.add_number(part.openssl, number->reveal());
    }
  }
  Pkey pkey = good ? data.make("RSA", has_private) : nullptr;
  if (!pkey) return std::string("the numbers are no RSA key");
  return key_from_pkey(std::move(pkey), algorithm, has_private);
}

KeyResult<Key> ec_key(const json::object& jwk, std::optional<Algorithm> algorithm) {
  struct Curve {
    const char* name;
    std::size_t size;
  };
  constexpr std::array<Curve, 3> kCurves{Curve{"P-256", 32}, Curve{"P-384", 48}, Curve{"P-521", 66}};
  const auto name = text_of(jwk, "crv");
  const auto* curve =
      std::find_if(kCurves.begin(), kCurves.end(), [&](const Curve& c) { return name && *name == c.name; });
  if (curve == kCurves.end()) return std::string("the key's curve isn't one of P-256, P-384, P-521");
  const auto x = bytes_of(jwk, "x"), y = bytes_of(jwk, "y");
  if (!x || x->size() != curve->size) return broken("x");  // RFC 7518 6.2.1.2: the full width
  if (!y || y->size() != curve->size) return broken("y");
  std::string point = "\x04";
  point.append(x->reveal()).append(y->reveal());
  KeyData data;
  bool good = data.add_text(OSSL_PKEY_PARAM_GROUP_NAME, curve->name) &&
              data.add_bytes(OSSL_PKEY_PARAM_PUB_KEY, point);
  const bool has_private = jwk.contains("d");
  if (has_private) {
    const auto d = bytes_of(jwk, "d");
    if (!d || d->size() != curve->size) return broken("d");
    good = good && data.add_number(OSSL_PKEY_PARAM_PRIV_KEY, d->reveal());
  }
  Pkey pkey = good ? data.make("EC", has_private) : nullptr;
  if (!pkey) return std::string("the point isn't on the curve");
  return key_from_pkey(std::move(pkey), algorithm, has_private);
}

KeyResult<Key> okp_key(const json::object& jwk, std::optional<Algorithm> algorithm) {
  constexpr std::size_t kSize = 32;
  if (text_of(jwk, "crv") != "Ed25519") return std::string("of the curves of RFC 8037 only Ed25519 is used");
  const auto x = bytes_of(jwk, "x");
  if (!x || x->size() != kSize) return broken("x");
  const bool has_private = jwk.contains("d");
  Pkey pkey;
  if (has_private) {
    const auto d = bytes_of(jwk, "d");
    if (!d || d->size() != kSize) return broken("d");
    pkey.reset(EVP_PKEY_new_raw_private_key_ex(nullptr, "ED25519", nullptr, bytes(d->reveal()), kSize));
  } else {
    pkey.reset(EVP_PKEY_new_raw_public_key_ex(nullptr, "ED25519", nullptr, bytes(x->reveal()), kSize));
  }
  if (!pkey) return std::string("the bytes are no Ed25519 key");
  auto key = key_from_pkey(std::move(pkey), algorithm, has_private);
  // OpenSSL makes the public half from the private one, so `x` is compared here.
  if (key && has_private && public_members(*key).back().value != *text_of(jwk, "x"))
    return std::string("the private and the public half don't belong together");
  return key;
}

KeyResult<Key> secret_key(const json::object& jwk, std::optional<Algorithm> algorithm) {
  if (!algorithm)
    return std::string("a secret serves several algorithms: name the one (HS256, HS384, HS512)");
  auto secret = bytes_of(jwk, "k");
  if (!secret) return broken("k");
  // RFC 7518 3.2: as long as the hash. (A secret that an operator wrote may be shorter, see kMinSecret.)
  const std::size_t least = 32 + 16 * static_cast<std::size_t>(*algorithm);
  if (symmetric(*algorithm) && secret->size() < least)
    return "its secret is too short: " + std::string(to_string(*algorithm)) + " wants " +
           std::to_string(least) + " bytes";
  return key_from_secret(std::move(*secret), *algorithm, {});
}

bool names(const json::value& list, string_view wanted) {
  const json::array& array = list.get_array();
  return std::any_of(array.begin(), array.end(), [&](const json::value& v) {
    return v.is_string() && v.get_string() == json::string_view(wanted);
  });
}

// Why the key isn't meant for signatures; empty: it is.
std::string not_for_signatures(const json::object& jwk) {
  if (const auto* use = jwk.if_contains("use"); use != nullptr && text_of(jwk, "use") != "sig")
    return "its \"use\" isn't \"sig\"";
  if (const auto* ops = jwk.if_contains("key_ops")) {
    if (!ops->is_array()) return "its \"key_ops\" isn't an array";
    if (!names(*ops, "verify") && !names(*ops, "sign"))
      return "its \"key_ops\" allows neither verify nor sign";
  }
  return {};
}

KeyResult<Key> key_from_object(const json::object& jwk, std::optional<Algorithm> fallback) {
  if (std::string why = not_for_signatures(jwk); !why.empty()) return why;
  const auto kind = text_of(jwk, "kty");
  if (!kind) return std::string("its \"kty\" is missing");
  std::optional<Algorithm> algorithm;
  if (jwk.contains("alg")) {
    const auto name = text_of(jwk, "alg");
    algorithm = name ? parse_algorithm(*name) : std::nullopt;
    if (!algorithm) return std::string("its \"alg\" is no signature algorithm that is known here");
  } else if (fallback && (*kind == "oct" ? symmetric(*fallback) : *kind == "RSA")) {
    algorithm = fallback;
  }
  if (const auto* id = jwk.if_contains("kid");
      id != nullptr && (!id->is_string() || id->get_string().empty()))
    return std::string("its \"kid\" isn't a string");

  auto key = *kind == "RSA"   ? rsa_key(jwk, algorithm)
             : *kind == "EC"  ? ec_key(jwk, algorithm)
             : *kind == "OKP" ? okp_key(jwk, algorithm)
             : *kind == "oct" ? secret_key(jwk, algorithm)
                              : KeyResult<Key>(std::string("its \"kty\" isn't RSA, EC, OKP or oct"));
  if (!key) return key;
  if (const auto id = text_of(jwk, "kid")) key->id = *id;
  if (const auto* ops = jwk.if_contains("key_ops")) key->can_sign = key->can_sign && names(*ops, "sign");
  return key;
}

// A stranger's bytes don't reach a log as they are.
std::string shown(string_view id) {
  std::string out = "kid \"";
  for (const char c : id.substr(0, kShownId)) out += c >= 0x20 && c < 0x7F && c != '"' ? c : '?';
  return out + '"';
}

// "key 3 (kid "abc")" for a message.
std::string which(std::size_t index, const json::value& jwk) {
  const auto id = jwk.is_object() ? text_of(jwk.get_object(), "kid") : std::nullopt;
  return "key " + std::to_string(index + 1) + (id ? " (" + shown(*id) + ')' : "");
}

std::optional<Algorithm> fallback_for(const json::value& jwk, const std::vector<Algorithm>& allowed) {
  const bool secret = jwk.is_object() && text_of(jwk.get_object(), "kty") == "oct";
  for (const Algorithm a : allowed)
    if (secret ? symmetric(a) : a >= Algorithm::rs256 && a <= Algorithm::ps512) return a;
  return secret || !allowed.empty() ? std::nullopt : std::optional(Algorithm::rs256);
}

using Name = std::pair<std::string, Algorithm>;

// What a key says that it is, whether it is usable or not.
std::optional<Name> declared_name(const json::object& jwk) {
  const auto id = text_of(jwk, "kid"), alg = text_of(jwk, "alg");
  const auto algorithm = alg ? parse_algorithm(*alg) : std::nullopt;
  if (!id || !algorithm) return std::nullopt;
  return Name(*id, *algorithm);
}

const Key* same_name(const std::vector<Key>& keys, const Key& key) {
  const auto at = std::find_if(keys.begin(), keys.end(), [&](const Key& other) {
    return other.id == key.id && other.algorithm == key.algorithm;
  });
  return at == keys.end() ? nullptr : &*at;
}

bool is_public_kind(const json::value& jwk) {
  const auto kind = jwk.is_object() ? text_of(jwk.get_object(), "kty") : std::nullopt;
  return kind == "RSA" || kind == "EC" || kind == "OKP";
}

bool permitted(Algorithm algorithm, const std::vector<Algorithm>& allowed) {
  if (allowed.empty()) return !symmetric(algorithm);
  return std::find(allowed.begin(), allowed.end(), algorithm) != allowed.end();
}

}  // namespace

KeyResult<Key> key_from_jwk(string_view text, std::optional<Algorithm> fallback) {
  const ErrorQueueGuard guard;
  const auto value = parse_strict_json(text);
  if (!value) return "no JWK: " + value.error();
  if (!value->is_object()) return std::string("no JWK: not a JSON object");
  return key_from_object(value->get_object(), fallback);
}

KeyResult<ParsedKeySet> parse_jwks(string_view text, const std::vector<Algorithm>& allowed) {
  const ErrorQueueGuard guard;
  const auto value = parse_strict_json(text);
  if (!value) return "no JWK Set: " + value.error();
  const json::value* list = value->is_object() ? value->get_object().if_contains("keys") : nullptr;
  if (list == nullptr || !list->is_array()) return std::string("no JWK Set: it has no array \"keys\"");
  const json::array& array = list->get_array();
  if (array.size() > kMaxJwksKeys)
    return "a JWK Set of " + std::to_string(array.size()) +
           " keys is too large: " + std::to_string(kMaxJwksKeys) + " are the most";

  const bool mixed = std::any_of(array.begin(), array.end(), is_public_kind);
  ParsedKeySet set;
  std::vector<Key> keys;
  std::vector<Name> ambiguous;
  const auto skip = [&](std::size_t i, const std::string& why) {
    set.skipped.push_back(which(i, array[i]) + ": " + why);
  };
  for (std::size_t i = 0; i < array.size(); ++i) {
    if (!array[i].is_object()) {
      skip(i, "not a JSON object");
      continue;
    }
    auto key = key_from_object(array[i].get_object(), fallback_for(array[i], allowed));
    if (!key) {
      // It may still be the one that a token means by this kid: then no other key can be taken for it.
      if (auto name = declared_name(array[i].get_object())) ambiguous.push_back(std::move(*name));
      skip(i, key.error());
    } else if (!permitted(key->algorithm, allowed)) {
      skip(i, "its algorithm " + std::string(to_string(key->algorithm)) + " isn't allowed");
    } else if (symmetric(key->algorithm) && mixed) {
      skip(i, "a secret among public keys, which are for everybody to read");
    } else if (const Key* twin = same_name(keys, *key)) {
      // Which one is meant can't be known, so neither is used; the very same key twice does no harm.
      const bool same = thumbprint(*twin) == thumbprint(*key);
      if (!same) ambiguous.emplace_back(key->id, key->algorithm);
      skip(i,
           same ? "the same key again" : "another key of the set has its kid and algorithm: neither is used");
    } else {
      keys.push_back(std::move(*key));
    }
  }
  std::erase_if(keys, [&](const Key& key) {
    const bool unclear =
        std::find(ambiguous.begin(), ambiguous.end(), Name(key.id, key.algorithm)) != ambiguous.end();
    if (unclear)
      set.skipped.push_back(shown(key.id) + ": another key of the set has the same kid and algorithm");
    return unclear;
  });
  if (keys.empty()) {
    return "no usable key in the set" + (set.skipped.empty() ? std::string() : "; " + set.skipped.front());
  }
  set.keys = std::make_shared<const KeySet>(std::move(keys));
  return set;
}

}  // namespace sallyport::jose
