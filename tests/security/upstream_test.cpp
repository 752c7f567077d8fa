// Hostile and broken upstreams (SECURITY F4, F5, F6, B12): a malformed answer is a 502 or a visibly cut one,
// its connection is never used again, and nothing of it reaches another client.
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>

#include "tests/security/world.hpp"

namespace sallyport::testing {
namespace {

using namespace std::string_literals;

struct Hostile {
  const char* name;
  const char* id;
  std::string raw;               // what the origin sends
  int status = 502;              // 502: ours; else what passes
  bool whole = true;             // a whole message came to the client
  std::string request = "GET";   // or HEAD
  Ending ending = Ending::keep;  // what the origin does behind it
};

std::string ok(const std::string& headers, const std::string& body = {}) {
  return "HTTP/1.1 200 OK\r\n" + headers + "\r\n" + body;
}

const std::string kPoison = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nPOISON";

std::vector<Hostile> hostile() {
  const std::string tail = "Content-Length: 2\r\n";
  std::string interim_flood;
  for (int i = 0; i < 100; ++i) interim_flood += "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
  std::string many_fields = "HTTP/1.1 200 OK\r\n";
  for (int i = 0; i < 2000; ++i) many_fields += "X-" + std::to_string(i) + ": a\r\n";
  return {
      {"length_and_chunked", "F6",
       ok("Content-Length: 2\r\nTransfer-Encoding: chunked\r\n", "2\r\nok\r\n0\r\n\r\n")},
      {"two_lengths", "F6", ok("Content-Length: 2\r\nContent-Length: 3\r\n", "ok!")},
      {"two_equal_lengths", "F6", ok("Content-Length: 2\r\nContent-Length: 2\r\n", "ok")},
      {"length_list", "F6", ok("Content-Length: 2, 2\r\n", "ok")},
      {"length_negative", "F6", ok("Content-Length: -2\r\n", "ok")},
      {"length_hex", "F6", ok("Content-Length: 0x2\r\n", "ok")},
      {"length_empty", "F6", ok("Content-Length:\r\n", "ok")},
      {"length_huge", "F6", ok("Content-Length: 99999999999999999999\r\n", "ok")},
      {"coding_unknown", "F6", ok("Transfer-Encoding: gzip\r\n", "ok"), 502, true, "GET", Ending::close},
      {"coding_gzip_chunked", "F6", ok("Transfer-Encoding: gzip, chunked\r\n", "2\r\nok\r\n0\r\n\r\n")},
      {"coding_repeated", "F6",
       ok("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "2\r\nok\r\n0\r\n\r\n")},
      {"coding_on_http10", "F6", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"},
      {"obs_fold", "F6", ok("X: a\r\n b\r\n" + tail, "ok")},
      {"bare_lf", "F6", "HTTP/1.1 200 OK\nContent-Length: 2\n\nok"},
      {"bare_lf_in_head", "F6", ok("X: a\nY: b\r\n" + tail, "ok")},
      {"bare_cr_in_head", "F6", ok("X: a\rY: b\r\n" + tail, "ok")},
      {"nul_in_head", "F6", ok("X: a\0b\r\n"s + tail, "ok")},
      {"control_in_head", "F6", ok("X: a\x01\r\n"s + tail, "ok")},
      {"blank_before_colon", "F6", ok("Content-Length : 2\r\n", "ok")},
      {"empty_name", "F6", ok(": a\r\n" + tail, "ok")},
      {"no_colon", "F6", ok("garbage\r\n" + tail, "ok")},
      {"head_of_a_mebibyte", "F6", ok("X: " + std::string(1 << 20, 'a') + "\r\n" + tail, "ok")},
      {"two_thousand_fields", "F6", many_fields + tail + "\r\nok"},
      {"http09", "F6", "<html>no head</html>", 502, true, "GET", Ending::close},
      {"garbage", "F6", "\x16\x03\x01\x02garbage\r\n\r\n", 502, true, "GET", Ending::close},
      {"http2_answer", "F5", "HTTP/2.0 200 OK\r\n" + tail + "\r\nok"},
      {"version_junk", "F6", "HTTP/1.x 200 OK\r\n" + tail + "\r\nok"},
      {"status_two_digits", "F6", "HTTP/1.1 20 OK\r\n" + tail + "\r\nok"},
      {"status_four_digits", "F6", "HTTP/1.1 2000 OK\r\n" + tail + "\r\nok"},
      {"status_negative", "F6", "HTTP/1.1 -20 OK\r\n" + tail + "\r\nok"},
      {"status_zero", "F6", "HTTP/1.1 000 OK\r\n" + tail + "\r\nok"},
      {"status_word", "F6", "HTTP/1.1 abc OK\r\n" + tail + "\r\nok"},
      {"switch_unasked", "F5",
       "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n" + kPoison},
      {"switch_unasked_without_upgrade", "F5", "HTTP/1.1 101 Switching Protocols\r\n\r\n" + kPoison},
      {"interim_flood", "B12", interim_flood + kPoison},
      {"interim_with_broken_head", "B12", "HTTP/1.1 103 Early\r\nX : y\r\n\r\n" + kPoison},
      {"nothing", "F6", "", 502, true, "GET", Ending::close},
      {"nothing_but_reset", "F6", "", 502, true, "GET", Ending::reset},
      {"half_a_head", "F6", "HTTP/1.1 200 OK\r\nContent-", 502, true, "GET", Ending::close},
      {"interim_then_end", "B12", "HTTP/1.1 103 Early\r\n\r\n", 502, true, "GET", Ending::close},
      // The head was good: what is broken then must be visible as a cut.
      {"length_cut", "F6", ok("Content-Length: 100\r\n", "only this"), 200, false, "GET", Ending::close},
      {"length_reset", "F6", ok("Content-Length: 100\r\n", "only this"), 200, false, "GET", Ending::reset},
      {"chunked_cut_between", "F6", ok("Transfer-Encoding: chunked\r\n", "2\r\nok\r\n"), 200, false, "GET",
       Ending::close},
      {"chunked_cut_inside", "F6", ok("Transfer-Encoding: chunked\r\n", "9\r\nok"), 200, false, "GET",
       Ending::close},
      {"chunked_cut_before_last_line", "F6", ok("Transfer-Encoding: chunked\r\n", "2\r\nok\r\n0\r\n"), 200,
       false, "GET", Ending::close},
      {"chunk_size_junk", "F6", ok("Transfer-Encoding: chunked\r\n", "2\r\nok\r\nxyz\r\n"), 200, false},
      {"chunk_size_wraps", "F6",
       ok("Transfer-Encoding: chunked\r\n", "2\r\nok\r\n10000000000000002\r\nok\r\n0\r\n\r\n"), 200, false},
      {"chunk_bare_lf", "F6", ok("Transfer-Encoding: chunked\r\n", "2\r\nok\r\n2\nok\r\n0\r\n\r\n"), 200,
       false},
      {"chunk_extension_with_lf", "F6",
       ok("Transfer-Encoding: chunked\r\n", "2\r\nok\r\n2;a\n\r\nok\r\n0\r\n\r\n"), 200, false},
      // Good answers with something behind them: they pass, what follows never does.
      {"extra_bytes", "F4", ok(tail, "ok" + kPoison), 200},
      {"extra_bytes_after_chunked", "F4",
       ok("Transfer-Encoding: chunked\r\n", "2\r\nok\r\n0\r\n\r\n" + kPoison), 200},
      {"body_behind_204", "B12", "HTTP/1.1 204 No Content\r\nContent-Length: 48\r\n\r\n" + kPoison, 204},
      {"body_behind_304", "B12", "HTTP/1.1 304 Not Modified\r\nContent-Length: 48\r\n\r\n" + kPoison, 304},
      {"chunked_204", "B12",
       "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + kPoison, 204},
      {"body_to_head", "B12", ok("Content-Length: 48\r\n", kPoison), 200, true, "HEAD"},
      {"chunked_body_to_head", "B12", ok("Transfer-Encoding: chunked\r\n", "2\r\nok\r\n0\r\n\r\n" + kPoison),
       200, true, "HEAD"},
      {"close_delimited_to_http11", "F6", ok("", "ok"), 200, true, "GET", Ending::close},
  };
}

class HostileUpstream : public WorldTable<Hostile> {};

TEST_P(HostileUpstream, IsContained) {
  const Hostile& row = GetParam();
  const std::string path = "/public/hostile-"s + row.name;
  world().open.on(path, [&row](Exchange& exchange) {
    exchange.send(row.raw);
    exchange.finish(row.ending);
  });
  HttpConnection connection(world().port());
  connection.send(row.request + " " + path + " HTTP/1.1\r\nHost: t\r\n\r\n");
  Response response;
  do {
    auto next = connection.read_response(row.request == "HEAD");
    ASSERT_TRUE(next) << "neither an answer nor a 502";
    response = *std::move(next);
  } while (response.status < 200);
  EXPECT_EQ(response.status, row.status) << row.id;
  EXPECT_EQ(response.complete, row.whole) << response.raw;
  if (row.status == 502) {
    EXPECT_EQ(response.text("error"), "upstream_invalid");
  }
  EXPECT_EQ(response.raw.find("POISON"), std::string::npos) << response.raw;
  // The client's next request, and another client's, get their own answers.
  if (row.whole && response.header("Connection") != "close") {
    const Response next = connection.request("GET", "/public/after");
    EXPECT_EQ(next.text("target"), "/public/after") << next.raw;
  } else {
    EXPECT_TRUE(connection.closed_by_peer());
  }
  for (int i = 0; i < 3; ++i) world().expect_canary(row.name);
  // Its connection was not used again.
  const auto requests = world().open.requests();
  const auto found =
      std::find_if(requests.begin(), requests.end(), [&](const auto& r) { return r.target == path; });
  ASSERT_NE(found, requests.end());
  if (row.status == 502 || !row.whole || row.raw.find("POISON") != std::string::npos)
    for (auto later = found + 1; later != requests.end(); ++later)
      EXPECT_NE(later->connection, found->connection) << later->target << " reused a dirty connection";
}

INSTANTIATE_TEST_SUITE_P(Upstreams, HostileUpstream, ::testing::ValuesIn(hostile()), RowName());

class Upstream : public WorldTest {};

// F4: bytes that the upstream sends later, on the connection that went back to the pool, are nobody's answer.
TEST_F(Upstream, LateBytesNeverBecomeTheNextAnswer) {
  Gate sent;
  world().open.on("/public/late", [&](Exchange& exchange) {
    exchange.send(ok("Content-Length: 2\r\n", "ok"));
    exchange.send(kPoison);
    sent.open();
    exchange.finish(Ending::keep);
  });
  ASSERT_EQ(world().client().get("/public/late").body, "ok");
  ASSERT_TRUE(sent.wait());
  for (int i = 0; i < 5; ++i) world().expect_canary("late bytes");
}

// An answer before the whole request arrived: the client gets it, neither connection is used again.
TEST_F(Upstream, AnEarlyAnswerEndsBothConnections) {
  Fd listener = listen_tcp();  // by hand: the recording origin reads bodies before it answers
  GatewayProcess gateway(SALLYPORT_BINARY, R"(
workers: 1
listeners: [{address: "127.0.0.1:0"}]
upstreams: {raw: {servers: ["http://127.0.0.1:)" +
                                               std::to_string(port_of(listener.get())) + R"("]}}
routes: [{path: /, upstream: raw, auth: none, max_body: 100MiB}]
)");
  HttpConnection client(gateway.port());
  client.send("POST /a HTTP/1.1\r\nHost: t\r\nContent-Length: 1000000\r\n\r\nfirst bytes");
  ASSERT_TRUE(wait_for(listener.get(), POLLIN, within()));
  Fd upstream(::accept4(listener.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  MessageStream stream(upstream.get());
  ASSERT_FALSE(stream.read_head(within()).empty());
  send_all(upstream.get(), "HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno");
  auto answer = client.read_response();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 413);
  EXPECT_EQ(answer->body, "no");
  EXPECT_TRUE(client.closed_by_peer());
  // The upstream sees its connection end without the rest of the body.
  const Deadline deadline = within();
  Received end;
  do end = receive_some(upstream.get(), 65536, deadline);
  while (end.status == Io::ok);
  EXPECT_NE(end.status, Io::timed_out);
}

}  // namespace
}  // namespace sallyport::testing
