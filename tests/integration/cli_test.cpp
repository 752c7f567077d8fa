// The commands of the real program: what they print, what they change, and their exit codes (CONTRACT section
// 1).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/json/parse.hpp>

#include "auth/stores/stores.hpp"
#include "tests/support/await.hpp"
#include "tests/support/process.hpp"
#include "tests/support/temp_dir.hpp"

namespace sallyport::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

constexpr char kPassword[] = "correct horse battery\n";

std::string config_with_store(const std::string& store) {
  return "listeners:\n  - address: 127.0.0.1:1\nstore: " + store +
         "\ntokens:\n  issuer: https://auth.example.com\n  audience: [api]\n  signing: {algorithm: ES256, "
         "keys: keys/}\n"
         "users:\n  new: {roles: [user]}\n"
         "upstreams:\n  api: {servers: [\"http://127.0.0.1:9\"]}\n"
         "routes:\n  - {path: /api/, upstream: api, auth: required}\n";
}

class CommandLine : public ::testing::Test {
 protected:
  CommandLine() { dir_.write("gateway.yaml", config_with_store("sqlite:state.db")); }

  Outcome sallyport(std::vector<std::string> args, std::string stdin_text = {}) {
    std::vector<std::string> argv{SALLYPORT_BINARY};
    argv.insert(argv.end(), args.begin(), args.end());
    ProcessOptions how;
    how.stdin_text = std::move(stdin_text);
    how.directory = dir_.path().string();
    return run(std::move(argv), std::move(how));
  }

  Outcome add(const std::string& name) { return sallyport({"user", "add", name}, kPassword); }

  boost::json::object user(const std::string& name) {
    const std::string out = sallyport({"user", "list", "--json"}).out;
    std::size_t start = 0;
    for (std::size_t end = 0; (end = out.find('\n', start)) != out.npos; start = end + 1) {
      auto object = boost::json::parse(out.substr(start, end - start)).as_object();
      if (object.at("username").as_string() == name) return object;
    }
    ADD_FAILURE() << name << " isn't in " << out;
    return {};
  }

  // The same store, opened beside the program.
  config::Store store() const {
    config::Store store;
    store.kind = config::StoreKind::sqlite;
    store.path = dir_ / "state.db";
    store.url = "sqlite:state.db";
    return store;
  }

  sessions::SessionId open_session(stores::Stores& stores, const std::string& user_id, unsigned char n) {
    sessions::Session session;
    const auto tag = sessions::user_tag(user_id);
    std::copy(tag.begin(), tag.end(), session.id.bytes.begin());
    session.id.bytes.back() = n;
    session.user_id = user_id;
    auto created = await(context_, stores.sessions->create(session, 0, config::WhenFull::evict_oldest));
    EXPECT_TRUE(created);
    return session.id;
  }

  std::vector<revocation::Event> events(stores::Stores& stores) {
    std::vector<revocation::Event> events;
    auto batch = await(context_, stores.log->read("", 100, std::chrono::milliseconds(0)));
    EXPECT_TRUE(batch);
    if (batch) {
      for (auto& entry : batch->entries) events.push_back(std::move(entry.event));
    }
    return events;
  }

  TempDir dir_;
  net::io_context context_;
};

TEST_F(CommandLine, PrintsItsVersion) {
  const Outcome outcome = sallyport({"version"});
  EXPECT_EQ(outcome.code, 0);
  EXPECT_THAT(outcome.out, StartsWith("sallyport "));
  EXPECT_EQ(sallyport({"--version"}).code, 0);
}

TEST_F(CommandLine, HelpsWithAnExampleForEachCommand) {
  const std::vector<std::vector<std::string>> commands{
      {},
      {"serve"},
      {"check"},
      {"schema"},
      {"version"},
      {"ping"},
      {"user"},
      {"user", "add"},
      {"user", "set"},
      {"user", "passwd"},
      {"user", "reset-token"},
      {"user", "disable"},
      {"user", "enable"},
      {"user", "confirm"},
      {"user", "unlock"},
      {"user", "delete"},
      {"user", "list"},
      {"keys"},
      {"keys", "new"},
      {"keys", "rotate"},
      {"keys", "list"},
      {"keys", "revoke"},
      {"token"},
      {"token", "inspect"},
      {"token", "mint"},
      {"revoke"},
  };
  for (auto command : commands) {
    command.push_back("--help");
    const Outcome outcome = sallyport(command);
    EXPECT_EQ(outcome.code, 0) << command.front();
    EXPECT_THAT(outcome.out, HasSubstr("Example:\n  sallyport ")) << command.front();
  }
}

TEST_F(CommandLine, ExitsWithTwoForWrongUsage) {
  for (const auto& args :
       std::vector<std::vector<std::string>>{{"sevre"},
                                             {"user"},
                                             {"user", "add"},
                                             {"user", "add", "ada", "--password", "secret"},
                                             {"token", "inspect"},
                                             {"revoke"},
                                             {"revoke", "--user", "ada", "--everything"},
                                             {"check", "--no-such-option"}}) {
    const Outcome outcome = sallyport(args);
    EXPECT_EQ(outcome.code, 2) << outcome.out << outcome.err;
    EXPECT_THAT(outcome.out, IsEmpty());
    EXPECT_THAT(outcome.err, Not(IsEmpty()));
  }
}

TEST_F(CommandLine, ServesByDefaultAndNamesTheFileThatIsMissing) {
  const Outcome outcome = sallyport({"--config", "other.yaml"});
  EXPECT_EQ(outcome.code, 3);
  EXPECT_THAT(outcome.err, HasSubstr("other.yaml"));
}

TEST_F(CommandLine, ChecksAConfiguration) {  // S3.13
  const Outcome good = sallyport({"check"});
  EXPECT_EQ(good.code, 0) << good.err;
  EXPECT_THAT(good.out, StartsWith("ok: 1 route, 1 upstream, 1 listener"));

  dir_.write("gateway.yaml",
             config_with_store("sqlite:state.db") + "  - {path: /b/, upstream: api, aut: none}\n");
  const Outcome bad = sallyport({"check", "--config", "gateway.yaml"});
  EXPECT_EQ(bad.code, 1);
  EXPECT_THAT(bad.out, IsEmpty());
  EXPECT_THAT(bad.err, HasSubstr("gateway.yaml:14:"));
}

TEST_F(CommandLine, AddsAUserWithWhatTheConfigurationGivesNewOnes) {
  const Outcome outcome = sallyport({"user", "add", "Ada", "--claim", "tenant=t1", "--profile",
                                     "first_name=Ada", "--email", "ada@example.com", "--email-confirmed"},
                                    kPassword);
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  const auto ada = user("Ada");
  EXPECT_EQ(boost::json::serialize(ada.at("roles")), R"(["user"])");
  EXPECT_EQ(boost::json::serialize(ada.at("claims")), R"({"tenant":"t1"})");
  EXPECT_EQ(boost::json::serialize(ada.at("profile")), R"({"first_name":"Ada"})");
  EXPECT_TRUE(ada.at("email_confirmed").as_bool());
  EXPECT_FALSE(ada.at("disabled").as_bool());
}

TEST_F(CommandLine, TakesSeveralRolesAndAPasswordFile) {
  const std::string file = dir_.write("password.txt", kPassword);
  EXPECT_EQ(
      sallyport({"user", "add", "--role", "admin", "--role", "clerk", "ada", "--password-file", file}).code,
      0);
  EXPECT_EQ(boost::json::serialize(user("ada").at("roles")), R"(["admin","clerk"])");
}

TEST_F(CommandLine, RefusesANameThatIsTakenAndAPasswordThatIsWeak) {
  EXPECT_EQ(add("ada").code, 0);
  const Outcome taken = add("ADA");
  EXPECT_EQ(taken.code, 1);
  EXPECT_THAT(taken.err, HasSubstr("taken"));
  const Outcome weak = sallyport({"user", "add", "bob"}, "short\n");
  EXPECT_EQ(weak.code, 1);
  EXPECT_THAT(weak.err, HasSubstr("at least 12"));
  EXPECT_THAT(weak.err, Not(HasSubstr("short\n")));
  EXPECT_EQ(sallyport({"user", "add", "bob"}, "").code, 1);
}

TEST_F(CommandLine, TakesTheHashOfAnotherSystem) {  // S1.30
  const std::string file =
      dir_.write("hash.txt", "AAABAgMEBQYHCAkKCwwNDg+ukCEMDf0yyQ29NYubggHIVY0sdEUfdyeM+E1LtH1uJg==\n");
  EXPECT_EQ(sallyport({"user", "add", "ada", "--hash-file", file}).code, 0);
  const std::string junk = dir_.write("junk.txt", "5f4dcc3b5aa765d61d8327deb882cf99\n");
  EXPECT_EQ(sallyport({"user", "add", "bob", "--hash-file", junk}).code, 1);
}

TEST_F(CommandLine, SaysOfAnUnknownUserThatThereIsNone) {
  for (const char* command : {"set", "disable", "enable", "confirm", "delete", "passwd"}) {
    const Outcome outcome = sallyport({"user", command, "nobody"}, kPassword);
    EXPECT_EQ(outcome.code, 1) << command;
    EXPECT_THAT(outcome.err, HasSubstr("no user nobody")) << command;
  }
}

TEST_F(CommandLine, ConfirmsAnAddressThatIsThere) {  // S3.8
  EXPECT_EQ(add("ada").code, 0);
  const Outcome without = sallyport({"user", "confirm", "ada"});
  EXPECT_EQ(without.code, 1);
  EXPECT_THAT(without.err, HasSubstr("--email"));
  EXPECT_EQ(sallyport({"user", "set", "ada", "--email", "ada@example.com"}).code, 0);
  EXPECT_FALSE(user("ada").at("email_confirmed").as_bool());
  const Outcome confirmed = sallyport({"user", "confirm", "ADA"});
  EXPECT_EQ(confirmed.code, 0) << confirmed.err;
  EXPECT_TRUE(user("ada").at("email_confirmed").as_bool());
}

// S1.24, S0.5: what changes a token ends the sessions, in the store and by events for every gateway.
TEST_F(CommandLine, EndsTheSessionsOfAUserWhoseTokensWouldSayAnotherThing) {
  const std::vector<std::vector<std::string>> commands{{"user", "set", "ada", "--role", "admin"},
                                                       {"user", "set", "ada", "--claim", "tenant=t2"},
                                                       {"user", "passwd", "ada"},
                                                       {"user", "disable", "ada"},
                                                       {"revoke", "--user", "ada"},
                                                       {"user", "delete", "ada"}};
  ASSERT_EQ(add("ada").code, 0);
  const std::string id(user("ada").at("id").as_string());
  auto backend = stores::open(store(), {});
  ASSERT_TRUE(backend) << backend.error();
  stores::Stores stores = (*backend)->connect(context_.get_executor());
  for (std::size_t i = 0; i < commands.size(); ++i) {
    const auto session = open_session(stores, id, static_cast<unsigned char>(i));
    const Outcome outcome = sallyport(commands[i], kPassword);
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    EXPECT_THAT(outcome.out, HasSubstr("nded 1 session")) << commands[i][1];
    EXPECT_TRUE(await(context_, stores.sessions->list(id))->sessions.empty()) << commands[i][1];
    const auto log = events(stores);
    ASSERT_EQ(log.size(), i + 1);
    EXPECT_EQ(log.back().kind, revocation::Kind::session);
    EXPECT_EQ(log.back().issuer, "https://auth.example.com");
    EXPECT_EQ(log.back().id, session.text());
    EXPECT_GT(log.back().until, std::chrono::system_clock::now() + std::chrono::minutes(10));
  }
}

TEST_F(CommandLine, LeavesTheSessionsWhereOnlyTheProfileChanged) {
  ASSERT_EQ(add("ada").code, 0);
  const Outcome outcome = sallyport({"user", "set", "ada", "--profile", "first_name=Ada"});
  EXPECT_EQ(outcome.out, "changed ada\n");
}

TEST_F(CommandLine, RevokesOneSession) {
  ASSERT_EQ(add("ada").code, 0);
  const std::string id(user("ada").at("id").as_string());
  auto backend = stores::open(store(), {});
  ASSERT_TRUE(backend) << backend.error();
  stores::Stores stores = (*backend)->connect(context_.get_executor());
  const auto first = open_session(stores, id, 1), second = open_session(stores, id, 2);
  EXPECT_EQ(sallyport({"revoke", "--session", first.text()}).code, 0);
  const auto left = await(context_, stores.sessions->list(id));
  ASSERT_EQ(left->sessions.size(), 1u);
  EXPECT_EQ(left->sessions.front().id, second);
  EXPECT_EQ(sallyport({"revoke", "--session", std::string(32, 'A')}).code, 1);
  EXPECT_EQ(sallyport({"revoke", "--session", "junk"}).code, 1);
}

TEST_F(CommandLine, RevokesEverythingWithAnEpochThatGrows) {
  ASSERT_EQ(sallyport({"revoke", "--everything"}).code, 0);
  ASSERT_EQ(sallyport({"revoke", "--everything"}).code, 0);
  auto backend = stores::open(store(), {});
  ASSERT_TRUE(backend) << backend.error();
  stores::Stores stores = (*backend)->connect(context_.get_executor());
  const auto log = events(stores);
  ASSERT_EQ(log.size(), 2u);
  EXPECT_EQ(log[0].kind, revocation::Kind::everything);
  EXPECT_GT(log[0].epoch, 0u);
  EXPECT_GT(log[1].epoch, log[0].epoch);
  EXPECT_GE(log[1].until, std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()) +
                              std::chrono::days(30));
}

TEST_F(CommandLine, RevokesWhatWasIssuedBeforeAMoment) {
  EXPECT_EQ(sallyport({"revoke", "--everything", "--before", "2026-01-31T12:00:00Z"}).code, 0);
  auto backend = stores::open(store(), {});
  ASSERT_TRUE(backend) << backend.error();
  stores::Stores stores = (*backend)->connect(context_.get_executor());
  const auto log = events(stores);
  ASSERT_EQ(log.size(), 1u);
  EXPECT_EQ(log[0].kind, revocation::Kind::everything);
  EXPECT_EQ(log[0].epoch, 0u);
  EXPECT_EQ(log[0].before, UnixSeconds(std::chrono::seconds(1'769'860'800)));
  for (const std::vector<std::string>& wrong :
       std::vector<std::vector<std::string>>{{"revoke", "--everything", "--before", "yesterday"},
                                             {"revoke", "--everything", "--before", "2999-01-31T12:00:00Z"},
                                             {"revoke", "--user", "ada", "--before", "2026-01-31T12:00:00Z"}})
    EXPECT_EQ(sallyport(wrong).code, 1) << wrong.back();
}

TEST_F(CommandLine, ExplainsThatAMemoryStoreLivesElsewhere) {
  dir_.write("gateway.yaml", config_with_store("\"memory:\""));
  for (const auto& args :
       std::vector<std::vector<std::string>>{{"user", "list"}, {"revoke", "--everything"}}) {
    const Outcome outcome = sallyport(args);
    EXPECT_EQ(outcome.code, 1);
    EXPECT_THAT(outcome.err, HasSubstr("lives only inside the running gateway"));
  }
}

TEST_F(CommandLine, ExitsWithThreeWhenTheStoreIsNotThere) {  // S2.8
  dir_.write("gateway.yaml", config_with_store("redis://127.0.0.1:1/0"));
  for (const auto& args : std::vector<std::vector<std::string>>{
           {"user", "list"}, {"revoke", "--everything"}, {"revoke", "--user", "ada"}}) {
    const Outcome outcome = sallyport(args);
    EXPECT_EQ(outcome.code, 3);
    EXPECT_THAT(outcome.err, HasSubstr("redis://127.0.0.1:1"));
    EXPECT_THAT(outcome.out, IsEmpty());
  }
}

TEST_F(CommandLine, MakesListsRotatesAndRevokesKeys) {
  const Outcome made = sallyport({"keys", "new"});
  ASSERT_EQ(made.code, 0) << made.err;
  const std::string first = made.out.substr(9, 43);
  EXPECT_EQ(sallyport({"keys", "new"}).out, made.out);
  EXPECT_EQ(sallyport({"keys", "rotate"}).code, 0);
  const Outcome both = sallyport({"keys", "list"});
  EXPECT_THAT(both.out, HasSubstr(first + "  ES256  retired"));
  EXPECT_THAT(both.out, HasSubstr("ES256  current"));
  EXPECT_THAT(both.out, HasSubstr("refresh  current"));
  EXPECT_EQ(sallyport({"keys", "revoke", "--", first}).code, 0);
  EXPECT_THAT(sallyport({"keys", "list"}).out, Not(HasSubstr(first)));
  EXPECT_EQ(sallyport({"keys", "revoke", "--", first}).code, 1);
}

TEST_F(CommandLine, InspectsATokenThatItMinted) {
  ASSERT_EQ(sallyport({"keys", "new"}).code, 0);
  const Outcome minted = sallyport(
      {"token", "mint", "--subject", "ada", "--role", "admin", "--claim", "level=3", "--claim", "tenant=t1"});
  ASSERT_EQ(minted.code, 0) << minted.err;
  EXPECT_THAT(minted.err, HasSubstr("warning"));

  const Outcome seen = sallyport({"token", "inspect", "-"}, minted.out);
  EXPECT_EQ(seen.code, 0) << seen.out << seen.err;
  EXPECT_THAT(seen.out, HasSubstr(R"("typ":"at+jwt")"));
  EXPECT_THAT(seen.out, HasSubstr(R"("sub":"ada")"));
  EXPECT_THAT(seen.out, HasSubstr(R"("roles":["admin"])"));
  EXPECT_THAT(seen.out, HasSubstr(R"("level":3)"));
  EXPECT_THAT(seen.out, HasSubstr(R"("tenant":"t1")"));
  EXPECT_THAT(seen.out, HasSubstr("verdict: good for another "));
}

// S1.20, S1.29: the reason in plain words.
TEST_F(CommandLine, SaysWhyATokenIsRefused) {
  ASSERT_EQ(sallyport({"keys", "new"}).code, 0);
  std::string token = sallyport({"token", "mint", "--subject", "ada"}).out;
  token.pop_back();
  std::string forged = token;
  forged[forged.size() - 10] = forged[forged.size() - 10] == 'A' ? 'B' : 'A';
  EXPECT_THAT(sallyport({"token", "inspect", forged}).out, HasSubstr("bad_signature"));
  EXPECT_EQ(sallyport({"token", "inspect", forged}).code, 1);
  const std::string old = sallyport({"token", "mint", "--subject", "ada", "--ttl", "-60"}).out;
  EXPECT_THAT(sallyport({"token", "inspect", "-"}, old).out, HasSubstr("verdict: refused, expired"));
  const std::string other = sallyport({"token", "mint", "--subject", "ada", "--audience", "other"}).out;
  EXPECT_THAT(sallyport({"token", "inspect", "-"}, other).out, HasSubstr("wrong_audience"));
  EXPECT_EQ(sallyport({"token", "inspect", "junk"}).code, 1);
}

TEST_F(CommandLine, RevokesATokenByItsId) {
  ASSERT_EQ(sallyport({"keys", "new"}).code, 0);
  const std::string token = sallyport({"token", "mint", "--subject", "ada"}).out;
  EXPECT_EQ(sallyport({"revoke", "--token", "-"}, token).code, 0);
  const std::string old = sallyport({"token", "mint", "--subject", "ada", "--ttl", "-60"}).out;
  EXPECT_THAT(sallyport({"revoke", "--token", "-"}, old).out, HasSubstr("nothing to do"));
  EXPECT_EQ(sallyport({"revoke", "--token", "junk"}).code, 1);
  auto backend = stores::open(store(), {});
  ASSERT_TRUE(backend) << backend.error();
  stores::Stores stores = (*backend)->connect(context_.get_executor());
  const auto log = events(stores);
  ASSERT_EQ(log.size(), 1u);
  EXPECT_EQ(log[0].kind, revocation::Kind::token);
}

TEST_F(CommandLine, FindsNobodyWhoAnswersAPing) {
  const Outcome outcome = sallyport({"ping"});
  EXPECT_EQ(outcome.code, 3);
  EXPECT_THAT(outcome.err, HasSubstr("127.0.0.1:1"));
}

}  // namespace
}  // namespace sallyport::testing
