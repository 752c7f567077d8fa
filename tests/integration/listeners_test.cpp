// Where clients connect: TLS with several certificates, their replacement, tickets and client certificates;
// the redirect to https; PROXY headers; the limits on connections and their deadlines. Against the real
// binary.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <fstream>
#include <thread>

#include "tests/support/certificates.hpp"
#include "tests/support/gateway_process.hpp"
#include "tests/support/http_client.hpp"
#include "tests/support/origin.hpp"
#include "tests/support/tls_client.hpp"

namespace sallyport::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using std::string_literals::operator""s;

std::string yaml(const Origin& origin, const std::string& listeners, const std::string& more = {}) {
  return "workers: 2\nlisteners:\n" + listeners + "upstreams: {api: {servers: [\"" + origin.url() +
         "\"]}}\nroutes: [{path: /, upstream: api, auth: none}]\n" + more;
}

const std::string kGet = "GET / HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n";

class Tls : public ::testing::Test {
 protected:
  GatewayOptions files() const {
    GatewayOptions how;
    how.files = {{"a.pem", a.certificate},
                 {"a.key", a.key},
                 {"b.pem", b.certificate},
                 {"b.key", b.key},
                 {"ca.pem", authority.pem()}};
    return how;
  }
  std::string listener(const std::string& more = {}) const {
    return "  - address: 127.0.0.1:0\n    tls:\n      - {certificate: a.pem, key: a.key}\n"
           "      - {certificate: b.pem, key: b.key}\n" +
           more;
  }
  TlsOptions asking(const std::string& name) const {
    TlsOptions options;
    options.server_name = name;
    options.authority = authority.pem();
    return options;
  }

  Origin origin;
  TestAuthority authority;
  PemPair a = authority.issue({"a.example"});
  PemPair b = authority.issue({"b.example", "*.b.example"});
};

TEST_F(Tls, ServesAndTellsTheUpstreamThatItWasHttps) {
  GatewayProcess gateway(SALLYPORT_BINARY, yaml(origin, listener()), files());
  TlsConnection client(gateway.port(), asking("a.example"));
  ASSERT_TRUE(client.open()) << client.error();
  EXPECT_EQ(client.version(), "TLSv1.3");
  EXPECT_EQ(client.protocol(), "http/1.1");
  EXPECT_THAT(client.exchange(kGet), HasSubstr("HTTP/1.1 200"));
  EXPECT_EQ(origin.last().headers.get("X-Forwarded-Proto"), "https");
}

TEST_F(Tls, ChoosesTheCertificateByTheNameThatIsAskedFor) {
  GatewayProcess gateway(SALLYPORT_BINARY, yaml(origin, listener()), files());
  for (const std::string name : {"a.example", "b.example", "x.b.example", "B.EXAMPLE"}) {
    TlsConnection client(gateway.port(), asking(name));
    EXPECT_TRUE(client.open()) << name << ": " << client.error();
  }
  EXPECT_EQ(TlsConnection(gateway.port()).peer_names(), "a.example");  // no name: the first
  TlsOptions other;
  other.server_name = "x.y.b.example";  // a wildcard is one label
  EXPECT_EQ(TlsConnection(gateway.port(), other).peer_names(), "a.example");
}

// O5.
TEST_F(Tls, RefusesOldVersionsAndOtherProtocols) {
  GatewayProcess gateway(SALLYPORT_BINARY, yaml(origin, listener() + listener("    tls_min_version: 1.3\n")),
                         [&] {
                           GatewayOptions how = files();
                           how.listeners = 2;
                           return how;
                         }());
  TlsOptions old = asking("a.example");
  old.min_version = TLS1_VERSION;
  old.max_version = TLS1_1_VERSION;
  EXPECT_FALSE(TlsConnection(gateway.port(), old).open());
  TlsOptions previous = asking("a.example");
  previous.max_version = TLS1_2_VERSION;
  EXPECT_TRUE(TlsConnection(gateway.port(0), previous).open());
  EXPECT_FALSE(TlsConnection(gateway.port(1), previous).open());
  TlsOptions h2 = asking("a.example");
  h2.protocols = "\x02h2";
  EXPECT_FALSE(TlsConnection(gateway.port(), h2).open());
}

TEST_F(Tls, TellsAClientThatSpeaksPlainHttp) {
  GatewayProcess gateway(SALLYPORT_BINARY, yaml(origin, listener()), files());
  HttpConnection client(gateway.port());
  const Response answer = client.exchange(kGet);
  EXPECT_EQ(answer.status, 400);
  EXPECT_THAT(answer.body, HasSubstr("https"));
  EXPECT_TRUE(client.closed_by_peer());
}

TEST_F(Tls, AsksForClientCertificatesAsConfigured) {
  GatewayOptions how = files();
  how.listeners = 2;
  GatewayProcess gateway(
      SALLYPORT_BINARY,
      yaml(origin, listener("    client_ca: ca.pem\n    client_certificates: required\n") +
                       listener("    client_ca: ca.pem\n    client_certificates: optional\n")),
      how);
  const TestAuthority stranger("Somebody Else");
  TlsOptions none = asking("a.example"), good = none, bad = none;
  good.certificate = authority.issue({"client.example"});
  bad.certificate = stranger.issue({"client.example"});
  const auto served = [&](std::size_t which, const TlsOptions& options) {
    // In TLS 1.3 the client learns of the refusal only when it reads.
    TlsConnection client(gateway.port(which), options);
    return client.open() && client.exchange(kGet).starts_with("HTTP/1.1 200");
  };
  EXPECT_FALSE(served(0, none));
  EXPECT_TRUE(served(0, good));
  EXPECT_FALSE(served(0, bad));
  EXPECT_TRUE(served(1, none));
  EXPECT_TRUE(served(1, good));
  EXPECT_FALSE(served(1, bad));
}

TEST_F(Tls, TakesNewFilesWithoutARestartAndKeepsTheLastGoodOnes) {
  GatewayProcess gateway(SALLYPORT_BINARY, yaml(origin, listener()), files());
  TlsConnection before(gateway.port(), asking("a.example"));
  const PemPair renewed = authority.issue({"a.example", "new.example"});
  gateway.dir().write("a.pem", renewed.certificate);
  ASSERT_TRUE(gateway.wait_for_log("doesn't belong to the certificate"));  // the key is still the old one
  EXPECT_EQ(TlsConnection(gateway.port(), asking("a.example")).peer_names(), "a.example");
  gateway.dir().write("a.key", renewed.key);
  ASSERT_TRUE(gateway.wait_for_log("new certificates in force"));
  const Deadline deadline = within();
  std::string names;
  while (names != "a.example, new.example" && Clock::now() < deadline)
    names = TlsConnection(gateway.port(), asking("a.example")).peer_names();
  EXPECT_EQ(names, "a.example, new.example");
  EXPECT_THAT(before.exchange(kGet), HasSubstr("HTTP/1.1 200"));  // a connection of before goes on
}

TEST_F(Tls, EndsAHandshakeThatIsNotDoneInTime) {
  GatewayProcess gateway(SALLYPORT_BINARY, yaml(origin, listener(), "limits: {tls_handshake: 300ms}\n"),
                         files());
  HttpConnection silent(gateway.port()), half(gateway.port());
  half.send("\x16\x03\x01\x02\x00\x01"s);
  const auto began = Clock::now();
  EXPECT_TRUE(silent.closed_by_peer());
  EXPECT_TRUE(half.closed_by_peer());
  EXPECT_GE(Clock::now() - began, std::chrono::milliseconds(100));
  EXPECT_LT(Clock::now() - began, std::chrono::seconds(5));
}

struct BadFiles {
  const char* name;
  const char* certificate;
  const char* key;
  const char* message;
};

void PrintTo(const BadFiles& row, std::ostream* out) { *out << row.name; }

class TlsFiles : public Tls, public ::testing::WithParamInterface<BadFiles> {};

TEST_P(TlsFiles, AreRefusedAtTheStartWithTheWayOut) {
  const TempDir dir;
  for (const auto& [name, text] : files().files) dir.write(name, text);
  dir.write("empty.pem", "");
  dir.write("text.pem", "no certificate at all\n");
  dir.write("gateway.yaml",
            yaml(origin, "  - {address: 127.0.0.1:0, tls: {certificate: " +
                             std::string(GetParam().certificate) + ", key: " + GetParam().key + "}}\n"));
  const Outcome outcome = run({SALLYPORT_BINARY, "serve", "--config", dir / "gateway.yaml"});
  EXPECT_EQ(outcome.code, 3);
  EXPECT_THAT(outcome.err, HasSubstr(GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    All, TlsFiles,
    ::testing::Values(BadFiles{"Missing", "nowhere.pem", "a.key",
                               "nowhere.pem: cannot read it (No such file or directory)"},
                      BadFiles{"Empty", "empty.pem", "a.key", "empty.pem: the file is empty"},
                      BadFiles{"NoCertificate", "text.pem", "a.key", "text.pem: no PEM certificate chain"},
                      BadFiles{"NoKey", "a.pem", "text.pem", "text.pem: no PEM private key"},
                      BadFiles{"OtherKey", "a.pem", "b.key",
                               "b.key: this key doesn't belong to the certificate in"}),
    [](const auto& tested) { return std::string(tested.param.name); });

TEST(Redirect, SendsToTheSamePlaceOverHttps) {
  Origin origin;
  GatewayOptions how;
  how.listeners = 2;
  GatewayProcess gateway(SALLYPORT_BINARY,
                         yaml(origin,
                              "  - {address: 127.0.0.1:0, redirect: https}\n"
                              "  - {address: 127.0.0.1:0, redirect: https, redirect_port: 8443}\n"),
                         how);
  const auto location = [&](std::size_t which, const std::string& request) {
    HttpConnection client(gateway.port(which));
    const Response answer = client.exchange(request);
    return std::to_string(answer.status) + " " + answer.header("Location");
  };
  EXPECT_EQ(location(0, request_text("GET", "/a/b?c=d", {{"Host", "Shop.Example:80"}})),
            "308 https://shop.example/a/b?c=d");
  EXPECT_EQ(location(1, request_text("POST", "/x", {{"Host", "shop.example"}}, "body")),
            "308 https://shop.example:8443/x");
  EXPECT_EQ(location(0, request_text("GET", "http://shop.example/abs", {{"Host", "shop.example"}})),
            "308 https://shop.example/abs");
  EXPECT_EQ(location(0, request_text("GET", "/%2e%2e/x", {{"Host", "shop.example"}})), "400 ");
  EXPECT_EQ(location(0, request_text("GET", "//evil.example/", {{"Host", "shop.example"}})),
            "308 https://shop.example//evil.example/");
  EXPECT_EQ(location(0, request_text("GET", "/", {{"Host", "evil.example/@shop.example"}})), "400 ");
  EXPECT_EQ(location(0, request_text("OPTIONS", "*", {{"Host", "shop.example"}})), "400 ");
  EXPECT_EQ(location(0, "GET / HTTP/1.0\r\n\r\n"), "400 ");
  EXPECT_TRUE(origin.requests().empty());
}

const std::string kProxied = "  - {address: 127.0.0.1:0, proxy_protocol: on}\n";

TEST(ProxyProtocol, MakesTheNamedAddressThePeer) {
  Origin origin;
  GatewayProcess gateway(SALLYPORT_BINARY, yaml(origin, kProxied, "trusted_proxies: [127.0.0.1]\n"));
  const std::string binary = "\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\2\x08\x7f\0\0\1\1\2\3\4"s;
  const std::string get = request_text("GET", "/", {{"X-Forwarded-For", "203.0.113.9"}});
  for (const auto& [header, peer] :
       {std::pair{"PROXY TCP4 192.0.2.7 127.0.0.1 5 6\r\n"s, "192.0.2.7"},
        std::pair{"PROXY TCP6 2001:db8::7 ::1 5 6\r\n"s, "2001:db8::7"}, std::pair{binary, "192.0.2.8"}}) {
    HttpConnection client(gateway.port());
    EXPECT_EQ(client.exchange(header + get).status, 200);
    EXPECT_EQ(origin.last().headers.get("X-Forwarded-For"), peer);  // the client isn't a trusted proxy itself
  }
  HttpConnection slow(gateway.port());  // byte by byte
  for (const char c : binary) {
    slow.send(std::string(1, c));
    std::this_thread::yield();
  }
  EXPECT_EQ(slow.exchange(get).status, 200);
  EXPECT_EQ(origin.last().headers.get("X-Forwarded-For"), "192.0.2.8");
  HttpConnection without(gateway.port());
  without.send(get);
  EXPECT_TRUE(without.closed_by_peer());
}

TEST(ProxyProtocol, IsTakenFromTrustedProxiesOnly) {
  Origin origin;
  GatewayProcess gateway(SALLYPORT_BINARY, yaml(origin, kProxied, "trusted_proxies: [10.0.0.0/8]\n"));
  HttpConnection client(gateway.port());
  client.send("PROXY TCP4 192.0.2.7 127.0.0.1 5 6\r\n" + kGet);
  EXPECT_TRUE(client.closed_by_peer());
  EXPECT_TRUE(origin.requests().empty());
}

TEST(ProxyProtocol, ComesBeforeTls) {
  Origin origin;
  const TestAuthority authority;
  const PemPair pair = authority.issue({"a.example"});
  GatewayOptions how;
  how.files = {{"a.pem", pair.certificate}, {"a.key", pair.key}};
  GatewayProcess gateway(
      SALLYPORT_BINARY,
      yaml(origin, "  - {address: 127.0.0.1:0, proxy_protocol: on, tls: {certificate: a.pem, key: a.key}}\n",
           "trusted_proxies: [127.0.0.1]\n"),
      how);
  TlsOptions options;
  options.before = "PROXY TCP4 192.0.2.7 127.0.0.1 5 6\r\n";
  TlsConnection client(gateway.port(), options);
  ASSERT_TRUE(client.open()) << client.error();
  EXPECT_THAT(client.exchange(kGet), HasSubstr("HTTP/1.1 200"));
  EXPECT_EQ(origin.last().headers.get("X-Forwarded-For"), "192.0.2.7");
}

const std::string kPlain = "  - {address: 127.0.0.1:0}\n";

// C2. The third waits until one of the two goes, and is served then.
TEST(Connections, BeyondTheCapWaitUntilThereIsRoom) {
  Origin origin;
  GatewayProcess gateway(SALLYPORT_BINARY, yaml(origin, kPlain, "limits: {connections: 2}\n"));
  auto gate = std::make_shared<Gate>();
  Answer held;
  held.before_head = gate;
  origin.on("/held", held);
  HttpConnection first(gateway.port()), second(gateway.port());
  first.send(request_text("GET", "/held"));
  second.send(request_text("GET", "/held"));
  ASSERT_TRUE(origin.wait_for_requests(2));
  HttpConnection third(gateway.port());
  third.send(request_text("GET", "/third"));
  ASSERT_TRUE(gateway.wait_for_log("new ones wait"));
  EXPECT_TRUE(third.quiet_and_open());
  EXPECT_TRUE(origin.requests("/third").empty());
  gate->open();
  EXPECT_EQ(first.read_response()->status, 200);
  first.close();
  EXPECT_EQ(third.read_response()->status, 200);
  EXPECT_EQ(second.read_response()->status, 200);
}

TEST(Connections, ThatIdleTheLongestMakeRoom) {
  Origin origin;
  GatewayProcess gateway(SALLYPORT_BINARY, yaml(origin, kPlain, "limits: {connections: 2}\n"));
  HttpConnection idle(gateway.port()), silent(gateway.port());
  EXPECT_EQ(idle.request("GET", "/").status, 200);
  HttpConnection third(gateway.port());
  EXPECT_EQ(third.request("GET", "/").status, 200);  // long before limits.keep_alive
}

TEST(Connections, OfOneAddressAreLimitedOverAllWorkers) {
  Origin origin;
  GatewayProcess gateway(SALLYPORT_BINARY, yaml(origin, kPlain, "limits: {per_address: 3}\n"));
  std::vector<std::unique_ptr<HttpConnection>> clients;
  for (int i = 0; i < 3; ++i) {
    clients.push_back(std::make_unique<HttpConnection>(gateway.port()));
    EXPECT_EQ(clients.back()->request("GET", "/").status, 200);
  }
  for (int i = 0; i < 8; ++i) EXPECT_TRUE(HttpConnection(gateway.port()).closed_by_peer());
  for (auto& client : clients) EXPECT_EQ(client->request("GET", "/").status, 200);
  clients.clear();
  const Deadline deadline = within();  // the gateway sees their ends when it sees them
  bool served = false;
  while (!served && Clock::now() < deadline) {
    HttpConnection next(gateway.port());
    next.send(kGet);
    const Received got = receive_some(next.fd());
    served = got.bytes.starts_with("HTTP/1.1 200");
  }
  EXPECT_TRUE(served);
}

double cpu_seconds(pid_t pid) {
  std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
  std::string text((std::istreambuf_iterator<char>(stat)), {});
  std::istringstream rest(text.substr(text.rfind(')') + 2));
  std::string field;
  double ticks = 0;
  for (int i = 3; i <= 15 && rest >> field; ++i)
    if (i == 14 || i == 15) ticks += std::stod(field);
  return ticks / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

// SECURITY 6, descriptor exhaustion: `ulimit -n 64` and 200 clients.
TEST(Connections, SurviveTheEndOfDescriptorsWithoutBurningTime) {
  Origin origin;
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  const TempDir dir;
  dir.write("gateway.yaml", yaml(origin, kPlain));
  Process process(
      {"/bin/sh", "-c",
       "ulimit -n 64; exec " + std::string(SALLYPORT_BINARY) + " serve --config " + (dir / "gateway.yaml")});
  ASSERT_TRUE(process.wait_until([](const std::string&, const std::string& err) {
    return !listening_ports(err).empty();
  })) << process.err();
  const std::uint16_t port = listening_ports(process.err()).front();
  EXPECT_THAT(process.err(), HasSubstr("the descriptor limit of 64 allows"));

  std::vector<std::unique_ptr<HttpConnection>> clients;
  for (int i = 0; i < 200; ++i) clients.push_back(std::make_unique<HttpConnection>(port));
  const double cpu = cpu_seconds(process.pid());
  const auto began = Clock::now();
  for (auto& client : clients) client->send(request_text("GET", "/", {{"Connection", "close"}}));
  for (auto& client : clients) {
    EXPECT_EQ(client->read_response()->status, 200);
    client->close();
  }
  // Full of clients that say nothing, it waits instead of spinning.
  clients.clear();
  for (int i = 0; i < 50; ++i) clients.push_back(std::make_unique<HttpConnection>(port));
  const auto full = Clock::now();
  const double busy = cpu_seconds(process.pid());
  EXPECT_EQ(clients.back()->request("GET", "/").status, 200);  // the silent ones before it make room
  const double seconds = std::chrono::duration<double>(Clock::now() - full).count();
  const double share = (cpu_seconds(process.pid()) - busy) / std::max(seconds, 0.5);
  EXPECT_LT(share, 0.2);
  std::printf("200 answers in %.2f s; full for %.2f s with %.0f %% of a core (%.2f s in all)\n",
              std::chrono::duration<double>(full - began).count(), seconds, 100 * share,
              cpu_seconds(process.pid()) - cpu);
  clients.clear();
  EXPECT_EQ(HttpClient(port).get("/").status, 200);
}

// C1. Each on its own, with the limits short.
class Deadlines : public ::testing::Test {
 protected:
  Origin origin;
  GatewayProcess gateway{
      SALLYPORT_BINARY,
      yaml(origin, kPlain,
           "limits: {head: 400ms, body_idle: 400ms, keep_alive: 400ms, write_stall: 400ms}\n")};
};

TEST_F(Deadlines, EndAHeadThatDoesNotComeToItsEnd) {
  HttpConnection client(gateway.port());
  client.send("GET / HTTP/1.1\r\nHost: a");
  const auto answer = client.read_response();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 408);
  EXPECT_TRUE(client.closed_by_peer());
}

TEST_F(Deadlines, AreForTheWholeHeadNotForEachByte) {
  HttpConnection client(gateway.port());
  const auto began = Clock::now();
  client.send("GET / HTTP/1.1\r\n");
  while (!wait_for(client.fd(), POLLIN, Clock::now() + std::chrono::milliseconds(50)) &&
         Clock::now() - began < std::chrono::seconds(5))
    client.send("X-Drip: 1\r\n");
  EXPECT_LT(Clock::now() - began, std::chrono::seconds(3));
  EXPECT_TRUE(client.closed_by_peer());
}

TEST_F(Deadlines, CloseASilentConnectionWithoutAWord) {
  HttpConnection client(gateway.port());
  EXPECT_TRUE(client.closed_by_peer());
  EXPECT_EQ(client.stream().pending(), "");
}

TEST_F(Deadlines, EndABodyThatStops) {
  HttpConnection client(gateway.port());
  client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n12345");
  const auto answer = client.read_response();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 408);
  EXPECT_TRUE(client.closed_by_peer());
}

TEST_F(Deadlines, CloseAnIdleConnectionBetweenRequests) {
  HttpConnection client(gateway.port());
  EXPECT_EQ(client.request("GET", "/").status, 200);
  const auto began = Clock::now();
  EXPECT_TRUE(client.closed_by_peer());
  EXPECT_GE(Clock::now() - began, std::chrono::milliseconds(300));
}

TEST_F(Deadlines, CutAClientThatTakesNothing) {
  Answer large;
  large.body = std::string(64 * 1024 * 1024, 'x');
  origin.on("/large", large);
  HttpConnection client(gateway.port());
  client.send(request_text("GET", "/large"));
  const auto began = Clock::now();
  // Reading begins after the gateway has given up: the message is cut, never complete.
  ASSERT_TRUE(gateway.access_log().empty());
  ASSERT_TRUE(gateway.wait_for_log("\"/large\""));  // its access line
  EXPECT_LT(Clock::now() - began, std::chrono::seconds(10));
  std::size_t got = 0;
  for (;;) {
    const Received piece = receive_some(client.fd());
    if (piece.status != Io::ok) break;
    got += piece.bytes.size();
  }
  EXPECT_LT(got, large.body.size());
}

}  // namespace
}  // namespace sallyport::testing
