// Tokens as strangers send them. The first byte chooses: the rest is the token itself, or header and claims
// (a line each) that are then signed well, so that the fuzzer gets behind the signature. Whatever comes, the
// verifier ends, says the same twice, and lets nothing pass that has a second spelling or breaks a rule of
// its issuer.
// Covers: auth/jose/compact_jws.cpp, auth/jose/base64url.cpp, auth/jose/token_verifier.cpp
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <boost/json/serialize.hpp>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "auth/jose/base64url.hpp"
#include "auth/jose/compact_jws.hpp"
#include "auth/jose/key_wish.hpp"
#include "auth/jose/strict_json.hpp"
#include "auth/jose/token_verifier.hpp"

namespace {

using namespace sallyport;
using namespace sallyport::jose;

const std::string kSecret = "a secret that everybody may know, for tests";
const UnixSeconds kNow{std::chrono::seconds(1'800'000'000)};

void require(bool held) {
  if (!held) std::abort();
}

std::shared_ptr<const std::vector<Issuer>> issuers() {
  const auto made = [](std::string name, bool own) {
    Issuer issuer;
    issuer.issuer = std::move(name);
    issuer.audience = {"api"};
    issuer.own = own;
    std::vector<Key> keys;
    keys.push_back(*key_from_secret(config::Secret(kSecret), Algorithm::hs256, "k1"));
    issuer.keys = std::make_shared<const KeySet>(std::move(keys));
    return issuer;
  };
  return std::make_shared<const std::vector<Issuer>>(
      std::vector<Issuer>{made("own", true), made("other", false)});
}

std::string signed_token(std::string_view header, std::string_view claims) {
  std::string token = base64url_encode(header) + '.' + base64url_encode(claims);
  unsigned char tag[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  HMAC(EVP_sha256(), kSecret.data(), static_cast<int>(kSecret.size()),
       reinterpret_cast<const unsigned char*>(token.data()), token.size(), tag, &size);
  return token + '.' + base64url_encode({reinterpret_cast<const char*>(tag), size});
}

// One spelling for each part, or two texts would be the same token to us and different ones to a revocation.
void require_one_spelling(std::string_view token) {
  const auto parts = split_compact(token);
  require(parts.has_value());
  for (const std::string_view part : {parts->header, parts->payload, parts->signature}) {
    const auto decoded = base64url_decode(part);
    require(decoded.has_value() && base64url_encode(*decoded) == part);
  }
}

// The last character of a signature has spare bits: no other one may mean the same.
void require_no_other_spelling(TokenVerifier& verifier, std::string token) {
  const char good = token.back();
  for (const char c :
       std::string_view("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=+/")) {
    if (c == good) continue;
    token.back() = c;
    require(!verifier.verify(token, kNow));
  }
}

void require_rules(std::string_view token, const Claims& claims) {
  require(token.size() <= kMaxToken);
  require(claims.issuer == "own" || claims.issuer == "other");
  require(claims.own == (claims.issuer == "own"));
  require(claims.algorithm == Algorithm::hs256 && claims.key_id == "k1");
  require(kNow < claims.expires + std::chrono::seconds(60));
  const auto* aud = claims.all.if_contains("aud");
  require(aud != nullptr && (aud->is_string() || aud->is_array()));
  // What policy sees is what was signed.
  const auto payload = base64url_decode(split_compact(token)->payload);
  require(parse_strict_json(*payload).has_value());
  const auto header = parse_strict_json(*base64url_decode(split_compact(token)->header));
  require(header.has_value() && header->at("alg") == "HS256" &&
          header->get_object().if_contains("crit") == nullptr);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static TokenVerifier verifier(issuers());
  if (size == 0) return 0;
  const std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  std::string token(rest);
  if ((data[0] & 1) != 0) {
    const std::size_t line = rest.find('\n');
    if (line == rest.npos) return 0;
    token = signed_token(rest.substr(0, line), rest.substr(line + 1));
  }
  (void)key_wish(token);
  const auto verified = verifier.verify(token, kNow);
  const auto again = verifier.verify(token, kNow);
  require(verified.has_value() == again.has_value());
  const auto late = verifier.verify_ignoring_expiry(token, kNow);
  if (!verified) {
    require(again.error() == verified.error());
    require(late.has_value() == (verified.error() == TokenError::expired));
    return 0;
  }
  require(late.has_value());
  require_one_spelling(token);
  require_no_other_spelling(verifier, token);
  require_rules(token, **verified);
  return 0;
}
