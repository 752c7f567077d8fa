// The demo's promise: its printed curl lines, pasted into bash as they are, tell the whole story of a token.
#include <gtest/gtest.h>
#include <signal.h>

#include <string>
#include <vector>

#include "tests/support/process.hpp"
#include "tests/support/redis_server.hpp"
#include "tests/support/socket.hpp"
#include "tests/support/temp_dir.hpp"

namespace sallyport::testing {
namespace {

const char* const kLastWords = "Ctrl-C ends the demo.";

// The pasteable part: from the first "# 1." to the last words.
std::string script_of(const std::string& printed) {
  std::size_t from = printed.find("# 1."), to = printed.find(kLastWords);
  return from == printed.npos || to == printed.npos ? std::string() : printed.substr(from, to - from);
}

struct Answered {
  int status = 0;
  std::string text;  // head and body
};

std::vector<Answered> answers_of(const std::string& output) {
  const std::string mark = "HTTP/1.1 ";
  std::vector<Answered> answers;
  for (std::size_t at = output.find(mark); at != output.npos;) {
    std::size_t next = output.find(mark, at + mark.size());
    answers.push_back({std::stoi(output.substr(at + mark.size(), 3)), output.substr(at, next - at)});
    at = next;
  }
  return answers;
}

// Starts the demo, pastes its story into bash, ends it by SIGTERM.
std::vector<Answered> tell(const std::string& store, const TempDir& state, int* exit_code) {
  Process demo({SALLYPORT_DEMO_BINARY, "--port", "0", "--access-ttl", "2", "--store", store, "--state",
                state / "demo"});
  if (!demo.wait_for_output(kLastWords)) throw std::runtime_error("no story: " + demo.out() + demo.err());
  ProcessOptions pasted;
  pasted.stdin_text = script_of(demo.out());
  Outcome outcome = run({"bash"}, pasted, std::chrono::seconds(60));
  EXPECT_EQ(outcome.err, "");
  demo.signal(SIGTERM);
  *exit_code = demo.wait(std::chrono::seconds(40)).value_or(-1);
  return answers_of(outcome.out);
}

void expect_story(const std::vector<Answered>& answers, int registered) {
  ASSERT_EQ(answers.size(), 8u);
  EXPECT_EQ(answers[0].status, registered) << answers[0].text;
  EXPECT_EQ(answers[1].status, 401) << answers[1].text;
  EXPECT_NE(answers[1].text.find("token_missing"), std::string::npos);
  EXPECT_EQ(answers[2].status, 200) << answers[2].text;
  EXPECT_NE(answers[2].text.find("X-Auth-Subject"), std::string::npos) << answers[2].text;
  EXPECT_EQ(answers[3].status, 401) << answers[3].text;
  EXPECT_NE(answers[3].text.find("Token-Expired: true"), std::string::npos) << answers[3].text;
  EXPECT_EQ(answers[4].status, 200) << answers[4].text;
  EXPECT_EQ(answers[5].status, 204) << answers[5].text;
  EXPECT_EQ(answers[6].status, 401) << answers[6].text;
  EXPECT_NE(answers[6].text.find("token_revoked"), std::string::npos) << answers[6].text;
  EXPECT_EQ(answers[6].text.find("Token-Expired: true"), std::string::npos) << answers[6].text;
  EXPECT_EQ(answers[7].status, 401) << answers[7].text;
}

TEST(Demo, TellsItsStoryWithSqliteAndAgainAfterARestart) {
  TempDir state;
  int code = -1;
  expect_story(tell("sqlite:state.db", state, &code), 201);
  EXPECT_EQ(code, 0);
  expect_story(tell("sqlite:state.db", state, &code), 409);
}

TEST(Demo, TellsItsStoryWithARealRedis) {
  RedisServer redis;
  TempDir state;
  int code = -1;
  expect_story(tell(redis.url(), state, &code), 201);
  EXPECT_EQ(code, 0);
}

TEST(Demo, SaysThatItsPortIsTakenAndHowToTakeAnother) {
  Fd holder = listen_tcp();
  TempDir state;
  std::string port = std::to_string(port_of(holder.get()));
  Outcome outcome = run({SALLYPORT_DEMO_BINARY, "--port", port, "--state", state / "demo"});
  EXPECT_EQ(outcome.code, 3);
  EXPECT_NE(outcome.err.find(port), std::string::npos) << outcome.err;
  EXPECT_NE(outcome.err.find("--port"), std::string::npos) << outcome.err;
}

TEST(Demo, TakesTheGatewayWithItWhenItIsInterrupted) {
  TempDir state;
  Process demo({SALLYPORT_DEMO_BINARY, "--port", "0", "--state", state / "demo"});
  ASSERT_TRUE(demo.wait_for_output(kLastWords)) << demo.err();
  std::string text = demo.out();
  std::size_t at = text.find("http://127.0.0.1:") + 17;
  auto port = static_cast<std::uint16_t>(std::stoi(text.substr(at)));
  demo.signal(SIGINT);
  EXPECT_EQ(demo.wait(std::chrono::seconds(40)), 0);
  EXPECT_THROW(connect_tcp(port), std::runtime_error);
}

TEST(Demo, RefusesAnUnknownOptionAsAUsageError) {
  EXPECT_EQ(run({SALLYPORT_DEMO_BINARY, "--bogus"}).code, 2);
  EXPECT_EQ(run({SALLYPORT_DEMO_BINARY, "--help"}).code, 0);
}

}  // namespace
}  // namespace sallyport::testing
