// Each kind of revocation that an administrator can order on the command line, as clients of two running
// gateways see it: what it names is refused on both, and nothing else is (CONTRACT section 5).
#include <gtest/gtest.h>

#include "tests/integration/fleet.hpp"
#include "tests/support/jwt.hpp"
#include "tests/support/redis_server.hpp"
#include "tests/support/temp_dir.hpp"

namespace sallyport::testing {
namespace {

constexpr const char* kForeign = "https://idp.test";

// Two gateways over one Redis that take tokens of another issuer with two keys beside their own.
class RevocationKinds : public ::testing::Test {
 protected:
  RevocationKinds() {
    files_.write("idp.json", R"({"keys":[)" + first_key_.jwk() + "," + second_key_.jwk() + "]}");
    fleet_ = std::make_unique<Fleet>(
        redis_.url(), FleetOptions{.refresh = "{}\n  issuers: [{issuer: \"" + std::string(kForeign) +
                                              "\", audience: [api], algorithms: [ES256], jwks: \"file:" +
                                              (files_ / "idp.json") + "\"}]",
                                   .workers = 1});  // what one connection sees, all do
    fleet_->add();
    fleet_->add();
  }

  static std::int64_t now() { return std::time(nullptr); }
  static std::string foreign(const EcKey& key, const std::string& user, std::int64_t issued_at) {
    return es256(R"({"alg":"ES256","typ":"JWT","kid":")" + key.thumbprint() + R"("})",
                 R"({"iss":")" + std::string(kForeign) + R"(","aud":"api","sub":")" + user + R"(","jti":")" +
                     user + std::to_string(issued_at) + R"(","iat":)" + std::to_string(issued_at) +
                     R"(,"exp":)" + std::to_string(issued_at + 600) + "}",
                 key);
  }

  void revoke(std::vector<std::string> what, const std::string& stdin_text = {}) {
    what.insert(what.begin(), "revoke");
    const Outcome outcome = (*fleet_)[0].command(std::move(what), stdin_text);
    ASSERT_EQ(outcome.code, 0) << outcome.err;
  }
  // Revoked on both gateways, as soon as their reads have returned.
  void expect_revoked(const std::string& token) {
    for (const std::size_t gateway : {0, 1}) {
      Response response = fleet_->call(gateway, token);
      for (const Deadline end = within(); response.status == 200 && Clock::now() < end;)
        response = fleet_->call(gateway, token);
      EXPECT_EQ(response.status, 401);
      EXPECT_EQ(error_of(response), "token_revoked");
    }
  }
  void expect_good(const std::string& token) {
    for (const std::size_t gateway : {0, 1}) EXPECT_EQ(fleet_->call(gateway, token).status, 200) << gateway;
  }
  // At both, one after the other.
  void expect_refreshes(std::string refresh_token) {
    for (const std::size_t gateway : {1, 0}) {
      const Response response = fleet_->refresh(gateway, refresh_token);
      ASSERT_EQ(response.status, 200) << response.body;
      refresh_token = pair_of(response).refresh;
      expect_good(pair_of(response).access);
    }
  }
  void expect_dead(const Pair& pair) {
    expect_revoked(pair.access);
    for (const std::size_t gateway : {0, 1})
      EXPECT_EQ(error_of(fleet_->refresh(gateway, pair.refresh)), "session_revoked");
  }

  RedisServer redis_;
  TempDir files_;
  EcKey first_key_, second_key_;
  std::unique_ptr<Fleet> fleet_;
};

TEST_F(RevocationKinds, AToken) {
  const Pair pair = fleet_->login(0, "ada"), other = fleet_->login(0, "ada");
  revoke({"--token", "-"}, pair.access);
  expect_revoked(pair.access);
  expect_good(other.access);
  expect_refreshes(pair.refresh);

  const std::string theirs = foreign(first_key_, "eve", now()), later = foreign(first_key_, "eve", now() + 1);
  revoke({"--token", theirs});
  expect_revoked(theirs);
  expect_good(later);
}

TEST_F(RevocationKinds, ASession) {
  const Pair pair = fleet_->login(0, "ada"), other = fleet_->login(1, "ada");
  revoke({"--session", pair.session});
  expect_dead(pair);
  expect_good(other.access);
  expect_refreshes(other.refresh);
}

TEST_F(RevocationKinds, AUserWhoMayLogInAgainAtOnce) {
  const Pair pair = fleet_->login(0, "ada"), second = fleet_->login(1, "ada"),
             other = fleet_->login(0, "bob");
  revoke({"--user", "ada"});
  const Pair again = fleet_->login(1, "ada");
  expect_dead(pair);
  expect_dead(second);
  expect_good(other.access);
  expect_good(again.access);
  expect_refreshes(again.refresh);
}

TEST_F(RevocationKinds, AUserOfAnotherIssuerBeforeAMoment) {
  const std::int64_t moment = now();
  const std::string before = foreign(first_key_, "ada", moment - 10),
                    after = foreign(first_key_, "ada", moment),
                    other = foreign(first_key_, "eve", moment - 10);
  const Pair own = fleet_->login(0, "ada");
  revoke({"--user", "ada", "--issuer", kForeign, "--before", std::to_string(moment)});
  expect_revoked(before);
  expect_good(after);
  expect_good(other);
  expect_good(own.access);
}

TEST_F(RevocationKinds, AKeyOfAnyIssuer) {
  const std::string first = foreign(first_key_, "ada", now()), second = foreign(second_key_, "ada", now());
  const Pair own = fleet_->login(0, "ada");
  expect_good(first);
  revoke({"--key", first_key_.thumbprint(), "--issuer", kForeign});
  expect_revoked(first);
  expect_good(second);
  expect_good(own.access);

  const std::string header = header_of(own.access);
  const auto at = header.find(R"("kid":")") + 7;
  revoke({"--key", header.substr(at, header.find('"', at) - at)});
  expect_revoked(own.access);
  expect_good(second);
}

// Whoever logs in a moment later has nothing to do with it, at no gateway.
TEST_F(RevocationKinds, EverythingAndNobodyWhoLogsInAMomentLater) {
  const std::string theirs = foreign(first_key_, "ada", now());
  const Pair ada = fleet_->login(0, "ada"), bob = fleet_->login(1, "bob");
  for (int round = 0; round < 3; ++round) {  // one of them begins and ends within a second
    const Pair before = fleet_->login(0, "ada");
    revoke({"--everything"});
    expect_revoked(before.access);  // so both gateways know
    const Pair after = fleet_->login(1, "ada");
    expect_dead(before);
    expect_good(after.access);
    expect_refreshes(after.refresh);
  }
  expect_dead(ada);
  expect_dead(bob);
  expect_good(theirs);
}

TEST_F(RevocationKinds, EverythingBeforeAMoment) {
  const Pair before = fleet_->login(0, "ada");
  const std::int64_t moment = now() + 1;
  ASSERT_TRUE(poll_until([&] { return now() >= moment; }));
  const Pair after = fleet_->login(0, "ada");
  revoke({"--everything", "--before", std::to_string(moment)});
  expect_dead(before);
  expect_good(after.access);
  expect_refreshes(after.refresh);
}

TEST_F(RevocationKinds, EverythingOfAnotherIssuer) {
  const std::int64_t moment = now();
  const std::string before = foreign(first_key_, "ada", moment - 1),
                    after = foreign(second_key_, "eve", moment);
  const Pair own = fleet_->login(0, "ada");
  revoke({"--everything", "--issuer", kForeign, "--before", std::to_string(moment)});
  expect_revoked(before);
  expect_good(after);
  expect_good(own.access);
  expect_refreshes(own.refresh);
}

}  // namespace
}  // namespace sallyport::testing
