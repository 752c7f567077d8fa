// Accounts from outside: profile fields as the configuration wants them, an address that is confirmed by
// mail, a password that is set anew by a one-time token, and what a stranger's guesses may do to somebody.
// The mailer is an origin of the test's.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/hmac.h>

#include <atomic>
#include <set>
#include <thread>

#include "tests/integration/fleet.hpp"

namespace sallyport::testing {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kSecret[] = "0123456789012345678901234567890123456789";
constexpr char kNew[] = "another horse battery";

std::string hex_hmac(const std::string& text) {
  unsigned char mac[32];
  unsigned size = 0;
  HMAC(EVP_sha256(), kSecret, sizeof kSecret - 1, reinterpret_cast<const unsigned char*>(text.data()),
       text.size(), mac, &size);
  std::string hex;
  for (const unsigned char byte : mac) {
    constexpr char kHex[] = "0123456789abcdef";
    hex += kHex[byte >> 4];
    hex += kHex[byte & 15];
  }
  return hex;
}

std::string body(std::initializer_list<std::pair<const char*, std::string>> members) {
  boost::json::object json;
  for (const auto& [name, value] : members) json[name] = value;
  return boost::json::serialize(json);
}

std::set<std::string> wrong_fields(const Response& response) {
  std::set<std::string> names;
  const boost::json::value json = response.json();
  for (const auto& field : json.at("fields").as_object()) names.insert(std::string(field.key()));
  return names;
}
using Names = std::set<std::string>;

class Accounts : public ::testing::Test {
 protected:
  // `users`: further keys of the section.
  void start(const std::string& users, const std::string& more = {}) {
    FleetOptions options;
    options.users = "{registration: true, new: {roles: [user]}, " + users + "}";
    options.more = "admin: {address: \"127.0.0.1:0\"}\n" + more;
    fleet_.emplace("sqlite:" + (state_ / "state.db"), options);
    fleet_->add();
  }
  std::string webhook(const std::string& more = {}) const {
    return "webhook: {url: \"" + mail_.url() + "/hook\", secret: \"" + kSecret + "\"" + more + "}";
  }
  GatewayProcess& gateway() { return (*fleet_)[0]; }
  HttpClient client() { return HttpClient(gateway().port()); }
  Response post(std::string_view path, const std::string& json, const Headers& headers = {}) {
    return client().post(path, json, headers);
  }
  Response sign_up(const std::string& name) {
    return post(
        "/auth/register",
        body({{"username", name}, {"password", "correct horse battery"}, {"email", name + "@example.com"}}));
  }
  Response log_in(const std::string& name, const std::string& password = "correct horse battery",
                  const Headers& headers = {}) {
    return post("/auth/login", body({{"username", name}, {"password", password}}), headers);
  }
  Response reset(const std::string& token, const std::string& password = kNew) {
    return post("/auth/password/reset", body({{"token", token}, {"new_password", password}}));
  }
  // The n-th message that the mailer got, from 1; waits for it.
  boost::json::object message(std::size_t n) {
    EXPECT_TRUE(mail_.wait_for_requests(n));
    return boost::json::parse(mail_.requests("/hook").at(n - 1).body).as_object();
  }
  std::string token_of(std::size_t n) { return std::string(message(n).at("token").as_string()); }
  std::string metrics() {
    const std::string log = gateway().log();
    const auto port = std::stoi(log.substr(log.rfind(':', log.find('\n', log.find("admin on "))) + 1));
    return HttpClient(static_cast<std::uint16_t>(port)).get("/metrics").body;
  }

  TempDir state_;
  Origin mail_;
  std::optional<Fleet> fleet_;
};

TEST_F(Accounts, AskForTheProfileThatTheConfigurationWants) {  // S4.1, S4.2, S0.2
  start(
      "profile: [first_name, {name: born, kind: date, required: true},"
      " {name: size, values: [S, M], show: false}]");
  const Response refused = post("/auth/register", body({{"username", "ada"},
                                                        {"password", "correct horse battery"},
                                                        {"born", "yesterday"},
                                                        {"size", "XXL"}}));
  EXPECT_EQ(refused.status, 422) << refused.raw;
  EXPECT_EQ(wrong_fields(refused), (Names{"born", "size"}));
  const Response created = post("/auth/register", body({{"username", "ada"},
                                                        {"password", "correct horse battery"},
                                                        {"first_name", "Ada"},
                                                        {"born", "1815-12-10"},
                                                        {"size", "M"}}));
  EXPECT_EQ(created.status, 201) << created.raw;
  const auto user = log_in("ada").json().at("user").as_object();
  EXPECT_EQ(user.at("first_name"), "Ada");
  EXPECT_EQ(user.at("born"), "1815-12-10");
  EXPECT_FALSE(user.contains("size"));
}

TEST_F(Accounts, AreConfirmedByTheTokenOfTheirMail) {  // S3.8
  start("require_confirmed_email: true, confirmation: {page: \"https://app.example.com/confirm\"}, " +
        webhook());
  ASSERT_EQ(sign_up("ada").status, 201);
  EXPECT_EQ(error_of(log_in("ada")), "email_unconfirmed");

  const auto mail = message(1);
  EXPECT_EQ(mail.at("event"), "confirm_email");
  EXPECT_EQ(mail.at("username"), "ada");
  EXPECT_EQ(mail.at("email"), "ada@example.com");
  const std::string token = token_of(1);
  EXPECT_EQ(mail.at("link"), boost::json::value("https://app.example.com/confirm?token=" + token));
  const RecordedRequest call = mail_.requests("/hook").at(0);
  EXPECT_EQ(call.method, "POST");
  EXPECT_EQ(call.headers.get("Content-Type"), "application/json");
  const std::string signature = call.headers.get("Sallyport-Signature");
  const std::string time = signature.substr(2, signature.find(',') - 2);
  EXPECT_EQ(signature, "t=" + time + ",v1=" + hex_hmac(time + "." + call.body));
  EXPECT_NEAR(std::stod(time), static_cast<double>(std::time(nullptr)), 60);

  EXPECT_EQ(wrong_fields(post("/auth/confirm", body({{"token", "guess"}}))), Names{"token"});
  EXPECT_EQ(post("/auth/confirm", body({{"token", token}})).status, 204);
  EXPECT_EQ(log_in("ada").status, 200);
  EXPECT_EQ(post("/auth/confirm", body({{"token", token}})).status, 422);
  EXPECT_EQ(wrong_fields(post("/auth/confirm", "{}")), Names{"token"});
  gateway().stop();
  EXPECT_THAT(gateway().access_log(),
              AllOf(HasSubstr("\"email_confirmed\""), HasSubstr("\"token_invalid\"")));
  EXPECT_THAT(gateway().access_log() + gateway().log(), Not(HasSubstr(token)));
}

TEST_F(Accounts, AreSentAnotherMailWhenTheyAskButOnlyTheirShare) {
  start("require_confirmed_email: true, " + webhook(", per_user: 3/1h"));
  ASSERT_EQ(sign_up("ada").status, 201);
  ASSERT_EQ(post("/auth/confirm", body({{"username", "ADA"}})).status, 202);
  const std::string second = token_of(2);
  ASSERT_EQ(post("/auth/confirm", body({{"email", "Ada@example.com"}})).status, 202);
  const std::string third = token_of(3);
  EXPECT_EQ(post("/auth/confirm", body({{"username", "ada"}})).status, 202);
  EXPECT_EQ(post("/auth/confirm", body({{"username", "nobody"}})).status, 202);
  EXPECT_TRUE(gateway().wait_for_log("\"too_many_messages\""));
  EXPECT_TRUE(gateway().wait_for_log("\"unknown_user\""));
  EXPECT_EQ(mail_.requests("/hook").size(), 3u);
  EXPECT_EQ(post("/auth/confirm", body({{"token", second}})).status, 204);
  EXPECT_EQ(post("/auth/confirm", body({{"token", third}})).status, 204);  // its own, and of the same address
  EXPECT_EQ(post("/auth/confirm", body({{"username", "ada"}})).status, 202);  // nothing to confirm any more
  EXPECT_TRUE(gateway().wait_for_log("\"nothing_to_send\""));
}

TEST_F(Accounts, StandWhereTheMailerIsDownAndTheMessageComesLater) {
  std::atomic<int> calls = 0;
  Gate mailer;
  mail_.on("/hook", [&](Exchange& exchange) {
    if (++calls == 1) exchange.wait(mailer);  // hangs while people register
    exchange.send(calls <= 2 ? "HTTP/1.1 503 Down\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                             : "HTTP/1.1 202 Taken\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
  });
  start("require_confirmed_email: true, " + webhook());
  ASSERT_EQ(sign_up("ada").status, 201);
  ASSERT_TRUE(mailer.wait_for_arrivals());
  ASSERT_EQ(log_in("ada").status, 403);  // all goes on
  mailer.open();
  const auto first = message(1), last = message(3);
  EXPECT_EQ(first, last);  // the same token, and an id to know it by
  EXPECT_EQ(post("/auth/confirm", body({{"token", token_of(3)}})).status, 204);
  EXPECT_TRUE(gateway().wait_for_log("users.webhook: message"));
  EXPECT_THAT(gateway().log(), AllOf(HasSubstr("it answers 503"), Not(HasSubstr(token_of(1)))));
  std::string shown;
  for (const auto end = Clock::now() + kPatience; Clock::now() < end;) {
    shown = metrics();
    if (shown.find("sallyport_webhook_messages_waiting 0") != std::string::npos) break;
  }
  EXPECT_THAT(shown, AllOf(HasSubstr("sallyport_webhook_messages_total{result=\"sent\"} 1"),
                           HasSubstr("sallyport_webhook_messages_waiting 0")));
}

TEST_F(Accounts, AreNotHeldUpByAQueueThatIsFull) {
  const auto mailer = std::make_shared<Gate>();  // the mailer's thread may look at it after this test's end
  mail_.on("/hook", [mailer](Exchange& exchange) {
    exchange.wait(*mailer);
    exchange.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
  });
  start("require_confirmed_email: true, " + webhook(", queue: 2"));
  for (const char* name : {"a1", "a2", "a3", "a4"}) EXPECT_EQ(sign_up(name).status, 201);
  EXPECT_TRUE(gateway().wait_for_log("\"webhook_full\""));
  EXPECT_THAT(metrics(), HasSubstr("sallyport_webhook_messages_total{result=\"dropped\"} 2"));
  mailer->open();
  EXPECT_TRUE(mail_.wait_for_requests(2));
}

TEST_F(Accounts, GetANewPasswordOnceByTheTokenOfTheirMail) {
  start("reset: {page: \"https://app.example.com/#/reset/{token}\"}, " + webhook());
  ASSERT_EQ(sign_up("ada").status, 201);
  const Pair before = pair_of(log_in("ada"));
  const Response asked = post("/auth/password/reset-request", body({{"username", "ada"}}));
  EXPECT_EQ(asked.status, 202) << asked.raw;
  EXPECT_EQ(asked.body, "");
  const auto mail = message(1);
  EXPECT_EQ(mail.at("event"), "reset_password");
  const std::string token = token_of(1);
  EXPECT_EQ(mail.at("link"), boost::json::value("https://app.example.com/#/reset/" + token));

  const Response weak = reset(token, "short");
  EXPECT_EQ(weak.status, 422) << weak.raw;
  EXPECT_EQ(wrong_fields(weak), Names{"new_password"});
  EXPECT_EQ(wrong_fields(reset("guess")), Names{"token"});
  EXPECT_EQ(wrong_fields(post("/auth/password/reset", "{}")), (Names{"new_password", "token"}));
  EXPECT_EQ(fleet_->call(0, before.access).status, 200);  // nothing happened yet

  EXPECT_EQ(reset(token).status, 204);
  EXPECT_EQ(error_of(fleet_->call(0, before.access)), "token_revoked");
  EXPECT_EQ(error_of(fleet_->refresh(0, before.refresh)), "session_revoked");
  EXPECT_EQ(error_of(log_in("ada")), "login_failure");
  EXPECT_EQ(log_in("ada", kNew).status, 200);
  EXPECT_EQ(wrong_fields(reset(token, "a third horse battery")), Names{"token"});
  gateway().stop();
  EXPECT_THAT(gateway().access_log(),
              AllOf(HasSubstr("\"password_reset\""), HasSubstr("\"password_reset_requested\""),
                    HasSubstr("\"password_reset_failed\"")));
  EXPECT_THAT(gateway().access_log() + gateway().log(), AllOf(Not(HasSubstr(token)), Not(HasSubstr(kNew))));
}

TEST_F(Accounts, GiveOneOfTwentyResetsAtOnceTheirPassword) {
  start("reset: on, hashing_threads: 4");
  fleet_->add();
  ASSERT_EQ(sign_up("ada").status, 201);
  const Outcome printed = gateway().command({"user", "reset-token", "ada"});
  ASSERT_EQ(printed.code, 0) << printed.err;
  const std::string token = printed.out.substr(0, printed.out.find('\n'));
  std::atomic<int> done = 0, winner = -1, refused = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 20; ++i)
    threads.emplace_back([&, i] {
      const HttpClient client((*fleet_)[static_cast<std::size_t>(i % 2)].port());
      const Response response =
          client.post("/auth/password/reset",
                      body({{"token", token}, {"new_password", "parallel horse " + std::to_string(i)}}));
      if (response.status == 204) ++done, winner = i;
      if (response.status == 422) ++refused;
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(done, 1);
  EXPECT_EQ(refused, 19);
  EXPECT_EQ(log_in("ada", "parallel horse " + std::to_string(winner)).status, 200);
}

// Whoever asks learns nothing: the answer is written before anybody looks.
TEST_F(Accounts, TellNoStrangerWhetherTheyExist) {
  start("reset: on, " + webhook(), "auth: {throttle: {per_user_and_address: 1000/15m}}\n");
  ASSERT_EQ(sign_up("ada").status, 201);
  std::vector<double> known, unknown;
  std::size_t headers = 0;
  for (int i = 0; i < 40; ++i)
    for (const bool exists : {true, false}) {
      const auto began = Clock::now();
      const Response answer =
          post("/auth/password/reset-request", body({{"username", exists ? "ada" : "bob"}}));
      (exists ? known : unknown)
          .push_back(std::chrono::duration<double, std::milli>(Clock::now() - began).count());
      ASSERT_EQ(answer.status, 202) << answer.raw;
      ASSERT_EQ(answer.body, "");
      if (headers == 0) headers = answer.headers.size();
      ASSERT_EQ(answer.headers.size(), headers) << answer.raw;
    }
  const auto median = [](std::vector<double>& times) {
    std::nth_element(times.begin(), times.begin() + 20, times.end());
    return times[20];
  };
  const double a = median(known), b = median(unknown);
  RecordProperty("known_ms", std::to_string(a));
  RecordProperty("unknown_ms", std::to_string(b));
  EXPECT_LT(std::abs(a - b), 20) << a << " ms, " << b << " ms";
}

TEST_F(Accounts, AreNotAskedForWithoutEnd) {
  start("reset: on, " + webhook(), "auth: {throttle: {per_user_and_address: 3/15m}}\n");
  for (const char* name : {"ada", "nobody"}) {
    for (int i = 0; i < 3; ++i)
      EXPECT_EQ(post("/auth/password/reset-request", body({{"username", name}})).status, 202);
    const Response refused = post("/auth/password/reset-request", body({{"username", name}}));
    EXPECT_EQ(refused.status, 429) << refused.raw;
    EXPECT_EQ(error_of(refused), "too_many_attempts");
    EXPECT_EQ(refused.header("Retry-After"), "900");
  }
  EXPECT_EQ(wrong_fields(post("/auth/password/reset-request", "{}")), Names{"username"});
}

TEST_F(Accounts, HaveNoSuchEndpointsWhereTheyAreOff) {
  start("require_confirmed_email: false");
  for (const char* path : {"/auth/password/reset-request", "/auth/password/reset", "/auth/confirm"})
    EXPECT_EQ(post(path, "{}").status, 404) << path;
  const std::string openapi = client().get("/auth/openapi.json").body;
  EXPECT_THAT(openapi, AllOf(Not(HasSubstr("reset")), Not(HasSubstr("/auth/confirm"))));
  const Outcome refused = gateway().command({"user", "reset-token", "ada"});
  EXPECT_EQ(refused.code, 1);
  EXPECT_THAT(refused.err, HasSubstr("users: {reset: on}"));
}

TEST_F(Accounts, AreDescribedAsTheyAreConfigured) {
  start("reset: on, profile: [{name: born, kind: date, required: true}], " + webhook());
  const auto paths = client().get("/auth/openapi.json").json().at("paths").as_object();
  EXPECT_TRUE(paths.contains("/auth/password/reset-request"));
  EXPECT_TRUE(paths.contains("/auth/password/reset"));
  EXPECT_TRUE(paths.contains("/auth/confirm"));
  const std::string registration = boost::json::serialize(paths.at("/auth/register"));
  EXPECT_THAT(registration, AllOf(HasSubstr("\"born\""), HasSubstr("\"format\":\"date\"")));
}

class Guessing : public Accounts {
 protected:
  // The address that a client says it has: the tests' is a proxy that is trusted.
  static Headers from(const std::string& address) { return {{"X-Forwarded-For", address}}; }
  void start_guessing() {
    start("require_confirmed_email: false",
          "trusted_proxies: [127.0.0.1]\nauth: {throttle: {per_user_and_address: 1/15m}}\n");
    ASSERT_EQ(sign_up("ada").status, 201);
  }
  // From so many addresses at once, a guess each.
  void guess(int addresses) {
    std::vector<std::thread> threads;
    for (int i = 0; i < addresses; ++i)
      threads.emplace_back(
          [this, i] { log_in("ada", "wrong", from("198.51.100." + std::to_string(i + 1))); });
    for (auto& thread : threads) thread.join();
  }
};

// CONTRACT section 6: a slower delay per user, that never refuses, and never a right password from a known
// device.
TEST_F(Guessing, FromElsewhereDoesNotSlowDownWhereOneLoggedInBefore) {  // S12
  start_guessing();
  ASSERT_EQ(log_in("ada", "correct horse battery", from("192.0.2.1")).status, 200);
  guess(12);
  const auto began = Clock::now();
  EXPECT_EQ(log_in("ada", "correct horse battery", from("192.0.2.1")).status, 200);
  const auto known = Clock::now() - began;
  EXPECT_EQ(log_in("ada", "correct horse battery", from("192.0.2.2")).status,
            200);  // slower, but not refused
  const auto unknown = Clock::now() - began - known;
  EXPECT_GE(unknown, std::chrono::seconds(4));
  EXPECT_LT(known, std::chrono::seconds(4));
}

TEST_F(Guessing, IsForgottenFromEveryAddressByUnlock) {
  start_guessing();
  guess(3);
  for (const char* address : {"198.51.100.1", "198.51.100.3"})
    EXPECT_EQ(log_in("ada", "correct horse battery", from(address)).status, 429) << address;
  const Outcome unlocked = gateway().command({"user", "unlock", "ada"});
  EXPECT_EQ(unlocked.code, 0) << unlocked.err;
  for (const char* address : {"198.51.100.1", "198.51.100.3"})
    EXPECT_EQ(log_in("ada", "correct horse battery", from(address)).status, 200) << address;
}

}  // namespace
}  // namespace sallyport::testing
