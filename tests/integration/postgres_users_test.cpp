// Users of a team's own PostgreSQL log in here (S1.30, S4.14): a table as ASP.NET Identity makes it, in a
// real server that also goes away, hangs and comes back.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/integration/fleet.hpp"
#include "tests/support/jwt.hpp"
#include "tests/support/postgres_server.hpp"
#include "tests/support/redis_server.hpp"

namespace sallyport::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

// The hashes are of "my password": what PasswordHasher of ASP.NET Identity v3 and v2 wrote.
constexpr const char* kTables = R"(
CREATE TABLE "AspNetUsers" ("Id" uuid PRIMARY KEY, "UserName" text, "NormalizedUserName" text UNIQUE, "Email" text,
  "EmailConfirmed" boolean NOT NULL, "PasswordHash" text, "LockoutEnd" timestamptz, "FirstName" text, "Tenant" text);
CREATE TABLE "AspNetRoles" ("Id" text PRIMARY KEY, "Name" text);
CREATE TABLE "AspNetUserRoles" ("UserId" uuid, "RoleId" text);
INSERT INTO "AspNetUsers" VALUES
  ('0b7a35f6-7a5b-4f0c-9a76-0d4a1bb5a001', 'Ada', 'ADA', 'ada@example.com', true,
   'AQAAAAIAAYagAAAAEAABAgMEBQYHCAkKCwwNDg/Q8A0WMKbtHQJQ2DHCdoEeeFBrgNlldq6vH4qX/CGqGQ==', NULL, 'Ada', 'blue'),
  ('0b7a35f6-7a5b-4f0c-9a76-0d4a1bb5a002', 'bob', 'BOB', NULL, true,
   'AAABAgMEBQYHCAkKCwwNDg+ukCEMDf0yyQ29NYubggHIVY0sdEUfdyeM+E1LtH1uJg==', NULL, NULL, NULL),
  ('0b7a35f6-7a5b-4f0c-9a76-0d4a1bb5a003', 'eve', 'EVE', NULL, true,
   'AAABAgMEBQYHCAkKCwwNDg+ukCEMDf0yyQ29NYubggHIVY0sdEUfdyeM+E1LtH1uJg==', now() + interval '1 day', NULL, NULL),
  ('0b7a35f6-7a5b-4f0c-9a76-0d4a1bb5a004', 'external', 'EXTERNAL', NULL, true, NULL, NULL, NULL, NULL);
INSERT INTO "AspNetRoles" VALUES ('r1', 'Manager'), ('r2', 'Two Words');
INSERT INTO "AspNetUserRoles" VALUES ('0b7a35f6-7a5b-4f0c-9a76-0d4a1bb5a001', 'r1'),
                                     ('0b7a35f6-7a5b-4f0c-9a76-0d4a1bb5a001', 'r2');
)";

// Those of auth/stores/postgres/README.md.
constexpr const char* kSelect = R"(
      SELECT u."Id" AS id, u."UserName" AS name, u."PasswordHash" AS password_hash, u."Email" AS email,
             u."EmailConfirmed" AS email_confirmed, coalesce(u."LockoutEnd" > now(), false) AS disabled,
             ARRAY(SELECT r."Name" FROM "AspNetUserRoles" ur JOIN "AspNetRoles" r ON r."Id" = ur."RoleId"
                   WHERE ur."UserId" = u."Id") AS roles,
             u."Tenant" AS "claims.tenant", u."FirstName" AS "profile.first_name"
      FROM "AspNetUsers" u )";
constexpr const char* kUpdate =
    R"(UPDATE "AspNetUsers" SET "PasswordHash" = $2 WHERE "Id" = $1::uuid AND "PasswordHash" = $3)";

std::string users_yaml(const PostgresServer& server, const std::string& more = {}) {
  return "\n  source: postgres\n  profile: [first_name]\n  postgres:\n    url: \"" + server.url() +
         "\"\n    timeout: 1s\n    by_name: >-" + kSelect + R"(WHERE u."NormalizedUserName" = upper($1))" +
         "\n    by_id: >-" + kSelect + R"(WHERE u."Id" = $1::uuid)" + "\n" + more;
}

class PostgresUsers : public ::testing::Test {
 protected:
  PostgresUsers() { server_.sql(kTables); }

  Fleet& gateway(const std::string& more = {}) {
    fleet_ = std::make_unique<Fleet>("sqlite:" + (state_ / "state.db"),
                                     FleetOptions{.users = users_yaml(server_, more)});
    fleet_->add();
    return *fleet_;
  }
  Response login(const std::string& name, const std::string& password = "my password") {
    return HttpClient((*fleet_)[0].port())
        .post("/auth/login", R"({"username":")" + name + R"(","password":")" + password + "\"}");
  }

  PostgresServer server_;
  TempDir state_;
  std::unique_ptr<Fleet> fleet_;
};

TEST_F(PostgresUsers, LogInWithTheHashesThatAspNetIdentityLeft) {
  gateway();
  const Response ada = login("aDa");
  ASSERT_EQ(ada.status, 200) << ada.raw;
  EXPECT_EQ(ada.json().at("user").at("first_name"), "Ada");
  const Pair pair = pair_of(ada);
  EXPECT_EQ((*fleet_).call(0, pair.access).status, 200);
  const RecordedRequest seen = fleet_->origin().last();
  EXPECT_EQ(seen.headers.get("x-auth-subject"), "0b7a35f6-7a5b-4f0c-9a76-0d4a1bb5a001");
  EXPECT_EQ(seen.headers.get("x-auth-roles"), "Manager,Two Words");
  EXPECT_EQ(login("bob").status, 200) << "a v2 hash";

  for (const char* name :
       {"ada", "nobody", "external", "ada'; DROP TABLE \\\"AspNetUsers\\\"; --", "a\\u0001"})
    EXPECT_EQ(error_of(login(name, "wrong password")), "login_failure") << name;
  EXPECT_EQ(error_of(login("eve", "wrong password")), "login_failure");
  EXPECT_EQ(error_of(login("eve")), "account_disabled");
  EXPECT_EQ(server_.sql(R"(SELECT count(*) FROM "AspNetUsers" WHERE "PasswordHash" LIKE 'A%')"), "3")
      << "without update_password nothing is written";
}

TEST_F(PostgresUsers, AreAskedForAgainAtEachRefresh) {
  gateway();
  const Pair first = pair_of(login("ada"));
  server_.sql(
      R"(UPDATE "AspNetUserRoles" SET "RoleId" = 'r2'; DELETE FROM "AspNetUserRoles" WHERE ctid <> (SELECT min(ctid) FROM "AspNetUserRoles"))");
  const Response second = fleet_->refresh(0, first.refresh);
  ASSERT_EQ(second.status, 200) << second.raw;
  EXPECT_EQ(fleet_->call(0, pair_of(second).access).status, 200);
  EXPECT_EQ(fleet_->origin().last().headers.get("x-auth-roles"), "Two Words");

  server_.sql(
      R"(UPDATE "AspNetUsers" SET "LockoutEnd" = now() + interval '1 hour' WHERE "UserName" = 'Ada')");
  const Response refused = fleet_->refresh(0, pair_of(second).refresh);
  EXPECT_EQ(refused.status, 401);
  EXPECT_EQ(error_of(refused), "account_disabled");
}

TEST_F(PostgresUsers, GetArgon2idAndNewPasswordsWhereTheConfigurationSaysHow) {
  gateway(std::string("    update_password: >-\n      ") + kUpdate + "\n");
  const Pair ada = pair_of(login("ada"));
  EXPECT_THAT(server_.sql(R"(SELECT "PasswordHash" FROM "AspNetUsers" WHERE "UserName" = 'Ada')"),
              HasSubstr("$argon2id$"));
  EXPECT_EQ(login("ada").status, 200);
  const HttpClient client((*fleet_)[0].port());
  EXPECT_EQ(client
                .post("/auth/password",
                      R"({"current_password":"my password","new_password":"correct horse battery"})",
                      bearer(ada.access))
                .status,
            204);
  EXPECT_EQ(error_of(login("ada")), "login_failure");
  EXPECT_EQ(login("ada", "correct horse battery").status, 200);
}

TEST_F(PostgresUsers, GetANewPasswordForAResetToken) {
  gateway(std::string("    update_password: >-\n      ") + kUpdate + "\n  reset: on\n");
  const Pair ada = pair_of(login("ada"));
  const std::string config = state_.write("gateway.yaml", fleet_->yaml());
  const auto command = [&](std::vector<std::string> words) {
    words.insert(words.begin(), {SALLYPORT_BINARY, "user"});
    words.insert(words.end(), {"--config", config});
    return run(std::move(words), {});
  };
  const Outcome issued = command({"reset-token", "ADA"});
  ASSERT_EQ(issued.code, 0) << issued.err;
  const std::string token = issued.out.substr(0, issued.out.find('\n'));
  const HttpClient client((*fleet_)[0].port());
  const std::string wanted = R"({"token":")" + token + R"(","new_password":"correct horse battery"})";
  EXPECT_EQ(client.post("/auth/password/reset", wanted).status, 204);
  EXPECT_EQ(fleet_->call(0, ada.access).status, 401);
  EXPECT_EQ(error_of(login("ada")), "login_failure");
  EXPECT_EQ(login("ada", "correct horse battery").status, 200);
  EXPECT_EQ(client.post("/auth/password/reset", wanted).status, 422) << "once";

  EXPECT_EQ(command({"reset-token", "nobody"}).code, 1);
  server_.kill();
  const Outcome away = command({"reset-token", "ada"});
  EXPECT_EQ(away.code, 3);
  EXPECT_THAT(away.err, HasSubstr("users.source: postgres"));
}

TEST_F(PostgresUsers, AreUnlockedFromHere) {
  gateway();
  for (int i = 0; i < 10; ++i) EXPECT_EQ(login("ada", "wrong password").status, 401);
  EXPECT_EQ(login("ada").status, 429);
  const std::string config = state_.write("gateway.yaml", fleet_->yaml());
  const Outcome unlocked = run({SALLYPORT_BINARY, "user", "unlock", "Ada", "--config", config}, {});
  EXPECT_EQ(unlocked.code, 0) << unlocked.err;
  EXPECT_EQ(login("ada").status, 200);
}

TEST_F(PostgresUsers, HaveNoPasswordEndpointWhereNothingCanBeWritten) {
  gateway();
  const Pair ada = pair_of(login("ada"));
  const Response none =
      HttpClient((*fleet_)[0].port())
          .post("/auth/password",
                R"({"current_password":"my password","new_password":"correct horse battery"})",
                bearer(ada.access));
  EXPECT_EQ(none.status, 404) << none.raw;
}

TEST_F(PostgresUsers, AreToldToComeBackWhileTheDatabaseIsAwayAndNobodyIsLoggedOut) {
  gateway();
  const Pair ada = pair_of(login("ada"));
  server_.kill();
  const Response away = login("ada");
  EXPECT_EQ(away.status, 503) << away.raw;
  EXPECT_EQ(error_of(away), "store_unavailable");
  EXPECT_TRUE(away.headers.has("retry-after"));
  EXPECT_EQ(fleet_->refresh(0, ada.refresh).status, 503);
  EXPECT_EQ(fleet_->call(0, ada.access).status, 200) << "the request path asks nobody";
  server_.start();
  EXPECT_TRUE(poll_until([&] { return login("ada").status == 200; }));
  EXPECT_EQ(fleet_->refresh(0, ada.refresh).status, 200) << "the refusal of before ended nothing";
}

TEST_F(PostgresUsers, AreToldToComeBackInTimeWhileTheDatabaseHangs) {
  gateway();
  const Pair ada = pair_of(login("ada"));
  server_.pause();
  const auto began = std::chrono::steady_clock::now();
  EXPECT_EQ(login("ada").status, 503);
  EXPECT_LT(std::chrono::steady_clock::now() - began, 5s) << "users.postgres.timeout is 1s";
  EXPECT_EQ(fleet_->call(0, ada.access).status, 200);
  server_.resume();
  EXPECT_TRUE(poll_until([&] { return login("ada").status == 200; }));
}

TEST_F(PostgresUsers, AreMissedAtTheStartWhereAQueryCannotWork) {
  fleet_ = std::make_unique<Fleet>(
      "sqlite:" + (state_ / "state.db"),
      FleetOptions{
          .users =
              "\n  source: postgres\n  postgres:\n    url: \"" + server_.url() +
              "\"\n    by_name: SELECT nothing FROM nowhere WHERE x = $1\n    by_id: SELECT $1 AS id\n"});
  fleet_->add();
  EXPECT_TRUE((*fleet_)[0].wait_for_log("nobody can log in: users.postgres.by_name: PostgreSQL says 42P01"));
  EXPECT_EQ(login("ada").status, 503);
}

TEST_F(PostgresUsers, AreNotManagedFromHereButTheirSessionsAre) {
  gateway();
  const Pair ada = pair_of(login("ada"));
  const Outcome added = (*fleet_)[0].command({"user", "list"});
  EXPECT_EQ(added.code, 1);
  EXPECT_THAT(added.err, HasSubstr("users come from users.source: postgres"));
  const std::string config = state_.write("gateway.yaml", fleet_->yaml());
  const Outcome revoked = run({SALLYPORT_BINARY, "revoke", "--user", "ADA", "--config", config}, {});
  EXPECT_EQ(revoked.code, 0) << revoked.err;
  EXPECT_THAT(revoked.out, HasSubstr("ended 1 session of Ada"));
  EXPECT_TRUE(poll_until([&] { return fleet_->call(0, ada.access).status == 401; }));
}

}  // namespace
}  // namespace sallyport::testing
