#include "gateway/forward.hpp"

#include <array>
#include <bit>
#include <cstring>

#include "gateway/body_pump.hpp"
#include "gateway/identity_headers.hpp"
#include "gateway/path.hpp"
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
  BufferPool::Block block;
  std::size_t filled = 0;  // bytes in the block
  std::size_t taken = 0;   // of them, looked at
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
  std::string identity;
  if (f.context.claims) identity = identity_headers(*f.context.claims, route.config->claims_to_headers);
  http1::ForwardContext how;
  how.path = route.forward.strip_prefix.empty() ? f.context.path
                                                : without_prefix(f.context.path, route.forward.strip_prefix);
  how.query = head.query;
  how.has_query = head.has_query;
  how.identity = identity;
  how.provenance = f.context.provenance.lines;
  f.context.upstream_head.clear();
  http1::append_request_head(f.context.upstream_head, head, route.forward, how);
}

ResponseRules rules_of(const Forwarding& f) {
  return {&f.context.route->forward, f.context.provenance.request_id, f.worker.date(), f.context.cors, {}};
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
        if (head.status >= 200) {
          in.taken += step.consumed;
          co_return Attempt::done;
        }
        if (head.status == 101 || ++interim > kMaxInterim) {  // nobody asked to switch
          f.verdict = Verdict::upstream_invalid;
          f.context.reason = "unexpected_interim_response";
          co_return Attempt::failed;
        }
        // 100 answers our own sending; the client got its own when we began to read (or will).
        if (head.status != 100) {
          const ResponseRules rules = rules_of(f);
          f.sent.answer_started = true;
          if (co_await f.exchange.write_interim(head, rules)) co_return Attempt::done;
        }
        in.taken += step.consumed;
        std::memmove(in.block.data(), in.block.data() + in.taken, in.filled - in.taken);
        in.filled -= in.taken;
        in.taken = 0;
        up.reader.reset(to_head);
        continue;
      }
    }
    const std::span<char> room(in.block.data() + in.filled,
                               std::min(in.block.size() - in.filled, kFirstRead));
    const IoResult got = co_await up.stream.read_some(room);
    if (got.ec) {
      if (const auto verdict = verdict_of(pump)) {
        f.verdict = *verdict;
        f.context.reason = pump.end() == BodyPump::End::refused ? pump.refusal().reason : "max_body";
        co_return Attempt::failed;
      }
      if (pump.end() == BodyPump::End::client_gone) {
        f.context.reason = "client_gone";
        f.exchange.cut();
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

// Passes the response on, each read at once. true: it is whole and the upstream connection is clean.
Task<bool> relay_response(Forwarding& f, upstream::Connection& up, Incoming& in) {
  const ResponseHead& head = up.reader.head();
  f.context.status = head.status;
  f.exchange.start_response(head, rules_of(f));
  const auto patience = f.pool.config().stream_idle.value_or(f.worker.runtime().config.limits.stream_idle);
  // A response without a body is complete with its head (HEAD, 204, 304, Content-Length: 0).
  bool complete =
      head.framing == Framing::none || (head.framing == Framing::length && head.content_length == 0);
  std::string_view cut;
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
      if (co_await f.exchange.write_body(filled, complete)) {
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
    up.stream.read_until(std::chrono::steady_clock::now() + patience);
    const std::span<char> room(in.block.data() + in.filled, in.block.size() - in.filled);
    const IoResult got = co_await up.stream.read_some(room);
    if (got.ec == net::error::eof && up.reader.end_of_stream().progress == Progress::complete) {
      complete = true;
    } else if (got.ec) {
      cut = got.ec != net::error::timed_out                ? "upstream_cut"
            : std::chrono::steady_clock::now() >= f.latest ? "total_timeout"
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
  const auto& limits = f.worker.runtime().config.limits;
  // A second try has what the first one left: together they answer in time.
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(f.give_up - std::chrono::steady_clock::now());
  const auto patience = f.context.attempts == 1 ? f.context.route->timeout : left;
  BodyPump::Limits pump_limits{f.context.route->max_body, limits.write_stall, patience};
  BodyPump pump(f.exchange, lease->stream, pump_limits, f.worker.executor());
  lease->stream.never_after(f.latest);
  lease->stream.read_until(SteadyTime::max());  // the pump starts the clock when the request is out
  f.exchange.depends_on(&lease->stream);
  const bool sent = co_await pump.begin(f.context.upstream_head);
  if (!sent) pump.start();
  if (pump.end() == BodyPump::End::upstream_failed)
    lease->stream.read_until(std::chrono::steady_clock::now() + patience);

  Incoming in{f.worker.blocks().take()};
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
    f.context.upstream_answered = std::chrono::steady_clock::now();
    // An answer before the whole request: what the client still sends is for nobody (RFC 9112 9.6).
    if (pump.end() != BodyPump::End::sent) f.exchange.close_after();
    clean = co_await relay_response(f, *lease.operator->(), in);
  }
  clean = clean && pump.end() == BodyPump::End::sent;
  co_await pump.finish();
  f.exchange.depends_on(nullptr);
  if (clean) lease.give_back();
  co_return result;
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
  Forwarding f{worker, exchange, context, worker.pool(route.upstream)};
  if (head.framing == Framing::length && route.max_body > 0 && head.content_length > route.max_body) {
    context.reason = "max_body";
    co_return co_await refuse(worker, exchange, context, Verdict::body_too_large);
  }
  write_head(f);
  context.upstream_asked = std::chrono::steady_clock::now();
  const config::Upstream& rules = f.pool.config();
  if (rules.total_timeout.count() > 0) f.latest = context.upstream_asked + rules.total_timeout;
  f.give_up = std::min(context.upstream_asked + route.timeout, f.latest);
  f.sent.idempotent = upstream::idempotent(head.method);
  f.pool.budget().request();
  upstream::Pool::Wish wish{false, f.give_up, balance_key(f)};
  for (;;) {
    ++context.attempts;
    auto lease = co_await f.pool.acquire(wish, context.reason);
    if (!lease) {
      f.verdict = verdict_of(lease.error());
      break;
    }
    context.reason.clear();
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
