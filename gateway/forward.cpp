#include "gateway/forward.hpp"

#include <array>
#include <bit>
#include <cstring>

#include "gateway/body_pump.hpp"
#include "gateway/http1/tunnel.hpp"
#include "gateway/http1/upgrade.hpp"
#include "gateway/identity_headers.hpp"
#include "gateway/net/loop_clock.hpp"
#include "gateway/refuse.hpp"
#include "gateway/text.hpp"
#include "gateway/upstream/retry.hpp"
#include "gateway/worker.hpp"

namespace sallyport::gateway {
namespace {

constexpr unsigned kMaxInterim = 16;  // 1xx before the response
constexpr std::size_t kMaxPieces = 32;
constexpr std::size_t kFirstRead = 16 * 1024;

using http1::Progress;

// How an attempt at an upstream ended.
enum class Attempt : std::uint8_t {
  done,    // answered, or the client is gone
  failed,  // refuse with `verdict`, or try again where `failure` permits
  again,   // an answer came that is not passed on: try again
};

// Bytes of the response, read into one block; views into it live until the next read.
struct Incoming {
  BufferPool::Block block;  // from the first byte on
  std::size_t filled = 0;   // bytes in the block
  std::size_t taken = 0;    // of them, looked at
  std::string_view rest() const { return {block.data() + taken, filled - taken}; }
};

struct Forwarding {
  Worker& worker;
  Exchange& exchange;
  RequestContext& context;
  upstream::Pool& pool;
  SteadyTime give_up{};                   // for a connection, and for the answer to a second try
  SteadyTime latest = SteadyTime::max();  // for all of it (total_timeout)
  Verdict verdict = Verdict::upstream_unreachable;
  upstream::Failure failure{};
  upstream::Sent sent{};
  http1::Upgrade upgrade{};
  Stream* upstream = nullptr;            // of the attempt under way
  PeerWatches::Watch* client = nullptr;  // null: its connection isn't its own
  bool client_gone() const { return client != nullptr && client->gone(); }
};

// What the balance goes by; 0: nothing to go by.
std::uint64_t balance_key(const Forwarding& f) {
  const config::Balancing& balance = f.pool.config().balance;
  if (balance.how != config::Balance::hash) return 0;
  if (balance.header.empty()) return f.context.claims ? upstream::hash_key(f.context.claims->subject) : 0;
  for (const Field& field : f.exchange.request().fields)
    if (iequals(field.name, balance.header)) return upstream::hash_key(field.value);
  return 0;
}

// Takes from the budget where it says yes.
bool try_again(Forwarding& f) {
  f.sent.attempts = f.context.attempts;
  f.sent.answer_started = f.sent.answer_started || f.exchange.response_started();
  return upstream::may_retry(f.pool.config().retry, f.pool.budget(), f.failure, f.sent);
}

// What the end of an attempt says about its server. A kept connection that was closed says nothing: it may
// have been idle for too long.
upstream::Outcome outcome_of(const Forwarding& f, Attempt result, const ResponseHead* head,
                             const BodyPump& pump) {
  using upstream::Outcome;
  if (head != nullptr) {
    const bool bad = head->status >= 502 && head->status <= 504;
    return bad && f.pool.config().breaker.statuses ? Outcome::failed : Outcome::well;
  }
  const bool ours = pump.end() != BodyPump::End::sent && pump.end() != BodyPump::End::upstream_failed &&
                    pump.end() != BodyPump::End::running;
  if (result == Attempt::done || ours || f.failure.kind == upstream::Failure::Kind::stale ||
      f.worker.draining())
    return Outcome::undecided;
  return Outcome::failed;
}

void write_head(Forwarding& f) {
  const RequestHead& head = f.exchange.request();
  const CompiledRoute& route = *f.context.route;
  std::string& identity = f.context.identity;
  identity.clear();
  if (f.context.claims) {
    const config::Route& wanted = *route.config;
    append_identity_headers(identity, *f.context.claims, wanted.claims_to_headers, wanted.claims_format);
    if (const auto& assertion = f.pool.config().assertion)
      identity += f.worker.assertion(f.context.claims, *assertion);
  }
  http1::ForwardContext how;
  how.path = f.context.path;  // append_request_head() cuts the prefix, once
  how.query = f.context.query ? std::string_view(*f.context.query) : head.query;
  how.has_query = f.context.query ? !f.context.query->empty() : head.has_query;
  how.upgrade = f.upgrade.protocol;
  how.identity = identity;
  how.provenance = f.context.provenance.lines;
  f.context.upstream_head.clear();
  http1::append_request_head(f.context.upstream_head, head, route.forward, how);
}

ResponseRules rules_of(const Forwarding& f) {
  return {&f.context.route->forward, f.context.provenance.request_id, f.worker.date(), f.context.cors,
          f.context.cookies};
}

// The client's view of what went wrong while the request was on its way.
std::optional<Verdict> verdict_of(const BodyPump& pump) {
  switch (pump.end()) {
    case BodyPump::End::too_large:
      return Verdict::body_too_large;
    case BodyPump::End::refused:
      return verdict_for_status(pump.refusal().status);
    default:
      return std::nullopt;
  }
}

// Reads until the head of the final response is there; 1xx on the way go to the client.
Task<Attempt> read_response_head(Forwarding& f, upstream::Connection& up, BodyPump& pump, Incoming& in) {
  const bool to_head = f.exchange.request().method == "HEAD";
  up.reader.reset(to_head);
  for (unsigned interim = 0;;) {
    if (in.filled > in.taken) {
      const http1::HeadStep step = up.reader.read_head(in.rest());
      if (step.progress == Progress::refused) {
        f.verdict = Verdict::upstream_invalid;
        f.context.reason = step.refusal.code;
        co_return Attempt::failed;
      }
      if (step.progress == Progress::complete) {
        const ResponseHead& head = up.reader.head();
        const bool switches = !f.upgrade.protocol.empty() && http1::switches_to(head, f.upgrade.protocol);
        if (head.status >= 200 || switches) {
          in.taken += step.consumed;
          co_return Attempt::done;
        }
        if (head.status == 101 || ++interim > kMaxInterim) {  // to something that nobody asked for
          f.verdict = Verdict::upstream_invalid;
          f.context.reason = "unexpected_interim_response";
          co_return Attempt::failed;
        }
        // 100 answers our own sending; the client got its own when we began to read (or will).
        if (head.status != 100) {
          const ResponseRules rules = rules_of(f);
          f.sent.answer_started = true;
          const error_code ec = co_await f.exchange.write_interim(head, rules);
          if (ec) {
            f.context.reason = "client_gone";
            f.exchange.cut();
            in.filled = in.taken = 0;  // there is no response to pass on
            co_return Attempt::done;
          }
        }
        in.taken += step.consumed;
        std::memmove(in.block.data(), in.block.data() + in.taken, in.filled - in.taken);
        in.filled -= in.taken;
        in.taken = 0;
        up.reader.reset(to_head);
        continue;
      }
    }
    // Only a byte takes a block: who waits for an answer holds none.
    if (in.filled == 0) in.block.release();
    IoResult got{0, net::error::would_block};
    for (bool waits = up.stream.known_quiet(); got.would_block(); waits = true) {
      error_code ec;
      if (f.client_gone())
        ec = net::error::operation_aborted;
      else if (waits)
        ec = co_await up.stream.wait_readable();
      if (ec) {
        got.ec = ec;
        break;
      }
      if (!in.block) in.block = f.worker.blocks().take();
      const std::size_t room = std::min(in.block.size() - in.filled, kFirstRead);
      got = up.stream.try_read({in.block.data() + in.filled, room});
      if (got.would_block() && in.filled == 0) in.block.release();
    }
    if (got.ec) {
      if (const auto verdict = verdict_of(pump)) {
        f.verdict = *verdict;
        f.context.reason = pump.end() == BodyPump::End::refused ? pump.refusal().reason : "max_body";
        co_return Attempt::failed;
      }
      if (pump.end() == BodyPump::End::client_gone || f.client_gone()) {
        f.context.reason = "client_gone";
        f.exchange.cut();
        in.filled = in.taken = 0;  // there is no response to pass on
        co_return Attempt::done;
      }
      const bool nothing_came = in.filled == 0 && interim == 0;
      if (nothing_came && got.ec != net::error::timed_out)
        f.failure.kind = up.reused ? upstream::Failure::Kind::stale : upstream::Failure::Kind::reset;
      f.verdict = got.ec == net::error::timed_out ? Verdict::upstream_timeout : Verdict::upstream_invalid;
      f.context.reason =
          got.ec == net::error::timed_out ? "no response in time" : "closed without a response";
      co_return Attempt::failed;
    }
    in.filled += got.bytes;
  }
}

bool is_event_stream(const ResponseHead& head) {
  const Field* type = head.find(FieldId::content_type);
  return type != nullptr && iequals(trim(type->value.substr(0, type->value.find(';'))), "text/event-stream");
}

// Enters a stream of somebody known into the worker's register; `told` hears when it must end, at once where
// it was revoked since the request was judged.
void enter_stream(Forwarding& f, std::optional<OpenStreams::Entry>& entry,
                  std::function<void(StreamEnd)> told) {
  if (!f.context.claims) return;
  const config::Refresh& refresh = f.context.runtime().config.tokens.refresh;
  std::optional<std::chrono::seconds> longest;
  if (refresh.absolute_ttl.count() > 0) longest = refresh.absolute_ttl;
  const jose::Claims& claims = *f.context.claims;
  const UnixSeconds expired = f.worker.authenticator().end_of(claims);
  entry.emplace(f.worker.streams(), f.context.claims,
                stream_limit(claims, f.context.route->config->stream_ends, expired, longest),
                std::move(told));
  entry->recheck(f.worker.authenticator().index(), f.worker.unix_now());
}

// An event stream ends with its token, as if the upstream had ended it: the client asks again, with a new
// one.
[[gnu::cold]] Task<> end_event_stream(Forwarding& f, StreamEnd why, bool framed_by_length) {
  f.context.reason = to_string(why);
  error_code ec = net::error::message_size;  // bytes that were promised don't come
  if (!framed_by_length) ec = co_await f.exchange.write_body({}, true);
  if (ec) f.exchange.cut();
}

// The upstream has switched: from here on bytes go both ways until the tunnel ends.
[[gnu::cold]] Task<> relay_tunnel(Forwarding& f, upstream::Connection& up, Incoming& in) {
  const auto& limits = f.context.runtime().config.limits;
  f.context.status = 101;
  const ResponseRules rules = rules_of(f);
  std::string_view early;
  const error_code ec =
      co_await f.exchange.switch_protocols(up.reader.head(), rules, f.upgrade.protocol, early);
  if (ec) {
    f.context.reason = "client_gone";
    f.exchange.cut();
    co_return;
  }
  const http1::Tunnel::Limits tunnel_limits{f.pool.config().stream_idle.value_or(limits.stream_idle),
                                            limits.write_stall};
  http1::Tunnel tunnel(*f.exchange.carrier(), up.stream, f.worker.deadlines(), f.worker.blocks(),
                       tunnel_limits, f.worker.executor());
  if (f.upgrade.websocket) {
    const auto chance = f.worker.chance();
    tunnel.speaks_websocket({chance[0], chance[1], chance[2], chance[3]});
  }
  co_await tunnel.begin(early, in.rest());
  in.block.release();
  std::optional<OpenStreams::Entry> entry;
  enter_stream(f, entry, [&tunnel](StreamEnd why) { tunnel.end(to_string(why)); });
  co_await tunnel.run();
  f.exchange.tunnelled(tunnel.bytes_from_client(), tunnel.bytes_from_upstream());
  f.context.reason = tunnel.cause();
}

// Passes the response on, each read at once. true: it is whole and the upstream connection is clean.
Task<bool> relay_response(Forwarding& f, upstream::Connection& up, Incoming& in) {
  const ResponseHead& head = up.reader.head();
  f.context.status = head.status;
  f.exchange.start_response(head, rules_of(f));
  const auto patience = f.pool.config().stream_idle.value_or(f.context.runtime().config.limits.stream_idle);
  // A response without a body is complete with its head (HEAD, 204, 304, Content-Length: 0).
  bool complete =
      head.framing == Framing::none || (head.framing == Framing::length && head.content_length == 0);
  std::string_view cut;
  std::optional<OpenStreams::Entry> entry;
  if (!complete && is_event_stream(head)) {
    if (f.client != nullptr) f.client->wants(Patience::event_stream);
    enter_stream(f, entry, [&up](StreamEnd) { up.stream.cancel(); });
  }
  const bool by_length = head.framing == Framing::length;
  for (;;) {
    std::array<std::string_view, kMaxPieces> pieces;
    std::size_t count = 0;
    while (!complete && count < kMaxPieces) {
      const http1::BodyStep step = up.reader.read_body(in.rest());
      in.taken += step.consumed;
      if (!step.piece.empty()) pieces[count++] = step.piece;
      complete = step.progress == Progress::complete;
      if (step.progress == Progress::refused) cut = step.refusal.code;
      if (!cut.empty() || (step.progress == Progress::need_more && step.consumed == 0)) break;
    }
    if (count > 0 || complete || !f.exchange.response_started()) {
      const std::span<const std::string_view> filled(pieces.data(), count);
      const http1::ForwardPolicy& policy = f.context.route->forward;
      if (complete && !policy.trailers.empty()) f.exchange.end_with(up.reader.trailers(), policy);
      const error_code ec = co_await f.exchange.write_body(filled, complete);
      if (ec) {
        f.context.reason = "client_gone";
        f.exchange.cut();
        co_return false;
      }
    }
    if (complete) co_return in.taken == in.filled&& head.keep_alive;
    if (!cut.empty()) break;
    if (count == kMaxPieces) continue;
    // What is left is at most an unfinished chunk head: to the front with it, the rest of the block is for
    // the next read.
    std::memmove(in.block.data(), in.block.data() + in.taken, in.filled - in.taken);
    in.filled -= in.taken;
    in.taken = 0;
    up.stream.read_until(loop_now() + patience);
    const std::span<char> room(in.block.data() + in.filled, in.block.size() - in.filled);
    IoResult got{0, net::error::operation_aborted};
    if (!f.client_gone() && !(entry && entry->ended() != StreamEnd::none))
      got = co_await up.stream.read_some(room);
    if (entry && entry->ended() != StreamEnd::none) {
      co_await end_event_stream(f, entry->ended(), by_length);
      co_return false;
    }
    if (got.ec && f.client_gone()) {
      cut = "client_gone";
      break;
    }
    if (got.ec == net::error::eof && up.reader.end_of_stream().progress == Progress::complete) {
      complete = true;
    } else if (got.ec) {
      cut = got.ec != net::error::timed_out ? "upstream_cut"
            : loop_now() >= f.latest        ? "total_timeout"
                                            : "stream_idle";
      break;
    }
    in.filled += got.bytes;
  }
  f.context.reason = cut;
  f.exchange.cut();
  co_return false;
}

Task<Attempt> attempt(Forwarding& f, upstream::Lease lease) {
  const auto& limits = f.context.runtime().config.limits;
  auto patience = f.context.route->timeout;
  // A second try has what the first one left: together they answer in time.
  if (f.context.attempts > 1) patience = std::chrono::ceil<std::chrono::milliseconds>(f.give_up - loop_now());
  BodyPump::Limits pump_limits{f.context.route->max_body, limits.write_stall, patience,
                               &f.context.route->forward};
  BodyPump pump(f.exchange, lease->stream, pump_limits, f.worker.executor());
  lease->stream.never_after(f.latest);
  lease->stream.read_until(SteadyTime::max());  // the pump starts the clock when the request is out
  f.exchange.depends_on(&lease->stream);
  f.upstream = &lease->stream;
  const bool sent = co_await pump.begin(f.context.upstream_head);
  if (!sent) pump.start();
  if (pump.end() == BodyPump::End::upstream_failed) lease->stream.read_until(loop_now() + patience);

  Incoming in;
  Attempt result = Attempt::failed;
  if (const auto verdict = verdict_of(pump)) {
    f.verdict = *verdict;
    f.context.reason = pump.end() == BodyPump::End::refused ? pump.refusal().reason : "max_body";
  } else if (pump.end() == BodyPump::End::client_gone) {
    f.context.reason = "client_gone";
    f.exchange.cut();
    result = Attempt::done;
  } else {
    result = co_await read_response_head(f, *lease.operator->(), pump, in);
  }
  bool clean = false;
  const ResponseHead* head = result == Attempt::done && in.filled > 0 ? &lease->reader.head() : nullptr;
  lease.judge(outcome_of(f, result, head, pump));
  f.sent.body_taken = f.sent.body_taken || pump.touched_body();
  if (head != nullptr && head->status >= 502 && head->status <= 504) {
    f.failure = {upstream::Failure::Kind::status, head->status};
    if (pump.end() == BodyPump::End::sent && try_again(f)) {
      result = Attempt::again;
      head = nullptr;
    }
  }
  if (head != nullptr) {
    f.context.upstream_answered = loop_now();
    // An answer before the whole request: what the client still sends is for nobody (RFC 9112 9.6).
    if (pump.end() != BodyPump::End::sent) f.exchange.close_after();
    if (head->status == 101)
      co_await relay_tunnel(f, *lease.operator->(), in);
    else
      clean = co_await relay_response(f, *lease.operator->(), in);
  }
  clean = clean && pump.end() == BodyPump::End::sent;
  co_await pump.finish();
  f.exchange.depends_on(nullptr);
  f.upstream = nullptr;
  if (clean) lease.give_back();
  co_return result;
}

// RFC 6455 4.4: the version that would do; RFC 9110 15.5.22: the protocol.
[[gnu::cold]] Task<> refuse_upgrade(Worker& worker, Exchange& exchange, RequestContext& context,
                                    unsigned status) {
  if (status != 426) {
    co_await refuse(worker, exchange, context, Verdict::upgrade_refused);
    co_return;
  }
  constexpr Reply kReply{426, "upgrade_required", "WebSocket is spoken here in version 13", {}, false, false};
  context.status = kReply.status;
  context.refusal = kReply.error;
  ReplyContext how = reply_context(worker, context);
  how.extra = "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n";
  const OwnAnswer answer{kReply.status, &kReply, {}, {}};
  if (const error_code ec = co_await exchange.answer(answer, how)) exchange.cut();
}

Verdict verdict_of(upstream::AcquireError error) {
  switch (error) {
    case upstream::AcquireError::timeout:
      return Verdict::upstream_timeout;
    case upstream::AcquireError::overloaded:
      return Verdict::overloaded;
    case upstream::AcquireError::unavailable:
      return Verdict::upstream_unavailable;
    case upstream::AcquireError::unreachable:
      break;
  }
  return Verdict::upstream_unreachable;
}

}  // namespace

Task<> forward(Worker& worker, Exchange& exchange, RequestContext& context) {
  const RequestHead& head = exchange.request();
  const CompiledRoute& route = *context.route;
  Forwarding f{worker, exchange, context, *context.serving->pools[route.upstream]};
  if (head.framing == Framing::length && route.max_body > 0 && head.content_length > route.max_body) {
    context.reason = "max_body";
    co_return co_await refuse(worker, exchange, context, Verdict::body_too_large);
  }
  f.upgrade = http1::wanted_upgrade(head, route.config->upgrades);
  if (f.upgrade.refusal != 0) {
    context.reason = f.upgrade.reason;
    co_return co_await refuse_upgrade(worker, exchange, context, f.upgrade.refusal);
  }
  std::optional<PeerWatches::Watch> watch;
  if (Stream* carrier = exchange.carrier()) {
    watch.emplace(worker.waiting_clients(), carrier->native_handle(), [&f] {
      if (f.upstream != nullptr) f.upstream->cancel();
    });
    f.client = &*watch;
  }
  write_head(f);
  context.upstream_asked = loop_now();
  const config::Upstream& rules = f.pool.config();
  if (rules.total_timeout.count() > 0) f.latest = context.upstream_asked + rules.total_timeout;
  f.give_up = std::min(context.upstream_asked + route.timeout, f.latest);
  f.sent.idempotent = upstream::idempotent(head.method);
  f.pool.budget().request();
  upstream::Pool::Wish wish{false, f.give_up, balance_key(f)};
  wish.repeatable = f.sent.idempotent && exchange.body_complete();
  for (;;) {
    ++context.attempts;
    auto lease = co_await f.pool.acquire(wish, context.reason);
    if (!lease) {
      f.verdict = verdict_of(lease.error());
      break;
    }
    context.reason.clear();
    if (f.client_gone()) {  // while it waited for a place
      context.reason = "client_gone";
      (*lease).give_back();
      exchange.cut();
      co_return;
    }
    const std::size_t server = (*lease)->server;
    context.server = rules.servers[server].url;
    f.failure = {};
    upstream::Lease owned = std::move(*lease);
    const Attempt result = co_await attempt(f, std::move(owned));
    if (result == Attempt::done) co_return;
    if (result == Attempt::failed && !try_again(f)) break;
    // After a kept connection that was closed just as we reused it, one that is certainly fresh; after
    // anything else another server, if there is one that this request hasn't seen.
    wish.fresh_only = true;
    if (f.failure.kind != upstream::Failure::Kind::stale) wish.tried |= std::uint64_t{1} << (server & 63);
    if (static_cast<std::size_t>(std::popcount(wish.tried)) >= rules.servers.size()) wish.tried = 0;
  }
  if (exchange.response_started()) {
    exchange.cut();
    co_return;
  }
  co_await refuse(worker, exchange, context, f.verdict);
}

}  // namespace sallyport::gateway
