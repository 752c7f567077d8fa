// https upstreams: who is trusted, what is shown, and that sessions and connections are used again.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>

#include <atomic>
#include <mutex>
#include <thread>

#include "tests/support/certificates.hpp"
#include "tests/support/gateway_process.hpp"
#include "tests/support/http_client.hpp"

namespace sallyport::testing {
namespace {

using ::testing::HasSubstr;

// A server of one certificate on 127.0.0.1 that answers every request with what it knows of the connection.
class TlsOrigin {
 public:
  TlsOrigin(const PemPair& own, const std::string& client_authority = {}, int version = TLS1_3_VERSION)
      : context_(SSL_CTX_new(TLS_server_method())), listener_(listen_tcp()), port_(port_of(listener_.get())) {
    dir_.write("own.pem", own.certificate);
    dir_.write("own.key", own.key);
    SSL_CTX_use_certificate_chain_file(context_.get(), (dir_ / "own.pem").c_str());
    SSL_CTX_use_PrivateKey_file(context_.get(), (dir_ / "own.key").c_str(), SSL_FILETYPE_PEM);
    SSL_CTX_set_max_proto_version(context_.get(), version);
    const unsigned char id[] = "test";
    SSL_CTX_set_session_id_context(context_.get(), id, sizeof id);
    if (!client_authority.empty()) {
      SSL_CTX_load_verify_file(context_.get(), dir_.write("ca.pem", client_authority).c_str());
      SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    }
    acceptor_ = std::thread([this] { accept_all(); });
  }
  ~TlsOrigin() {
    stopping_ = true;
    acceptor_.join();
    for (std::thread& thread : threads_) thread.join();
  }

  std::uint16_t port() const { return port_; }
  int connections() const { return connections_; }  // with a finished handshake
  void close_after_each() { close_after_each_ = true; }

 private:
  void accept_all() {
    while (!stopping_) {
      if (!wait_for(listener_.get(), POLLIN, within(std::chrono::milliseconds(50)))) continue;
      Fd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (!fd) continue;
      timeval patience{5, 0};  // bounds a thread whose gateway went away without a word
      ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
      threads_.emplace_back([this, one = std::move(fd)] { serve(one.get()); });
    }
  }

  void serve(int fd) {
    const std::unique_ptr<SSL, void (*)(SSL*)> ssl(SSL_new(context_.get()), SSL_free);
    SSL_set_fd(ssl.get(), fd);
    if (SSL_accept(ssl.get()) != 1) return;
    ++connections_;
    const char* name = SSL_get_servername(ssl.get(), TLSEXT_NAMETYPE_host_name);
    X509* peer = SSL_get0_peer_certificate(ssl.get());
    const std::string body = std::string(SSL_get_version(ssl.get())) + " sni=" + (name ? name : "none") +
                             " resumed=" + (SSL_session_reused(ssl.get()) ? "yes" : "no") +
                             " client=" + (peer ? "yes" : "no");
    std::string received;
    char buffer[4096];
    for (;;) {
      while (received.find("\r\n\r\n") == received.npos) {
        const int got = SSL_read(ssl.get(), buffer, sizeof buffer);
        if (got <= 0) return;
        received.append(buffer, static_cast<std::size_t>(got));
      }
      received.erase(0, received.find("\r\n\r\n") + 4);
      const std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) +
                                 (close_after_each_ ? "\r\nConnection: close" : "") + "\r\n\r\n" + body;
      SSL_write(ssl.get(), answer.data(), static_cast<int>(answer.size()));
      if (close_after_each_) {
        SSL_shutdown(ssl.get());
        return;
      }
    }
  }

  struct Free {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  };
  TempDir dir_;
  std::unique_ptr<SSL_CTX, Free> context_;
  Fd listener_;
  std::uint16_t port_;
  std::atomic<bool> stopping_{false}, close_after_each_{false};
  std::atomic<int> connections_{0};
  std::thread acceptor_;
  std::vector<std::thread> threads_;
};

class UpstreamTls : public ::testing::Test {
 protected:
  // `tls`: the section of the configuration; ca.pem, client.pem and client.key lie beside the file.
  void start(const TlsOrigin& origin, const std::string& host, const std::string& tls) {
    GatewayOptions options;
    options.files = {
        {"ca.pem", authority.pem()}, {"client.pem", client.certificate}, {"client.key", client.key}};
    gateway = std::make_unique<GatewayProcess>(
        SALLYPORT_BINARY,
        "workers: 1\nlisteners: [{address: \"127.0.0.1:0\"}]\nlog: {audit: \"off\"}\n"
        "upstreams: {api: {servers: [\"https://" +
            host + ":" + std::to_string(origin.port()) + "\"], tls: {" + tls +
            "}}}\nroutes: [{path: /, upstream: api, auth: none, timeout: 5s}]\n",
        options);
  }
  Response get() const { return HttpClient(gateway->port()).get("/"); }

  TestAuthority authority;
  PemPair client = authority.issue({"client.example"});
  std::unique_ptr<GatewayProcess> gateway;
};

TEST_F(UpstreamTls, VerifiesTheNameAndAsksForIt) {
  TlsOrigin origin(authority.issue({"localhost"}));
  start(origin, "localhost", "ca: ca.pem");
  EXPECT_EQ(get().body, "TLSv1.3 sni=localhost resumed=no client=no");
}

TEST_F(UpstreamTls, RefusesACertificateForAnotherName) {
  TlsOrigin origin(authority.issue({"other.example", "*.localhost"}));
  start(origin, "localhost", "ca: ca.pem");
  EXPECT_EQ(get().text("error"), "upstream_unreachable");
  EXPECT_TRUE(gateway->wait_for_log("certificate verify failed: hostname mismatch"));
  EXPECT_EQ(get().body.find("hostname"), std::string::npos);  // for the log alone
}

TEST_F(UpstreamTls, TakesTheNameThatTheConfigurationSays) {
  TlsOrigin origin(authority.issue({"orders.internal"}));
  start(origin, "127.0.0.1", "ca: ca.pem, server_name: orders.internal");
  EXPECT_THAT(get().body, HasSubstr("sni=orders.internal"));
}

TEST_F(UpstreamTls, ChecksAnAddressAgainstTheAddressesOfTheCertificate) {
  TlsOrigin origin(authority.issue({"localhost", "127.0.0.1"}));  // a DNS name that looks like an address
  start(origin, "127.0.0.1", "ca: ca.pem");
  EXPECT_EQ(get().text("error"), "upstream_unreachable");
  EXPECT_TRUE(gateway->wait_for_log("certificate verify failed: IP address mismatch"));
}

TEST_F(UpstreamTls, TakesACertificateForTheAddressAndSendsNoNameThen) {
  TlsOrigin origin(authority.issue({"IP:127.0.0.1"}));
  start(origin, "127.0.0.1", "ca: ca.pem");
  EXPECT_THAT(get().body, HasSubstr("sni=none"));
}

TEST_F(UpstreamTls, RefusesAStrangersCertificateAndAnExpiredOne) {
  TestAuthority stranger("Stranger");
  {
    TlsOrigin origin(stranger.issue({"localhost"}));
    start(origin, "localhost", "ca: ca.pem");
    EXPECT_EQ(get().status, 502);
    EXPECT_TRUE(gateway->wait_for_log("certificate verify failed"));
  }
  TlsOrigin expired(authority.issue({"localhost"}, -1));
  start(expired, "localhost", "ca: ca.pem");
  EXPECT_EQ(get().status, 502);
  EXPECT_TRUE(gateway->wait_for_log("certificate has expired"));
}

TEST_F(UpstreamTls, ShowsItsOwnCertificateWhereItHasOne) {
  TlsOrigin origin(authority.issue({"localhost"}), authority.pem());
  start(origin, "localhost", "ca: ca.pem, certificate: client.pem, key: client.key");
  EXPECT_THAT(get().body, HasSubstr("client=yes"));
  start(origin, "localhost", "ca: ca.pem");
  EXPECT_EQ(get().status, 502);
}

// The tickets of TLS 1.3 come after the handshake and lie unread in the socket: no reason to give the
// connection up.
TEST_F(UpstreamTls, UsesAConnectionAgainAlthoughTicketsCameOnIt) {
  TlsOrigin origin(authority.issue({"localhost"}));
  start(origin, "localhost", "ca: ca.pem");
  for (int i = 0; i < 10; ++i) EXPECT_EQ(get().status, 200);
  EXPECT_EQ(origin.connections(), 1);
}

TEST_F(UpstreamTls, ResumesItsSessions) {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    TlsOrigin origin(authority.issue({"localhost"}), {}, version);
    origin.close_after_each();
    start(origin, "localhost", "ca: ca.pem");
    EXPECT_THAT(get().body, HasSubstr("resumed=no"));
    for (int i = 0; i < 3; ++i) EXPECT_THAT(get().body, HasSubstr("resumed=yes")) << version;
  }
}

TEST_F(UpstreamTls, SpeaksNothingOlderThanItMay) {
  TlsOrigin origin(authority.issue({"localhost"}), {}, TLS1_2_VERSION);
  start(origin, "localhost", "ca: ca.pem, min_version: 1.3");
  EXPECT_EQ(get().status, 502);
  EXPECT_TRUE(gateway->wait_for_log("TLS handshake failed"));
}

TEST_F(UpstreamTls, StartsNotWithoutItsFiles) {
  TlsOrigin origin(authority.issue({"localhost"}));
  EXPECT_THROW(start(origin, "localhost", "ca: missing.pem"), std::runtime_error);
}

TEST_F(UpstreamTls, GivesUpAServerThatSaysNothing) {
  Fd silent = listen_tcp();
  const std::string port = std::to_string(port_of(silent.get()));
  gateway = std::make_unique<GatewayProcess>(
      SALLYPORT_BINARY,
      "workers: 1\nlisteners: [{address: \"127.0.0.1:0\"}]\nlog: {audit: \"off\"}\n"
      "upstreams: {api: {servers: [\"https://127.0.0.1:" +
          port +
          "\"], connect_timeout: 300ms}}\n"
          "routes: [{path: /, upstream: api, auth: none}]\n");
  EXPECT_EQ(get().text("error"), "upstream_timeout");
  EXPECT_TRUE(gateway->wait_for_log("TLS handshake timed out"));
}

}  // namespace
}  // namespace sallyport::testing
