// Upstreams that are killed, hang, reset and dawdle under load: every request gets an answer or a clean close
// in time, and no answer is ever another request's.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <thread>

#include "tests/support/gateway_process.hpp"
#include "tests/support/http_client.hpp"
#include "tests/support/origin.hpp"

namespace sallyport::testing {
namespace {

constexpr int kRequests = 20'000;
constexpr int kClients = 16;
constexpr std::chrono::seconds kInTime{
    15};  // the route's 1 s for a connection, 1 s for an answer, and a slow machine

// Answers with the request's own id in head and body, except where it misbehaves: by the id, so that what
// happens doesn't depend on timing.
void misbehave(Exchange& exchange) {
  const std::string id = exchange.request().headers.get("X-Id");
  const unsigned chance = static_cast<unsigned>(std::hash<std::string>{}(id) % 1000);
  exchange.finish(Ending::keep);
  const std::string body = "answer to " + id + " " + std::string(chance, 'x');
  const std::string head =
      "HTTP/1.1 200 OK\r\nX-Id: " + id + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n";
  if (chance < 10) return exchange.finish(Ending::reset);  // before a byte
  if (chance < 20) return exchange.finish(Ending::close);
  if (chance < 30) {  // inside the head
    exchange.send(head.substr(0, head.size() / 2));
    return exchange.finish(Ending::reset);
  }
  if (chance < 40) {  // inside the body
    exchange.send(head + body.substr(0, body.size() / 2));
    return exchange.finish(chance % 2 == 0 ? Ending::reset : Ending::close);
  }
  if (chance < 50) {  // not HTTP
    exchange.send("SSH-2.0-nothing\r\n\r\n");
    return exchange.finish(Ending::close);
  }
  if (chance < 60) {  // an answer nobody asked for behind the right one
    exchange.send(head + body + "HTTP/1.1 200 OK\r\nX-Id: forged\r\nContent-Length: 6\r\n\r\nforged");
    return;
  }
  if (chance < 62) {  // never
    exchange.closed_by_peer(std::chrono::seconds(5));
    return exchange.finish(Ending::close);
  }
  if (chance < 80) {  // in three pieces
    exchange.send(head.substr(0, 5));
    exchange.send(head.substr(5));
    exchange.send(body);
    return;
  }
  exchange.send(head + body);
  if (chance > 950) exchange.finish(Ending::close);  // without having said so
}

struct Tally {
  std::atomic<int> whole{0}, refused{0}, cut{0}, wrong{0}, late{0}, unanswered{0};
};

void judge(const Response& response, const std::string& id, Tally& tally) {
  if (response.status == 200) {
    const bool ours = response.header("X-Id") == id;
    const std::string expected = "answer to " + id + " ";
    if (!ours || response.body.compare(0, expected.size(), expected, 0, response.body.size()) != 0)
      ++tally.wrong;
    else
      ++(response.complete ? tally.whole : tally.cut);
  } else if (response.status == 502 || response.status == 503 || response.status == 504) {
    ++tally.refused;
  } else {
    ++tally.wrong;
  }
}

// One client: keep-alive, a new connection when the gateway ended the last.
void load(std::uint16_t port, int client, Tally& tally) {
  std::unique_ptr<HttpConnection> connection;
  for (int i = 0; i < kRequests / kClients; ++i) {
    const std::string id = std::to_string(client) + "-" + std::to_string(i);
    const auto began = Clock::now();
    try {
      if (!connection) connection = std::make_unique<HttpConnection>(port);
      connection->send(
          request_text(i % 5 == 0 ? "POST" : "GET", "/work", {{"X-Id", id}}, i % 5 == 0 ? id : ""));
      const std::optional<Response> response = connection->read_response(false, within(kInTime));
      if (!response) {
        ++tally.unanswered;
        connection.reset();
      } else {
        judge(*response, id, tally);
        if (!response->complete || response->header("Connection") == "close") connection.reset();
      }
    } catch (const std::exception& error) {
      ++tally.wrong;
      ADD_FAILURE() << id << ": " << error.what();
      connection.reset();
    }
    if (Clock::now() - began > kInTime) ++tally.late;
  }
}

TEST(UpstreamFaults, MixUpNoAnswerAndLeaveNobodyWithoutOne) {
  std::array<std::unique_ptr<Origin>, 3> origins;
  std::array<std::uint16_t, 3> ports{};
  const auto start = [&](std::size_t i) {
    origins[i] = std::make_unique<Origin>(ports[i]);
    ports[i] = origins[i]->port();
    origins[i]->on("/work", misbehave);
  };
  std::string servers;
  for (std::size_t i = 0; i < origins.size(); ++i) {
    ports[i] = free_port();
    start(i);
    servers += (i == 0 ? "\"" : ", \"") + origins[i]->url() + "\"";
  }
  GatewayProcess gateway(
      SALLYPORT_BINARY,
      "workers: 2\nlisteners: [{address: \"127.0.0.1:0\"}]\nlog: {access: \"off\", audit: \"off\"}\n"
      "upstreams: {api: {servers: [" +
          servers +
          "], connect_timeout: 500ms, breaker: {back_off: 50ms}}}\n"
          "routes: [{path: /, upstream: api, auth: none, timeout: 1s}]\n");
  Tally tally;
  const auto began = Clock::now();
  std::vector<std::thread> clients;
  for (int i = 0; i < kClients; ++i) clients.emplace_back(load, gateway.port(), i, std::ref(tally));
  // Meanwhile one server after the other is killed with all its connections, and started again.
  std::atomic<bool> over{false};
  std::thread killer([&] {
    Gate pause;
    for (std::size_t i = 0; !over; i = (i + 1) % origins.size()) {
      pause.wait(std::chrono::milliseconds(300));
      origins[i].reset();
      pause.wait(std::chrono::milliseconds(100));
      start(i);
    }
  });
  for (std::thread& client : clients) client.join();
  over = true;
  killer.join();
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - began);

  std::cout << kRequests << " requests in " << took.count() << " ms: " << tally.whole << " whole, "
            << tally.refused << " refused, " << tally.cut << " cut, " << tally.unanswered
            << " closed without an answer\n";
  EXPECT_EQ(tally.wrong, 0);
  EXPECT_EQ(tally.late, 0);
  EXPECT_EQ(tally.unanswered, 0);
  EXPECT_EQ(tally.whole + tally.refused + tally.cut, kRequests);
  EXPECT_GT(tally.whole, kRequests * 8 / 10);
  // And afterwards all is as before.
  int well = 0;
  for (int i = 0; i < 100; ++i) well += HttpClient(gateway.port()).get("/echo").status == 200;
  EXPECT_EQ(well, 100);
  EXPECT_EQ(gateway.stop(), 0);
}

}  // namespace
}  // namespace sallyport::testing
