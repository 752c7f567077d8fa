// `sallyport explain`: the answer that a request would get and why, without a gateway, an upstream or a
// store.
#include <gtest/gtest.h>

#include "tests/support/jwt.hpp"
#include "tests/support/process.hpp"
#include "tests/support/temp_dir.hpp"

namespace sallyport::testing {
namespace {

const std::string kSecret = "0123456789abcdef0123456789abcdef";

class Explain : public ::testing::Test {
 protected:
  Explain() {
    dir_.write("gateway.yaml",
               "listeners: [{address: \"127.0.0.1:1\"}]\nstore: \"redis://127.0.0.1:1/0\"\n"
               "tokens:\n  issuers:\n    - {issuer: \"https://idp.test\", audience: [api], algorithms: "
               "[HS256], secret: \"" +
                   kSecret +
                   "\"}\n    - {issuer: \"https://far.test\", audience: [api], algorithms: [RS256], jwks: "
                   "\"https://127.0.0.1:1/keys\"}\n"
                   "upstreams: {api: {servers: [\"http://127.0.0.1:1\"]}}\n"
                   "routes:\n"
                   "  - {path: /orders/, upstream: api, auth: required, methods: [GET], strip_prefix: "
                   "/orders, allow: "
                   "{roles: [admin, clerk], scopes: [read]}, cors: {origins: [\"https://app.test\"]}}\n"
                   "  - {path: /public/, upstream: api, auth: none}\n"
                   "  - {path: /far/, host: far.test, upstream: api, auth: required}\n");
  }
  Outcome explain(std::vector<std::string> args, std::string stdin_text = {}) {
    std::vector<std::string> argv{SALLYPORT_BINARY, "explain", "--config", dir_ / "gateway.yaml"};
    argv.insert(argv.end(), args.begin(), args.end());
    ProcessOptions how;
    how.stdin_text = std::move(stdin_text);
    return run(argv, how);
  }
  static std::string token(const std::string& claims, long life = 600, const std::string& secret = kSecret) {
    return hs256(R"({"iss":"https://idp.test","aud":"api","sub":"ada","exp":)" +
                     std::to_string(std::time(nullptr) + life) + claims + "}",
                 secret);
  }
  TempDir dir_;
};

TEST_F(Explain, TellsRouteRuleAnswerAndReason) {
  const std::string good = token(R"(,"roles":["clerk"],"scope":"read")");
  struct Row {
    const char* name;
    std::vector<std::string> args;
    std::vector<std::string> said;
  };
  const Row rows[] = {
      {"allowed",
       {"GET", "http://x/orders/7", "--token", good},
       {"route:    /orders/", "rule:     auth: required; a role of admin, clerk; a scope of read",
        "subject ada", "forwarded to upstream api as GET /7", "revoked only the store knows",
        "header:   X-Auth-Subject: ada", "header:   X-Auth-Roles: clerk"}},
      {"no token", {"GET", "/orders/7"}, {"answer:   401 token_missing"}},
      {"lacks a role",
       {"GET", "/orders/7", "--token", token(R"(,"roles":["user"],"scope":"read")")},
       {"answer:   403 forbidden", "lacks: a role of admin, clerk;"}},
      {"lacks both",
       {"GET", "/orders/7", "--token", token("")},
       {"lacks: a role of admin, clerk; a scope of read;"}},
      {"expired", {"GET", "/orders/7", "--token", token("", -600)}, {"answer:   401 token_expired"}},
      {"forged",
       {"GET", "/orders/7", "--token", token("", 600, std::string(32, 'x'))},
       {"answer:   401 token_invalid", "the signature is not that of the key"}},
      {"keys at a URL",
       {"GET", "http://far.test/far/1", "--token",
        hs256(R"({"alg":"RS256","kid":"a"})", R"({"iss":"https://far.test","aud":"api","exp":9999999999})",
              kSecret)},
       {"answer:   401 token_invalid",
        "the keys of https://far.test come from a URL, which this command doesn't fetch"}},
      {"method", {"POST", "/orders/7"}, {"answer:   405 method_not_allowed", "GET, HEAD"}},
      {"no route", {"GET", "/far/1"}, {"answer:   404 not_found"}},
      {"bad path", {"GET", "http://x/public/../orders/7"}, {"answer:   400 ", "two meanings (dot_segment)"}},
      {"canonical path",
       {"GET", "http://x/publi%63/%7ea"},
       {"path:     /public/~a", "answer:   forwarded", "no token is needed"}},
      {"cors",
       {"GET", "/orders/7", "--origin", "https://app.test"},
       {"Access-Control-Allow-Origin: https://app.test"}},
      {"preflight",
       {"OPTIONS", "/orders/7", "--origin", "https://app.test", "--preflight", "GET"},
       {"answer:   204", "answered before any token"}},
  };
  for (const Row& row : rows) {
    const Outcome outcome = explain(row.args);
    EXPECT_EQ(outcome.code, 0) << row.name << outcome.err;
    for (const std::string& text : row.said)
      EXPECT_NE(outcome.out.find(text), std::string::npos) << row.name << " doesn't say " << text << ":\n"
                                                           << outcome.out;
  }
}

TEST_F(Explain, ReadsTheTokenFromStdinAndNeverPrintsIt) {
  const std::string good = token(R"(,"roles":["clerk"],"scope":"read")");
  const Outcome outcome = explain({"GET", "/orders/7", "--token", "-"}, good + "\n");
  EXPECT_NE(outcome.out.find("forwarded"), std::string::npos) << outcome.out << outcome.err;
  EXPECT_EQ(outcome.out.find(good.substr(0, 30)), std::string::npos);
}

TEST_F(Explain, RefusesWhatIsNoRequest) {
  EXPECT_EQ(explain({"GET", "ftp://x/y"}).code, 2);
  EXPECT_EQ(explain({"GE T", "/y"}).code, 2);
  EXPECT_EQ(explain({"GET"}).code, 2);
}

}  // namespace
}  // namespace sallyport::testing
