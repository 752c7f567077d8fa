// Serves a request as the script wishes. The relay is that of forward.cpp without retries, pools and tokens,
// over the same readers and writers.
#pragma once

#include <array>
#include <cstdio>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "gateway/body_pump.hpp"
#include "gateway/http1/tunnel.hpp"
#include "gateway/http1/upgrade.hpp"
#include "tests/fuzz/connection/world.hpp"

namespace sallyport::fuzz {

using gateway::BodyPiece;
using gateway::BodyPump;
using gateway::error_code;
using gateway::IoResult;
using gateway::Verdict;
using http1::Progress;

constexpr std::size_t kMaxPieces = 4;
constexpr unsigned kMaxInterim = 4;
constexpr std::uint64_t kMaxBody = 100'000;
constexpr std::chrono::seconds kPatience{30};

// Says which request an answer is for: its place, and what was asked.
inline std::string marker_of(std::size_t place, std::string_view method, std::string_view target) {
  std::uint64_t hash = 0xcbf29ce484222325;  // FNV-1a
  for (const std::string_view text : {method, std::string_view(" "), target})
    for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  std::array<char, 48> out;
  const int size =
      std::snprintf(out.data(), out.size(), "%zu-%016llx", place, static_cast<unsigned long long>(hash));
  return {out.data(), static_cast<std::size_t>(size)};
}

inline void cut(ServerConnection& connection, Served& served) {
  served.cut = true;
  connection.cut();
}

inline Task<> answer(ServerConnection& connection, Served& served, const gateway::Reply* refusal,
                     std::string body) {
  gateway::ReplyContext how;
  how.request_id = served.marker;
  const gateway::OwnAnswer own{refusal != nullptr ? refusal->status : 200, refusal, "text/plain", body};
  const error_code ec = co_await connection.answer(own, how);
  if (ec) cut(connection, served);
}

inline Task<> refuse(ServerConnection& connection, Served& served, Verdict verdict) {
  co_await answer(connection, served, &gateway::reply_for(verdict), {});
}

inline Task<> read_then_answer(ServerConnection& connection, Served& served) {
  const error_code failed = co_await connection.send_continue();
  if (failed) co_return cut(connection, served);
  while (!connection.body_complete()) {
    const BodyPiece piece = co_await connection.read_body();
    served.body += piece.bytes;
    if (piece.state == BodyPiece::State::gone) co_return cut(connection, served);
    if (piece.state == BodyPiece::State::refused)
      co_return co_await refuse(connection, served, gateway::verdict_for_status(piece.status));
  }
  served.body_whole = true;
  co_await answer(connection, served, nullptr, std::to_string(served.body.size()));
}

struct Relay {
  World& world;
  ServerConnection& connection;
  Served& served;
  Upstream& up;
  http1::Upgrade upgrade;
  gateway::ResponseRules rules;
  Verdict verdict = Verdict::upstream_invalid;
  BufferPool::Block block{};
  std::size_t filled = 0, taken = 0;  // bytes of the response in it; looked at

  std::string_view rest() const { return {block.data() + taken, filled - taken}; }
  void to_front() {
    std::memmove(block.data(), block.data() + taken, filled - taken);
    filled -= std::exchange(taken, 0);
  }
};

enum class Got { head, failed, client_gone };

inline Task<Got> read_response_head(Relay& r, BodyPump& pump) {
  r.up.reader.reset(r.served.to_head);
  for (unsigned interim = 0;;) {
    const http1::HeadStep step = r.filled > 0 ? r.up.reader.read_head(r.rest()) : http1::HeadStep{};
    if (step.progress == Progress::refused) co_return Got::failed;
    if (step.progress == Progress::complete) {
      const gateway::ResponseHead& head = r.up.reader.head();
      const bool switches = !r.upgrade.protocol.empty() && http1::switches_to(head, r.upgrade.protocol);
      if (head.status >= 200 || switches) {
        r.taken += step.consumed;
        co_return Got::head;
      }
      if (head.status == 101 || ++interim > kMaxInterim) co_return Got::failed;
      if (head.status != 100) {
        const error_code ec = co_await r.connection.write_interim(head, r.rules);
        if (ec) co_return Got::client_gone;
      }
      r.taken += step.consumed;
      r.to_front();
      r.up.reader.reset(r.served.to_head);
      continue;
    }
    const std::span<char> room(r.block.data() + r.filled, r.block.size() - r.filled);
    const IoResult got = co_await r.up.stream.read_some(room);
    if (got.ec && pump.end() == BodyPump::End::client_gone) co_return Got::client_gone;
    if (got.ec) {
      if (got.ec == net::error::timed_out) r.verdict = Verdict::upstream_timeout;
      co_return Got::failed;
    }
    r.filled += got.bytes;
  }
}

// true: it is whole, and the connection to the upstream is clean.
inline Task<bool> relay_response(Relay& r) {
  using gateway::Framing;
  const gateway::ResponseHead& head = r.up.reader.head();
  r.connection.start_response(head, r.rules);
  bool complete =
      head.framing == Framing::none || (head.framing == Framing::length && head.content_length == 0);
  for (bool broken = false; !broken;) {
    std::array<std::string_view, kMaxPieces> pieces;
    std::size_t count = 0;
    bool hungry = false;
    while (!complete && !broken && !hungry && count < pieces.size()) {
      const http1::BodyStep step = r.up.reader.read_body(r.rest());
      r.taken += step.consumed;
      if (!step.piece.empty()) pieces[count++] = step.piece;
      complete = step.progress == Progress::complete;
      broken = step.progress == Progress::refused;
      hungry = step.progress == Progress::need_more && step.consumed == 0;
    }
    if (count > 0 || complete || !r.connection.response_started()) {
      if (complete) r.connection.end_with(r.up.reader.trailers(), r.world.policy);
      const std::span<const std::string_view> filled(pieces.data(), count);
      const error_code ec = co_await r.connection.write_body(filled, complete);
      if (ec) break;
    }
    if (complete) co_return (r.taken == r.filled && head.keep_alive);
    if (broken || !hungry) continue;
    r.to_front();
    r.up.stream.read_until(now() + kPatience);
    const std::span<char> room(r.block.data() + r.filled, r.block.size() - r.filled);
    const IoResult got = co_await r.up.stream.read_some(room);
    if (got.ec == net::error::eof && r.up.reader.end_of_stream().progress == Progress::complete)
      complete = true;
    else if (got.ec)
      broken = true;
    r.filled += got.bytes;
  }
  cut(r.connection, r.served);
  co_return false;
}

inline Task<> relay_tunnel(Relay& r) {
  std::string_view early;
  r.served.tunnel = true;
  const error_code ec =
      co_await r.connection.switch_protocols(r.up.reader.head(), r.rules, r.upgrade.protocol, early);
  if (ec) co_return cut(r.connection, r.served);
  const http1::Tunnel::Limits tunnel_limits{kPatience, r.world.limits.write_stall};
  http1::Tunnel tunnel(*r.connection.carrier(), r.up.stream, r.world.deadlines, r.world.blocks, tunnel_limits,
                       r.world.io.get_executor());
  if (r.upgrade.websocket) tunnel.speaks_websocket({1, 2, 3, 4});
  co_await tunnel.begin(early, r.rest());
  r.block.release();
  co_await tunnel.run();
  r.connection.tunnelled(tunnel.bytes_from_client(), tunnel.bytes_from_upstream());
}

inline Verdict verdict_of(const BodyPump& pump, Verdict otherwise) {
  if (pump.end() == BodyPump::End::too_large) return Verdict::body_too_large;
  if (pump.end() == BodyPump::End::refused) return gateway::verdict_for_status(pump.refusal().status);
  return otherwise;
}

// With the upstream under way: from the request's first byte to the end of its pump. true: the connection is
// clean.
inline Task<bool> ask_upstream(Relay& r, std::string head) {
  const BodyPump::Limits pump_limits{kMaxBody, r.world.limits.write_stall, kPatience, &r.world.policy};
  BodyPump pump(r.connection, r.up.stream, pump_limits, r.world.io.get_executor());
  r.up.stream.read_until(SteadyTime::max());
  r.connection.depends_on(&r.up.stream);
  const bool sent = co_await pump.begin(head);
  if (!sent) pump.start();
  if (pump.end() == BodyPump::End::upstream_failed) r.up.stream.read_until(now() + kPatience);

  Got got = Got::failed;
  if (pump.end() == BodyPump::End::client_gone) got = Got::client_gone;
  if (pump.end() == BodyPump::End::running || pump.end() == BodyPump::End::sent ||
      pump.end() == BodyPump::End::upstream_failed)
    got = co_await read_response_head(r, pump);
  bool clean = false;
  if (got == Got::head) {
    // An answer before the whole request: what the client still sends is for nobody.
    if (pump.end() != BodyPump::End::sent) r.connection.close_after();
    if (r.up.reader.head().status == 101)
      co_await relay_tunnel(r);
    else
      clean = co_await relay_response(r);
  }
  clean = clean && pump.end() == BodyPump::End::sent;
  r.verdict = verdict_of(pump, r.verdict);
  if (got == Got::client_gone) cut(r.connection, r.served);
  co_await pump.finish();
  r.connection.depends_on(nullptr);
  if (got == Got::failed) co_await refuse(r.connection, r.served, r.verdict);
  co_return clean;
}

inline Task<> relay(World& world, ServerConnection& connection, Served& served, std::size_t place) {
  const gateway::RequestHead& request = connection.request();
  const http1::Upgrade upgrade = http1::wanted_upgrade(request, world.upgrades);
  if (upgrade.refusal != 0) co_return co_await refuse(connection, served, Verdict::upgrade_refused);
  const std::string provenance = "X-Request-Id: " + served.marker + "\r\n";
  http1::ForwardContext how;
  how.path = request.raw_path;
  how.query = request.query;
  how.has_query = request.has_query;
  how.host = "upstream";
  how.provenance = provenance;
  how.upgrade = upgrade.protocol;
  std::string head;
  http1::append_request_head(head, request, world.policy, how);

  std::unique_ptr<Upstream> up = world.lease(place);
  const gateway::ResponseRules rules{&world.policy, served.marker, "Sun, 06 Nov 1994 08:49:37 GMT", {}, {}};
  Relay r{world, connection, served, *up, upgrade, rules};
  r.block = world.blocks.take();
  const bool clean = co_await ask_upstream(r, std::move(head));
  if (clean) world.give_back(std::move(up));
}

inline Task<> serve(World& world, ServerConnection& connection, const http1::Refusal* refusal) {
  const std::size_t place = world.served.size();
  require(place == 0 || !world.served.back().refused, "a request is served behind a refused one");
  require(place <= world.client->given().size() / 16, "more requests are served than there can be");
  Served& served = world.served.emplace_back();
  const gateway::RequestHead& head = connection.request();
  served.method = head.method;
  served.target = head.target;
  served.to_head = head.method == "HEAD";
  served.refused = refusal != nullptr;
  served.refusal = refusal != nullptr ? refusal->status : 0;
  served.marker = marker_of(place, head.method, head.target);
  served.plan = served.refused ? 'a' : world.plan(place);
  ++world.serving;
  if (refusal != nullptr)
    co_await refuse(connection, served, gateway::verdict_for_status(refusal->status));
  else if (served.plan == 'b')
    co_await read_then_answer(connection, served);
  else if (served.plan == 'f')
    co_await relay(world, connection, served, place);
  else if (served.plan == 'c')
    cut(connection, served);
  else
    co_await answer(connection, served, nullptr, served.marker);
  --world.serving;
}

}  // namespace sallyport::fuzz
