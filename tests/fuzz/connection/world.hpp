// The connection under test and all around it: its loop and clock, its client, the upstream's connections,
// what was served. Does what a script says, step by step, each until nothing moves any more.
#pragma once

#include <sys/socket.h>
#include <boost/asio/io_context.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/http1/server_connection.hpp"
#include "tests/fuzz/connection/peer.hpp"
#include "tests/fuzz/connection/script.hpp"
#include "tests/fuzz/connection/wire.hpp"

namespace sallyport::fuzz {

using namespace std::chrono_literals;
using gateway::BufferPool;
using gateway::Stream;
using http1::ServerConnection;

constexpr std::size_t kHeadSize = 2048;
constexpr std::size_t kHeadBlock = kHeadSize + 1024;
constexpr std::size_t kBlock = 8 * 1024;
constexpr std::size_t kKeep = 8;          // blocks; more than are ever out at once
constexpr std::size_t kMostRelayed = 64;  // requests; each may take a connection, which stays

// A connection to the upstream, seen from its end.
struct Server {
  Server(int descriptor, bool is_late) : peer(descriptor), late(is_late) {}
  Peer peer;
  bool late;                       // the script was over: it finds the upstream's end
  std::vector<std::size_t> asked;  // the requests that it was lent for
};

// The same from the gateway's.
struct Upstream {
  Upstream(Stream::Socket socket, gateway::Deadlines& deadlines, const http1::HeadLimits& limits, Server& end)
      : stream(std::move(socket), deadlines), reader(limits), server(end) {}
  Stream stream;
  http1::ResponseReader reader;
  Server& server;
};

// What became of a request, as the one who served it saw it.
struct Served {
  std::string method, target, marker, body;
  char plan = 'a';
  bool refused = false;     // its head
  unsigned refusal = 0;     // with which status
  bool to_head = false;     // no answer to it has a body
  bool body_whole = false;  // and read here
  bool tunnel = false;
  bool cut = false;
};

inline SteadyTime now() { return std::chrono::steady_clock::now(); }

// The blocks that a pool lends when it lends all that it keeps: the same ones as before, unless one is still
// out.
inline std::vector<const char*> inventory(BufferPool& pool) {
  std::array<BufferPool::Block, kKeep> blocks;
  std::vector<const char*> found;
  for (BufferPool::Block& block : blocks) {
    block = pool.take();
    found.push_back(block.data());
  }
  std::sort(found.begin(), found.end());
  return found;
}

struct World;
// serve.hpp
inline Task<> serve(World& world, ServerConnection& connection, const http1::Refusal* refusal);

struct World {
  World();

  Stream::Socket open(int& theirs);
  std::unique_ptr<Upstream> lease(std::size_t place);
  void give_back(std::unique_ptr<Upstream> upstream) { kept = std::move(upstream); }
  char plan(std::size_t place) const {
    const char wanted = plans.empty() ? 'a' : plans[std::min(place, plans.size() - 1)];
    return wanted == 'f' && place >= kMostRelayed ? 'a' : wanted;
  }

  void act(const Step& step);
  void send_slowly(char act, std::string_view text);
  void settle();
  bool feed_upstream();
  void check_rest() const;
  void finish();

  const SteadyTime began = now();
  std::chrono::seconds passed{0};
  net::io_context io{1};
  gateway::Deadlines deadlines{began};
  const http1::HeadLimits head_limits{kHeadSize, 20, 4, 512};
  const http1::ConnectionLimits limits{};
  BufferPool small{kHeadBlock, kKeep};
  BufferPool blocks{kBlock, kKeep};
  const std::vector<const char*> small_before = inventory(small), blocks_before = inventory(blocks);
  std::unique_ptr<http1::ScratchPool> scratch = std::make_unique<http1::ScratchPool>(head_limits, small, 2);
  http1::ForwardPolicy policy;
  const std::vector<std::string> upgrades{"chat"};
  bool draining = false, closes_idle = false;

  std::unique_ptr<Peer> client;
  std::unique_ptr<Stream> stream;
  std::unique_ptr<ServerConnection::Host> host;
  std::unique_ptr<ServerConnection> connection;
  std::list<Server> servers;
  std::unique_ptr<Upstream> kept;
  std::deque<Step> upstream_script;  // what no connection has taken yet

  std::string plans;
  std::deque<Served> served;
  unsigned serving = 0;
  bool over = false;  // the script is: whoever comes now finds the upstream's end
  bool aborted = false;
  bool ended = false;  // run() has
};

inline World::World() {
  policy.trailers = {"x-checksum"};
  int theirs = -1;
  stream = std::make_unique<Stream>(open(theirs), deadlines);
  client = std::make_unique<Peer>(theirs);
  host.reset(new ServerConnection::Host{
      deadlines, *scratch, blocks, limits, draining, closes_idle,
      [this](ServerConnection& its, const http1::Refusal* refusal) { return serve(*this, its, refusal); }});
  connection = std::make_unique<ServerConnection>(*stream, *host);
  spawn(io, connection->run(), [this](std::exception_ptr error) {
    require(error == nullptr, "the connection's loop threw");
    ended = true;
  });
}

inline Stream::Socket World::open(int& theirs) {
  std::array<int, 2> ends{};
  require(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0, "no socket pair to be had");
  theirs = ends[1];
  return Stream::Socket(io.get_executor(), ends[0]);
}

// The kept connection if nothing came on it unasked, else a new one.
inline std::unique_ptr<Upstream> World::lease(std::size_t place) {
  std::unique_ptr<Upstream> lent = std::move(kept);
  if (lent == nullptr || lent->stream.peek() != Stream::Idle::quiet) {
    int theirs = -1;
    Stream::Socket socket = open(theirs);
    Server& server = servers.emplace_back(theirs, over);
    lent = std::make_unique<Upstream>(std::move(socket), deadlines, head_limits, server);
  }
  lent->server.asked.push_back(place);
  return lent;
}

// One step of the upstream's, if there is a connection that can take it.
inline bool World::feed_upstream() {
  if (servers.empty()) return false;
  Peer& peer = servers.back().peer;
  if (!peer.idle() || peer.sees_end()) return false;
  if (upstream_script.empty()) {
    if (servers.back().late) peer.end(Peer::End::sending);
    return servers.back().late;
  }
  const Step step = std::move(upstream_script.front());
  upstream_script.pop_front();
  if (step.act == 'e' || step.act == 'r')
    peer.end(step.act == 'e' ? Peer::End::sending : Peer::End::gone);
  else
    peer.send(step.text);
  return true;
}

// Until nothing moves any more.
inline void World::settle() {
  constexpr unsigned kMostTurns = 100'000;
  bool moved = true;
  for (unsigned turn = 0; moved; ++turn) {
    require(turn < kMostTurns, "it never comes to rest");
    io.restart();
    moved = io.poll() > 0;
    moved = client->turn() || moved;
    for (Server& server : servers) moved = server.peer.turn() || moved;
    moved = feed_upstream() || moved;
  }
}

inline void World::send_slowly(char act, std::string_view text) {
  constexpr std::size_t kSlowBytes = 400;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::string piece(text.substr(i, i < kSlowBytes ? 1 : text.npos));
    if (act == ':')
      client->send(piece);
    else
      upstream_script.push_back({'<', 0, piece});
    settle();
    if (i == kSlowBytes) break;
  }
}

inline void World::act(const Step& step) {
  switch (step.act) {
    case 'h':
      plans = step.text;
      break;
    case '>':
    case '*':
      client->send(step.text);
      break;
    case ':':
    case ',':
      send_slowly(step.act, step.text);
      break;
    case 'E':
      client->end(Peer::End::sending);
      break;
    case 'R':
      client->end(Peer::End::gone);
      break;
    case '|':
      client->pause(!client->paused());
      break;
    case '<':
    case '+':
    case 'e':
    case 'r':
      upstream_script.push_back(step);
      break;
    case 't':
      // Half a second more, so that what is due on a full second certainly is.
      passed += std::chrono::seconds(step.number);
      deadlines.tick(began + passed + 500ms);
      break;
    case 'd':
      draining = true;
      break;
    case 'i':
      closes_idle = true;
      break;
    case 'x':
      aborted = true;
      connection->abort();
      break;
    default:
      break;
  }
  settle();
  check_rest();
}

// Where nobody serves and the connection is open, every request that came is answered.
inline void World::check_rest() const {
  if (serving > 0 || ended || aborted || client->gone() || client->paused() || client->sees_end()) return;
  std::size_t heads = 0;
  for (const Message& request : read_requests(client->given()))
    if (request.state != Message::State::cut_head) ++heads;
  require(served.size() >= heads, "a request came and nobody serves it");
}

// Nobody says any more, and time alone must end it.
inline void World::finish() {
  constexpr unsigned kMostWaits = 20;
  over = true;
  upstream_script.clear();
  for (unsigned i = 0; i < kMostWaits && !ended; ++i) act({'t', 100, {}});
  require(ended, "time alone doesn't end the connection");
  client->pause(false);
  settle();
  require(serving == 0, "a request is served behind the end of its connection");
  require(!stream->is_open(), "the connection's socket is still open");
  require(client->gone() || client->sees_end(), "the client doesn't see the end");
  kept.reset();
  settle();
  io.restart();
  io.poll();
  require(io.stopped(), "somebody still waits for something");
  for (const Server& server : servers)
    require(server.peer.gone() || server.peer.sees_end(), "a connection to the upstream is still open");
  scratch.reset();
  require(inventory(small) == small_before, "a block for heads is still out");
  require(inventory(blocks) == blocks_before, "a block for bodies is still out");
}

}  // namespace sallyport::fuzz
