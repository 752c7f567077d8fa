// Tokens of libraries that nobody here wrote verify with ours, and ours with them, for every algorithm. Issue
// 4, "Shows" 2: PyJWT and the npm package jose.
#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "auth/jose/token_issuer.hpp"
#include "auth/jose/token_verifier.hpp"
#include "tests/support/process.hpp"

namespace sallyport::testing {
namespace {

namespace json = boost::json;
using jose::Algorithm;

const std::string kSecret(64, 's');

std::string public_pem(const jose::Key& key) {
  BIO* bio = BIO_new(BIO_s_mem());
  PEM_write_bio_PUBKEY(bio, key.pkey.get());
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  std::string pem(data, static_cast<std::size_t>(size));
  BIO_free(bio);
  return pem;
}

std::vector<jose::Key> keys_of_every_algorithm() {
  std::vector<jose::Key> keys;
  const std::string rsa = jose::private_pem(*jose::generate_key(Algorithm::rs256));
  for (int i = 0; i <= static_cast<int>(Algorithm::eddsa); ++i) {
    const auto algorithm = static_cast<Algorithm>(i);
    if (jose::symmetric(algorithm))
      keys.push_back(
          *jose::key_from_secret(config::Secret(kSecret), algorithm, "secret-" + std::to_string(i)));
    else if (algorithm >= Algorithm::rs256 && algorithm <= Algorithm::ps512)
      keys.push_back(*jose::key_from_pem(rsa, algorithm));
    else
      keys.push_back(*jose::generate_key(algorithm));
  }
  return keys;
}

void trade_tokens(std::vector<std::string> peer) {
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  const std::vector<jose::Key> keys = keys_of_every_algorithm();
  ASSERT_EQ(keys.size(), 13u);
  json::array cases;
  for (const jose::Key& key : keys) {
    jose::AccessToken token;
    token.issuer = "https://ours.test";
    token.audience = {"api"};
    token.subject = "ada";
    token.token_id = "t1";
    token.issued_at = now;
    token.expires = now + std::chrono::seconds(600);
    token.extra["roles"] = json::array{"admin", "ünï"};
    jose::TokenIssuer issuer(std::make_shared<const jose::Key>(key));
    const bool secret = key.pkey == nullptr;
    cases.push_back(json::object{{"alg", jose::to_string(key.algorithm)},
                                 {"kid", key.id},
                                 {"now", now.time_since_epoch().count()},
                                 {"private", secret ? kSecret : jose::private_pem(key)},
                                 {"public", secret ? kSecret : public_pem(key)},
                                 {"token", issuer.issue(token)}});
  }
  ProcessOptions how;
  how.stdin_text = json::serialize(cases);
  const Outcome outcome = run(std::move(peer), how);
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  const json::value said = json::parse(outcome.out);
  const json::array& answers = said.at("answers").as_array();
  ASSERT_EQ(answers.size(), keys.size());
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const std::string name = std::string(jose::to_string(keys[i].algorithm)) + " with " +
                             std::string(said.at("library").as_string());
    const json::object& answer = answers[i].as_object();
    ASSERT_TRUE(answer.contains("claims")) << name << ": " << json::serialize(answer);
    EXPECT_EQ(answer.at("claims").at("sub").as_string(), "ada") << name;
    EXPECT_EQ(answer.at("claims").at("roles").at(1).as_string(), "ünï") << name;
    EXPECT_EQ(answer.at("header").at("kid").as_string(), keys[i].id) << name;

    jose::Issuer theirs;
    theirs.issuer = "https://theirs.test";
    theirs.audience = {"api"};
    theirs.keys = std::make_shared<const jose::KeySet>(std::vector<jose::Key>{keys[i]});
    jose::TokenVerifier verifier(
        std::make_shared<const std::vector<jose::Issuer>>(std::vector<jose::Issuer>{theirs}));
    const std::string token(answer.at("token").as_string());
    const auto verified = verifier.verify(token, now);
    ASSERT_TRUE(verified) << name << ": " << jose::to_string(verified.error());
    EXPECT_EQ((*verified)->subject, "grace") << name;
    EXPECT_EQ((*verified)->roles, (std::vector<std::string>{"admin", "ünï"})) << name;
    EXPECT_EQ((*verified)->algorithm, keys[i].algorithm) << name;
  }
}

TEST(Interop, TokensOfPyJwtAndOursVerifyWithEachOtherForEveryAlgorithm) {
  // Debian's own interpreter, which has Debian's packages, whichever other comes first in PATH.
  trade_tokens({"/usr/bin/python3", SALLYPORT_TEST_DATA "/integration/interop/pyjwt_peer.py"});
}

TEST(Interop, TokensOfNodesJoseAndOursVerifyWithEachOtherForEveryAlgorithm) {
  trade_tokens({"node", SALLYPORT_TEST_DATA "/node/jose_peer.mjs"});
}

}  // namespace
}  // namespace sallyport::testing
