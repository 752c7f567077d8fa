// Published JWS and JWK vectors against the path that a bearer token takes, up to the claims: split, header,
// choice of the key, signature. What is left out is listed with its reason.
#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>
#include <map>

#include "auth/jose/compact_jws.hpp"
#include "auth/jose/strict_json.hpp"
#include "support.hpp"

namespace sallyport::jose {
namespace {

namespace json = boost::json;

bool believed(std::string_view token, const KeySet& set) {
  const auto parts = split_compact(token);
  if (!parts) return false;
  const auto header_text = base64url_decode(parts->header), payload = base64url_decode(parts->payload),
             signature = base64url_decode(parts->signature);
  if (!header_text || !payload || !signature) return false;
  const auto header_json = parse_strict_json(*header_text);
  if (!header_json) return false;
  const auto header = read_jws_header(*header_json);
  if (!header) return false;
  const auto key = choose_key(*header, set);
  return key && SignatureVerifier(**key).verify(parts->signed_bytes, *signature);
}

const json::object& verifying_key(const json::object& group) {
  return group.contains("public") ? group.at("public").as_object() : group.at("private").as_object();
}

// Why a token that a vector calls valid isn't for us; empty: it must be accepted.
std::string why_refused(const std::string& token, const json::object& key) {
  if (token.find("..") != token.npos) return "the payload is empty, so no claims";
  if (token.find('?') != token.npos) return "a character outside of base64url (J4)";
  if (key.at("alg") == "ES521") return "the key's alg is \"ES521\", which isn't one";
  const auto header = json::parse(*base64url_decode(split_compact(token)->header));
  if (header.at("alg") != key.at("alg")) return "the token's alg isn't the key's (J1)";
  return "";
}

struct Count {
  int valid = 0, invalid = 0;
};

std::ostream& operator<<(std::ostream& out, const Count& count) {
  return out << count.valid << " valid accepted, " << count.invalid << " invalid refused";
}

TEST(JwsVectors, GivesTheVerdictsOfWycheproofOnSignatures) {
  Count count;
  std::map<std::string, int> set_aside;
  const auto document = test::load_vector("wycheproof/json_web_signature_test.json");
  for (const auto& group_value : document.at("testGroups").as_array()) {
    const json::object& group = group_value.as_object();
    auto key = key_from_jwk(json::serialize(verifying_key(group)), {});
    const std::string problem = key ? "" : key.error();
    const KeySet set(key ? std::vector<Key>{std::move(*key)} : std::vector<Key>{});
    std::vector<std::string> valid;
    for (const auto& one : group.at("tests").as_array())
      if (one.at("result") == "valid") valid.push_back(test::text(one.at("jws")));
    for (const auto& one : group.at("tests").as_array()) {
      const std::string token = test::text(one.at("jws"));
      const bool good = believed(token, set);
      if (one.at("result") != "valid") {
        if (good && std::find(valid.begin(), valid.end(), token) != valid.end()) {
          ++set_aside["marked invalid (\"padding\"), but the same text is marked valid too: accepted"];
          continue;
        }
        EXPECT_FALSE(good) << one.at("tcId") << ' ' << one.at("comment");
        ++count.invalid;
        continue;
      }
      const std::string reason = why_refused(token, verifying_key(group));
      if (!reason.empty()) {
        EXPECT_FALSE(good) << one.at("tcId");
        ++set_aside["marked valid, refused on purpose: " + reason];
        continue;
      }
      EXPECT_TRUE(good) << one.at("tcId") << ' ' << one.at("comment") << ' ' << problem;
      ++count.valid;
    }
  }
  std::cout << "json_web_signature_test: " << count << '\n';
  int total = count.valid + count.invalid;
  for (const auto& [reason, n] : set_aside) {
    std::cout << "  " << n << " " << reason << '\n';
    total += n;
  }
  EXPECT_EQ(document.at("numberOfTests").as_int64(), total);
  EXPECT_GT(count.valid, 25);
}

TEST(JwsVectors, GivesTheVerdictsOfWycheproofOnKeySets) {
  Count count;
  const auto document = test::load_vector("wycheproof/json_web_key_test.json");
  for (const auto& group_value : document.at("testGroups").as_array()) {
    const json::object& group = group_value.as_object();
    const auto parsed =
        parse_jwks(json::serialize(verifying_key(group)), {test::kAll.begin(), test::kAll.end()});
    for (const auto& one : group.at("tests").as_array()) {
      const bool good = parsed && believed(test::text(one.at("jws")), *parsed->keys);
      const bool valid = one.at("result") == "valid";
      EXPECT_EQ(good, valid) << group.at("comment") << ' ' << one.at("comment")
                             << (parsed ? "" : parsed.error());
      ++(valid ? count.valid : count.invalid);
    }
  }
  std::cout << "json_web_key_test: " << count << '\n';
  EXPECT_EQ(document.at("numberOfTests").as_int64(), count.valid + count.invalid);
}

TEST(JwsVectors, RefusesEveryEncryptedToken) {
  int refused = 0;
  const auto document = test::load_vector("wycheproof/json_web_encryption_test.json");
  for (const auto& group : document.at("testGroups").as_array())
    for (const auto& one : group.at("tests").as_array()) {
      const json::value& token = one.at("jwe");
      EXPECT_FALSE(split_compact(token.is_string() ? test::text(token) : json::serialize(token)))
          << one.at("tcId");
      ++refused;
    }
  std::cout << "json_web_encryption_test: " << refused << " refused as bearer tokens\n";
  EXPECT_EQ(document.at("numberOfTests").as_int64(), refused);
}

TEST(JwsVectors, VerifiesAndMakesTheExamplesOfTheCookbook) {
  int verified = 0, remade = 0;
  for (const char* name :
       {"jws/4_1.rsa_v15_signature", "jws/4_2.rsa-pss_signature", "jws/4_3.ecdsa_signature",
        "jws/4_4.hmac-sha2_integrity_protection", "curve25519/jws"}) {
    const auto document = test::load_vector("jose-cookbook/" + std::string(name) + ".json");
    const json::object& input = document.at("input").as_object();
    const auto key =
        key_from_jwk(json::serialize(input.at("key")), parse_algorithm(test::text(input.at("alg"))));
    ASSERT_TRUE(key) << name << ": " << key.error();
    const std::string token = test::text(document.at("output").at("compact"));
    EXPECT_TRUE(believed(token, KeySet({*key}))) << name;
    ++verified;
    if (!document.as_object().contains("reproducible")) continue;
    const std::string signed_bytes = token.substr(0, token.rfind('.'));
    EXPECT_EQ(signed_bytes + '.' + base64url_encode(Signer(*key).sign(signed_bytes)), token) << name;
    ++remade;
  }
  const auto detached = test::load_vector("jose-cookbook/jws/4_5.signature_with_detached_content.json");
  EXPECT_FALSE(split_compact(test::text(detached.at("output").at("compact"))));
  std::cout << "jose-cookbook: " << verified << " verified, " << remade
            << " signed again to the byte, 1 detached refused; skipped 4_6, 4_7, 4_8 (no compact form)\n";
}

TEST(JwsVectors, VerifiesTheExamplesOfRfc7515) {
  const auto document = test::load_vector("rfc/rfc7515_appendix_a.json");
  int verified = 0, refused = 0;
  for (const auto& vector : document.at("vectors").as_array()) {
    const std::string token = test::text(vector.at("jws"));
    const auto algorithm = parse_algorithm(test::text(vector.at("alg")));
    if (!algorithm) {  // A.5, unsecured
      EXPECT_FALSE(split_compact(token));
      ++refused;
      continue;
    }
    const auto key = key_from_jwk(json::serialize(vector.at("key")), algorithm);
    ASSERT_TRUE(key) << vector.at("section") << key.error();
    EXPECT_TRUE(believed(token, KeySet({*key}))) << vector.at("section");
    ++verified;
  }
  std::cout << "RFC 7515 appendix A: " << verified << " verified, " << refused << " unsecured refused\n";
  EXPECT_EQ(verified, 4);
  EXPECT_EQ(refused, 1);
}

}  // namespace
}  // namespace sallyport::jose
