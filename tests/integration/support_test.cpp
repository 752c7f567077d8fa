// The tools of the integration tests proved against each other: the client sees what the origin sent, the
// origin recorded what the client wrote, children are collected, tokens are well signed.
#include <gtest/gtest.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <signal.h>

#include <set>

#include "tests/support/gateway_process.hpp"
#include "tests/support/http_client.hpp"
#include "tests/support/jwt.hpp"
#include "tests/support/origin.hpp"
#include "tests/support/process.hpp"
#include "tests/support/redis_server.hpp"

namespace sallyport::testing {
namespace {

TEST(TestOrigin, RecordsARequestByteForByte) {
  Origin origin;
  const std::string request =
      "POST /orders?a=1 HTTP/1.1\r\nhOsT: x\r\nContent-Length: 4\r\nX-Odd:  two  words \r\n\r\n\x01\x02\r\n";
  HttpConnection connection(origin.port());
  EXPECT_EQ(connection.exchange(request).status, 200);
  RecordedRequest seen = origin.last();
  EXPECT_EQ(seen.raw, request);
  EXPECT_EQ(seen.target, "/orders?a=1");
  EXPECT_EQ(seen.headers.get("x-odd"), "two  words");
  EXPECT_EQ(seen.body, "\x01\x02\r\n");
}

TEST(TestOrigin, EchoesTheHeadersThatReachedItAsJson) {
  Origin origin;
  Response response = HttpClient(origin.port()).get("/any", {{"X-Twice", "1"}, {"x-twice", "2"}});
  auto values = response.json().at("headers").at("x-twice").as_array();
  ASSERT_EQ(values.size(), 2u);
  EXPECT_EQ(values[0].as_string(), "1");
  EXPECT_EQ(values[1].as_string(), "2");
}

TEST(TestOrigin, DecodesAChunkedRequestWithTrailersAndKeepsItsFraming) {
  Origin origin;
  HttpConnection connection(origin.port());
  connection.exchange(
      "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3;e=1\r\nabc\r\n2\r\nde\r\n0\r\nT: "
      "v\r\n\r\n");
  EXPECT_EQ(origin.last().body, "abcde");
  EXPECT_EQ(origin.last().trailers.get("t"), "v");
  EXPECT_NE(origin.last().raw.find("3;e=1\r\n"), std::string::npos);
}

TEST(TestOrigin, KeepsAConnectionAndCountsThem) {
  Origin origin;
  HttpConnection first(origin.port()), second(origin.port());
  first.request("GET", "/a");
  first.request("GET", "/b");
  second.request("GET", "/c");
  EXPECT_EQ(origin.connections(), 2u);
  EXPECT_EQ(origin.requests()[1].connection, origin.requests()[0].connection);
  EXPECT_EQ(origin.requests("/b").size(), 1u);
  EXPECT_TRUE(first.quiet_and_open());
}

TEST(TestOrigin, AnswersChunkedAndTheClientDecodesIt) {
  Origin origin;
  Answer answer;
  answer.body = "hello chunked world";
  answer.chunk = 4;
  origin.on("/c", answer);
  Response response = HttpClient(origin.port()).get("/c");
  EXPECT_EQ(response.body, answer.body);
  EXPECT_TRUE(response.complete);
  EXPECT_NE(response.raw.find("4\r\nhell\r\n"), std::string::npos);
}

TEST(TestOrigin, HoldsAnAnswerUntilTheGateOpens) {
  Origin origin;
  Answer answer;
  answer.before_head = std::make_shared<Gate>();
  origin.on("/held", answer);
  HttpConnection connection(origin.port());
  connection.send(request_text("GET", "/held"));
  ASSERT_TRUE(answer.before_head->wait_for_arrivals());
  EXPECT_TRUE(connection.quiet_and_open());
  answer.before_head->open();
  EXPECT_EQ(connection.read_response()->status, 200);
}

TEST(TestOrigin, StopsAlthoughAnAnswerIsHeld) {
  auto gate = std::make_shared<Gate>();
  auto origin = std::make_unique<Origin>();
  Answer answer;
  answer.before_head = gate;
  origin->on("/held", answer);
  HttpConnection connection(origin->port());
  connection.send(request_text("GET", "/held"));
  ASSERT_TRUE(gate->wait_for_arrivals());
  origin.reset();
  EXPECT_TRUE(connection.closed_by_peer());
}

TEST(TestOrigin, CutsABodyAndTheClientSaysSo) {
  Origin origin;
  Answer answer;
  answer.body = std::string(100, 'x');
  answer.cut_after = 80;
  origin.on("/cut", answer);
  Response response = HttpClient(origin.port()).get("/cut");
  EXPECT_FALSE(response.complete);
  EXPECT_EQ(response.raw.size(), 80u);
}

TEST(TestOrigin, ClosesAfterAcceptWhenTold) {
  Origin origin;
  origin.close_after_accept();
  HttpConnection connection(origin.port());
  EXPECT_TRUE(connection.closed_by_peer());
  EXPECT_EQ(origin.connections(), 1u);
}

TEST(TestOrigin, LetsAHandlerSpeakAfterAnUpgrade) {
  Origin origin;
  origin.on("/tunnel", [](Exchange& exchange) {
    exchange.send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n");
    exchange.send(exchange.stream().read_exactly(4, within()));
  });
  HttpConnection connection(origin.port());
  EXPECT_EQ(connection.request("GET", "/tunnel").status, 101);
  connection.send("ping");
  EXPECT_EQ(connection.stream().read_exactly(4, within()), "ping");
  EXPECT_TRUE(connection.closed_by_peer());
}

TEST(TestClient, ReadsInterimAndFinalResponsesOfOneConnection) {
  Origin origin;
  Answer answer;
  answer.raw = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 None\r\n\r\nHTTP/1.1 200 Until Close\r\n\r\nrest";
  answer.ending = Ending::close;
  origin.on("/", answer);
  HttpConnection connection(origin.port());
  connection.send(request_text("GET", "/"));
  EXPECT_EQ(connection.read_response()->status, 100);
  EXPECT_EQ(connection.read_response()->status, 204);
  std::optional<Response> last = connection.read_response();
  ASSERT_TRUE(last);
  EXPECT_EQ(last->body, "rest");
  EXPECT_TRUE(last->until_close);
  EXPECT_FALSE(connection.read_response());
}

TEST(TestClient, RefusesAResponseWithTwoFramings) {
  Origin origin;
  Answer answer;
  answer.raw = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
  origin.on("/", answer);
  EXPECT_THROW(HttpClient(origin.port()).get("/"), std::runtime_error);
}

TEST(TestProcess, CollectsBothStreamsTheExitCodeAndFeedsStdin) {
  ProcessOptions options;
  options.stdin_text = "fed";
  options.env = {{"NAME", "value"}};
  Outcome outcome = run({"sh", "-c", "cat; printf %s \"$NAME\" >&2; exit 7"}, options);
  EXPECT_EQ(outcome.code, 7);
  EXPECT_EQ(outcome.out, "fed");
  EXPECT_EQ(outcome.err, "value");
}

TEST(TestProcess, SeesALineAsSoonAsItIsWrittenAndTheSignalThatEndedIt) {
  Process process({"sh", "-c", "echo ready; exec cat"}, {{}, std::string(1 << 20, 'x'), ""});
  EXPECT_TRUE(process.wait_for_output("ready"));
  process.signal(SIGTERM);
  std::optional<int> code = process.wait();
  ASSERT_TRUE(code);
  EXPECT_TRUE(*code == 128 + SIGTERM || *code == 0);  // 0: cat had copied all before the signal came
}

TEST(TestProcess, SaysWhichProgramCannotBeStarted) {
  EXPECT_THROW(Process({"/nonexistent/program"}), std::runtime_error);
}

TEST(TestSocket, GivesAPortToOneTestOnly) {
  std::set<std::uint16_t> ports;
  for (int i = 0; i < 300; ++i) EXPECT_TRUE(ports.insert(free_port()).second);
}

TEST(TestProcess, ReadsTheListeningPortsOfALog) {
  EXPECT_EQ(
      listening_ports("x listening on 127.0.0.1:8080\nlistening on [::1]:9 (tls)\nlistening on 127.0.0.1:12"),
      (std::vector<std::uint16_t>{8080, 9}));
}

TEST(TestRedis, KeepsItsDataOverAKillWithAppendOnlyFile) {
  RedisServer redis({.append_only = true});
  EXPECT_EQ(redis.command({"SET", "k", "v"}).text, "OK");
  redis.kill();
  redis.start();
  EXPECT_EQ(redis.command({"GET", "k"}).text, "v");
}

TEST(TestRedis, AnswersNothingWhilePaused) {
  RedisServer redis;
  redis.pause();
  EXPECT_THROW(redis.command({"PING"}, std::chrono::milliseconds(50)), std::runtime_error);
  redis.resume();
  EXPECT_EQ(redis.command({"PING"}).text, "PONG");
}

TEST(TestJwt, MakesTheHmacOfRfc7515AppendixA1) {
  const std::string key = from_base64url(
      "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow");
  EXPECT_EQ(hs256("{\"typ\":\"JWT\",\r\n \"alg\":\"HS256\"}",
                  "{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n \"http://example.com/is_root\":true}", key),
            "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9"
            ".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
            ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
}

TEST(TestJwt, SignsWithAKeyThatItsPublicHalfVerifies) {
  EcKey key;
  std::string raw = key.sign("text");
  ASSERT_EQ(raw.size(), 64u);
  auto bytes = reinterpret_cast<const unsigned char*>(raw.data());
  std::unique_ptr<ECDSA_SIG, void (*)(ECDSA_SIG*)> pair(ECDSA_SIG_new(), ECDSA_SIG_free);
  ECDSA_SIG_set0(pair.get(), BN_bin2bn(bytes, 32, nullptr), BN_bin2bn(bytes + 32, 32, nullptr));
  unsigned char* der = nullptr;
  int size = i2d_ECDSA_SIG(pair.get(), &der);
  std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, key.get());
  EXPECT_EQ(EVP_DigestVerify(context.get(), der, static_cast<std::size_t>(size),
                             reinterpret_cast<const unsigned char*>("text"), 4),
            1);
  OPENSSL_free(der);
}

TEST(TestJwt, ShowsTheHeaderAndPayloadOfATokenThatItMade) {
  EcKey key;
  EXPECT_EQ(EcKey(key.private_pem()).thumbprint(), key.thumbprint());
  std::string token = es256(R"({"alg":"ES256"})", R"({"sub":"ada"})", key);
  EXPECT_EQ(header_of(token), R"({"alg":"ES256"})");
  EXPECT_EQ(payload_of(token), R"({"sub":"ada"})");
  EXPECT_NE(with_broken_signature(token), token);
}

}  // namespace
}  // namespace sallyport::testing
