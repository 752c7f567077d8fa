// Everything that RFC 9110 and 9112 allow passes through the gateway unharmed, in both directions.
#include <thread>

#include "tests/integration/proxy_world.hpp"

namespace sallyport::testing {
namespace {

Answer raw(std::string bytes, Ending ending = Ending::keep) {
  Answer answer;
  answer.raw = std::move(bytes);
  answer.ending = ending;
  return answer;
}

TEST_F(ProxyTest, PassesEveryMethodWithItsBody) {
  for (const char* method :
       {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "REPORT", "M-SEARCH", "BREW", "get"}) {
    const Response response = proxy.client().call(method, "/m?q=1", {}, "some body");
    ASSERT_EQ(response.status, 200) << method;
    EXPECT_EQ(proxy.origin.last().method, method);
    EXPECT_EQ(proxy.origin.last().target, "/m?q=1");
    EXPECT_EQ(proxy.origin.last().body, "some body");
  }
}

TEST_F(ProxyTest, PassesRequestFieldsInTheirOrderWithTheirBytes) {
  HttpConnection connection = proxy.connect();
  connection.exchange(
      "GET / HTTP/1.1\r\nHost: t\r\nX-One: 1\r\nx-TWO:\t2  3 \r\nX-One: 4\r\nX-Empty:\r\nX-High: caf\xc3\xa9 "
      "\xff\r\nCookie: a=b; c=d\r\n\r\n");
  const RecordedRequest seen = proxy.origin.last();
  EXPECT_EQ(seen.headers.all("X-One"), (std::vector<std::string>{"1", "4"}));
  EXPECT_EQ(seen.headers.get("X-Two"), "2  3");
  EXPECT_TRUE(seen.headers.has("X-Empty"));
  EXPECT_EQ(seen.headers.get("X-High"), "caf\xc3\xa9 \xff");
  EXPECT_EQ(seen.headers.get("Cookie"), "a=b; c=d");
  EXPECT_NE(seen.raw.find("x-TWO: "), std::string::npos) << "names keep their case";
  EXPECT_EQ(seen.headers.get("Via"), "1.1 sallyport");
}

TEST_F(ProxyTest, PassesResponseFieldsStatusAndReason) {
  for (int status :
       {200, 201, 202, 203, 206, 301, 302, 307, 308, 400, 401, 404, 409, 418, 429, 451, 500, 503, 599}) {
    proxy.origin.on("/s", raw("HTTP/1.1 " + std::to_string(status) +
                              " Some Reason\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n"
                              "Location: ../x?y#z\r\nX-High: \xc3\xa9\r\nX-Empty:\r\nDate: Tue, 15 Nov 1994 "
                              "08:12:31 GMT\r\nContent-Length: 2\r\n\r\nok"));
    const Response response = proxy.client().get("/s");
    EXPECT_EQ(response.status, status);
    EXPECT_EQ(response.reason, "Some Reason");
    EXPECT_EQ(response.headers.all("Set-Cookie"), (std::vector<std::string>{"a=1", "b=2"}));
    EXPECT_EQ(response.header("Location"), "../x?y#z");
    EXPECT_EQ(response.header("X-High"), "\xc3\xa9");
    EXPECT_TRUE(response.headers.has("X-Empty"));
    EXPECT_EQ(response.headers.all("Date"), std::vector<std::string>{"Tue, 15 Nov 1994 08:12:31 GMT"});
    EXPECT_EQ(response.body, "ok");
    EXPECT_FALSE(response.headers.has("Sallyport-Response"));
  }
}

TEST_F(ProxyTest, AnswersOptionsForTheServerItselfAndAsksNoUpstream) {  // RFC 9110 9.3.7
  HttpConnection client = proxy.connect();
  const Response response = client.exchange("OPTIONS * HTTP/1.1\r\nHost: test.example\r\n\r\n");
  EXPECT_EQ(response.status, 204);
  EXPECT_TRUE(proxy.origin.requests().empty());
  EXPECT_EQ(client.request("GET", "/").status, 200);  // the connection goes on
}

TEST_F(ProxyTest, AddsADateWhereTheUpstreamSentNone) {
  proxy.origin.on("/s", raw("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
  EXPECT_EQ(proxy.client().get("/s").headers.count("Date"), 1u);
}

TEST_F(ProxyTest, GivesClientAndUpstreamTheSameRequestId) {
  const Response response = proxy.client().get("/");
  EXPECT_EQ(response.header("X-Request-Id").size(), 32u);
  EXPECT_EQ(proxy.origin.last().headers.get("X-Request-Id"), response.header("X-Request-Id"));
  EXPECT_NE(proxy.client().get("/").header("X-Request-Id"), response.header("X-Request-Id"));
}

TEST_F(ProxyTest, AnswersHeadWithTheLengthAndWithoutABody) {
  Answer answer;
  answer.body = "twelve bytes";
  proxy.origin.on("/h", answer);
  HttpConnection connection = proxy.connect();
  const Response head = connection.request("HEAD", "/h");
  EXPECT_EQ(head.header("Content-Length"), "12");
  EXPECT_EQ(connection.request("GET", "/h").body, "twelve bytes") << "the connection goes on";
  answer.chunk = 4;
  proxy.origin.on("/h", answer);
  EXPECT_EQ(connection.request("HEAD", "/h").status, 200);
  EXPECT_EQ(connection.request("GET", "/h").body, "twelve bytes");
  EXPECT_EQ(proxy.origin.connections(), 1u);
}

TEST_F(ProxyTest, KeepsTheConnectionBehindAnswersWithoutABody) {
  HttpConnection connection = proxy.connect();
  for (const char* answer : {"HTTP/1.1 204 No Content\r\n\r\n",
                             "HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\nContent-Length: 99\r\n\r\n",
                             "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
                             "HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n"}) {
    proxy.origin.on("/e", raw(answer));
    const Response response = connection.request("GET", "/e");
    EXPECT_EQ(response.body, "") << answer;
    if (response.status == 204) {
      EXPECT_FALSE(response.headers.has("Content-Length"));
    }
    EXPECT_NE(response.header("Connection"), "close") << answer;
    EXPECT_EQ(connection.request("GET", "/next").text("target"), "/next") << answer;
  }
  EXPECT_EQ(proxy.origin.connections(), 1u);
}

TEST_F(ProxyTest, PassesChunkedBodiesBothWays) {
  HttpConnection connection = proxy.connect();
  Answer answer;
  answer.body = std::string(100'000, 'x') + "end";
  answer.chunk = 777;
  proxy.origin.on("/c", answer);
  std::string request = "POST /c HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n";
  std::string whole;
  for (int i = 1; i <= 300; ++i) {
    const std::string piece(static_cast<std::size_t>(i), static_cast<char>('a' + i % 26));
    char size[16];
    std::snprintf(size, sizeof size, "%x\r\n", i);
    request += size + piece + "\r\n";
    whole += piece;
  }
  for (int round = 0; round < 3; ++round) {
    const Response response = connection.exchange(request + "0\r\n\r\n");
    EXPECT_EQ(response.body, answer.body);
    EXPECT_TRUE(response.complete);
    EXPECT_TRUE(response.headers.has("Transfer-Encoding"));
    EXPECT_EQ(proxy.origin.last().body, whole);
  }
  EXPECT_EQ(proxy.origin.connections(), 1u);
}

TEST_F(ProxyTest, DropsTrailersOfBothSides) {
  proxy.origin.on("/t", raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: "
                            "X-Sum\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 1\r\nToken-Expired: true\r\n\r\n"));
  HttpConnection connection = proxy.connect();
  const Response response = connection.exchange(
      "POST /t HTTP/1.1\r\nHost: t\r\nTE: trailers\r\nTransfer-Encoding: chunked\r\nTrailer: "
      "X-Sum\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 1\r\nHost: evil\r\n\r\n");
  EXPECT_EQ(response.body, "ok");
  EXPECT_EQ(response.trailers.size(), 0u);
  EXPECT_FALSE(response.headers.has("X-Sum"));
  EXPECT_EQ(proxy.origin.last().body, "ok");
  EXPECT_EQ(proxy.origin.last().trailers.size(), 0u);
  EXPECT_EQ(connection.request("GET", "/next").text("target"), "/next");
}

TEST(ProxyTrailers, ThatTheRouteNamesGoAlong) {
  Origin origin;
  std::string config = proxy_config(origin.url());
  config.replace(config.find("auth: none"), 10, "auth: none, trailers: [X-Sum]");
  GatewayProcess gateway(SALLYPORT_BINARY, config);
  origin.on("/t", raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nx-sum: down\r\n"
                      "X-Other: 1\r\nContent-Length: 9\r\nToken-Expired: true\r\n\r\n"));
  HttpConnection connection(gateway.port());
  for (int round = 0; round < 2; ++round) {
    const Response response = connection.exchange(
        "POST /t HTTP/1.1\r\nHost: t\r\nTE: trailers\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nup\r\n0\r\n"
        "X-Sum: up\r\nX-Auth-Subject: evil\r\nContent-Length: 9\r\n\r\n");
    EXPECT_EQ(response.body, "ok");
    EXPECT_EQ(response.trailers.size(), 1u) << response.raw;
    EXPECT_EQ(response.trailers.get("X-Sum"), "down");
    const RecordedRequest seen = origin.last();
    EXPECT_EQ(seen.body, "up");
    EXPECT_EQ(seen.trailers.size(), 1u) << seen.raw;
    EXPECT_EQ(seen.trailers.get("X-Sum"), "up");
    EXPECT_EQ(seen.headers.get("TE"), "trailers");
  }
  EXPECT_EQ(connection.request("GET", "/next").text("target"), "/next");
}

TEST_F(ProxyTest, ServesHttp10ClientsWithoutChunks) {
  Answer answer;
  answer.body = "hello chunked world";
  answer.chunk = 3;
  proxy.origin.on("/c", answer);
  HttpConnection connection = proxy.connect();
  const Response response = connection.exchange("GET /c HTTP/1.0\r\n\r\n");
  EXPECT_EQ(response.body, answer.body);
  EXPECT_TRUE(response.until_close);
  EXPECT_FALSE(response.headers.has("Transfer-Encoding"));
}

TEST_F(ProxyTest, KeepsAnHttp10ConnectionThatAsksForIt) {
  HttpConnection connection = proxy.connect();
  for (int i = 0; i < 3; ++i) {
    const Response response = connection.exchange("GET /k HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.header("Connection"), "keep-alive");
  }
  EXPECT_EQ(connection.exchange("GET /k HTTP/1.0\r\n\r\n").status, 200);
  EXPECT_TRUE(connection.closed_by_peer());
}

TEST_F(ProxyTest, EndsTheConnectionThatTheClientWantsClosed) {
  HttpConnection connection = proxy.connect();
  const Response response = connection.request("GET", "/", {{"Connection", "close"}});
  EXPECT_EQ(response.header("Connection"), "close");
  EXPECT_TRUE(connection.closed_by_peer());
  EXPECT_EQ(proxy.client().get("/").status, 200);
  EXPECT_EQ(proxy.origin.connections(), 1u) << "the upstream's connection isn't the client's";
}

TEST_F(ProxyTest, ReusesConnectionsOnBothSides) {
  HttpConnection connection = proxy.connect();
  for (int i = 0; i < 100; ++i)
    ASSERT_EQ(connection.request(i % 2 ? "POST" : "GET", "/r", {}, i % 2 ? "x" : "").status, 200);
  for (int i = 0; i < 10; ++i) ASSERT_EQ(proxy.client().get("/r").status, 200);
  EXPECT_EQ(proxy.origin.connections(), 1u);
}

TEST_F(ProxyTest, HonoursAnUpstreamThatClosesAfterItsAnswer) {
  Answer answer;
  answer.body = "ok";
  answer.ending = Ending::close;
  proxy.origin.on("/c", answer);
  HttpConnection connection = proxy.connect();
  for (int i = 0; i < 5; ++i) {
    const Response response = connection.request("GET", "/c");
    EXPECT_EQ(response.body, "ok");
    EXPECT_NE(response.header("Connection"), "close") << "that is between us and the upstream";
  }
  EXPECT_EQ(proxy.origin.connections(), 5u);
}

TEST_F(ProxyTest, AnswersPipelinedRequestsInTheirOrder) {
  Answer slow;
  slow.body = "slow";
  slow.before_head = std::make_shared<Gate>();
  proxy.origin.on("/slow", slow);
  HttpConnection connection = proxy.connect();
  std::string requests = request_text("GET", "/slow");
  for (int i = 0; i < 20; ++i)
    requests += request_text(i % 2 ? "POST" : "GET", "/" + std::to_string(i), {}, i % 2 ? "body" : "");
  connection.send(requests);
  ASSERT_TRUE(slow.before_head->wait_for_arrivals());
  EXPECT_TRUE(connection.quiet_and_open());
  slow.before_head->open();
  EXPECT_EQ(connection.read_response()->body, "slow");
  for (int i = 0; i < 20; ++i) EXPECT_EQ(connection.read_response()->text("target"), "/" + std::to_string(i));
}

// A big body is read with one byte of what is behind it.
TEST_F(ProxyTest, AnswersWhatWasPipelinedBehindBigBodies) {
  HttpConnection connection = proxy.connect();
  std::string requests;
  for (const std::size_t size : {20'000u, 70'000u, 300'000u})
    requests += request_text("POST", "/" + std::to_string(size), {}, std::string(size, 'b')) +
                request_text("GET", "/behind-" + std::to_string(size));
  const std::jthread sender([&] { connection.send(requests); });
  for (const std::size_t size : {20'000u, 70'000u, 300'000u}) {
    const auto posted = connection.read_response();
    ASSERT_TRUE(posted);
    EXPECT_EQ(posted->text("target"), "/" + std::to_string(size));
    EXPECT_EQ(posted->text("body").size(), size);
    const auto behind = connection.read_response();
    ASSERT_TRUE(behind);
    EXPECT_EQ(behind->text("target"), "/behind-" + std::to_string(size));
  }
}

TEST_F(ProxyTest, ReadsARequestThatComesByteByByte) {
  HttpConnection connection = proxy.connect();
  for (char byte : request_text("POST", "/b", {{"Transfer-Encoding", "chunked"}}, "3\r\nabc\r\n0\r\n\r\n"))
    ASSERT_EQ(connection.send(std::string_view(&byte, 1)), Io::ok);
  EXPECT_EQ(connection.read_response()->text("body"), "abc");
}

TEST_F(ProxyTest, SaysContinueToAClientThatWaits) {
  HttpConnection connection = proxy.connect();
  connection.send("POST /e HTTP/1.1\r\nHost: t\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
  EXPECT_EQ(connection.read_response()->status, 100);
  connection.send("body");
  const auto response = connection.read_response();
  EXPECT_EQ(response->status, 200);
  EXPECT_EQ(response->text("body"), "body");
  EXPECT_EQ(connection.request("GET", "/next").text("target"), "/next");
}

TEST_F(ProxyTest, SaysNoContinueWhereTheBodyIsHereOrEmpty) {
  HttpConnection connection = proxy.connect();
  connection.send("POST /e HTTP/1.1\r\nHost: t\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\nbody");
  EXPECT_EQ(connection.read_response()->status, 200);
  connection.send("POST /e HTTP/1.1\r\nHost: t\r\nExpect: 100-continue\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(connection.read_response()->status, 200);
  connection.send(
      "POST /e HTTP/1.0\r\nConnection: keep-alive\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\nbody");
  EXPECT_EQ(connection.read_response()->status, 200);
}

TEST_F(ProxyTest, PassesEarlyHintsAndSwallowsTheUpstreamsContinue) {
  proxy.origin.on(
      "/hints",
      raw("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n"
          "HTTP/1.1 103 Early Hints\r\nLink: </b>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"));
  HttpConnection connection = proxy.connect();
  connection.send(request_text("GET", "/hints"));
  auto first = connection.read_response();
  EXPECT_EQ(first->status, 103);
  EXPECT_EQ(first->header("Link"), "</a>; rel=preload");
  EXPECT_EQ(connection.read_response()->header("Link"), "</b>");
  EXPECT_EQ(connection.read_response()->body, "ok");
  HttpConnection old = proxy.connect();
  old.send("GET /hints HTTP/1.0\r\n\r\n");
  EXPECT_EQ(old.read_response()->status, 200) << "HTTP/1.0 knows no interim responses";
}

TEST_F(ProxyTest, MakesTheEndOfACloseDelimitedAnswerVisible) {
  proxy.origin.on("/old",
                  raw("HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nuntil the end", Ending::close));
  HttpConnection connection = proxy.connect();
  const Response response = connection.request("GET", "/old");
  EXPECT_EQ(response.body, "until the end");
  EXPECT_TRUE(response.complete);
  EXPECT_FALSE(response.until_close) << "chunked, so that a cut can be seen";
  EXPECT_EQ(connection.request("GET", "/next").text("target"), "/next");
  const Response old = proxy.connect().exchange("GET /old HTTP/1.0\r\n\r\n");
  EXPECT_EQ(old.body, "until the end");
}

TEST_F(ProxyTest, AnswersAClientThatClosedItsSendingSide) {
  HttpConnection connection = proxy.connect();
  connection.send(request_text("POST", "/half", {}, "body"));
  connection.end_writing();
  EXPECT_EQ(connection.read_response()->text("body"), "body");
  EXPECT_TRUE(connection.closed_by_peer());
}

TEST_F(ProxyTest, PassesAnErrorAnswerToAHalfReadRequest) {
  Answer refuse = raw("HTTP/1.1 403 No\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno", Ending::close);
  proxy.origin.on("/refuse", refuse);
  const Response response = proxy.client().call("POST", "/refuse", {}, std::string(1 << 20, 'x'));
  EXPECT_EQ(response.status, 403);
  EXPECT_EQ(response.body, "no");
}

TEST_F(ProxyTest, LogsOneJsonLineForEachRequest) {
  HttpConnection connection = proxy.connect();
  std::vector<std::string> ids;
  for (int i = 0; i < 5; ++i)
    ids.push_back(
        connection.request("POST", "/log/" + std::to_string(i) + "?secret=1", bearer("a.b.c"), "abc")
            .header("X-Request-Id"));
  ids.push_back(proxy.client().get("/log/..").header("X-Request-Id"));
  HttpConnection broken = proxy.connect();
  ids.push_back(broken.exchange("GET /log HTTP/1.1\r\n\r\n").header("X-Request-Id"));
  ASSERT_EQ(proxy.gateway.stop(), 0);
  const std::string log = proxy.gateway.access_log();
  std::size_t lines = 0;
  for (std::size_t at = 0, end; (end = log.find('\n', at)) != log.npos; at = end + 1, ++lines) {
    Response line;
    line.body = log.substr(at, end - at);
    const auto object = line.json().as_object();
    ASSERT_LT(lines, ids.size());
    EXPECT_EQ(line.text("request_id"), ids[lines]) << line.body;
    for (const char* member : {"time", "client", "status", "bytes_in", "bytes_out", "ms"})
      EXPECT_TRUE(object.contains(member)) << line.body;
    EXPECT_EQ(line.text("client"), "127.0.0.1");
    if (lines >= 5) {
      EXPECT_EQ(object.at("status").as_int64(), 400);
      EXPECT_FALSE(line.text("reason").empty()) << line.body;
      continue;
    }
    EXPECT_EQ(line.text("method"), "POST");
    EXPECT_EQ(line.text("path"), "/log/" + std::to_string(lines));
    EXPECT_EQ(object.at("status").as_int64(), 200);
    EXPECT_EQ(object.at("bytes_in").as_int64(), 3);
  }
  EXPECT_EQ(lines, ids.size()) << log;
  EXPECT_EQ(log.find("a.b.c"), std::string::npos);
  EXPECT_EQ(log.find("secret"), std::string::npos);
}

}  // namespace
}  // namespace sallyport::testing
