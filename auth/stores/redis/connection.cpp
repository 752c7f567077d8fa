#include "auth/stores/redis/connection.hpp"

#include <spdlog/spdlog.h>
#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/steady_timer.hpp>

#include <openssl/crypto.h>

#include <array>
#include <random>

#include "auth/stores/redis/backoff.hpp"
#include "auth/stores/redis/errors.hpp"
#include "auth/stores/redis/link.hpp"
#include "auth/stores/redis/pipeline.hpp"

namespace sallyport::stores::redis {
namespace {

using Clock = std::chrono::steady_clock;
using error_code = boost::system::error_code;
using Kind = StoreError::Kind;

// Somebody who asks during a back-off has it cut to this, so a Redis that is back is found within a quarter
// of a second.
constexpr std::chrono::milliseconds kPauseUnderDemand{250};

// TLS peers that just close are cut short in the eyes of OpenSSL.
std::string why_read_failed(const error_code& ec) {
  const bool closed = ec == net::error::eof || ec == net::ssl::error::stream_truncated;
  return closed ? "it closed the connection" : ec.message();
}

}  // namespace

// Lives as long as the connection or as one of its operations in flight; stop() makes the latter end soon.
struct Connection::State : std::enable_shared_from_this<State> {
  using Waiter = net::any_completion_handler<void(StoreResult<Reply>)>;
  enum class Phase { fresh, opening, ready, pausing };

  State(net::any_io_executor ex, std::shared_ptr<Topology> where, Settings s)
      : executor(std::move(ex)),
        topology(std::move(where)),
        settings(std::move(s)),
        attempt_timer(executor),
        pause_timer(executor),
        expiry_timer(executor),
        pipeline({settings.wait_replicas, settings.wait_timeout}, settings.login.store) {}

  void submit(Waiter waiter, std::string commands, std::size_t replies, std::chrono::milliseconds patience,
              bool durable);
  void stop();

  // Driver: one coroutine for the life of the connection.
  static Task<> run(std::shared_ptr<State> self);
  Task<std::optional<StoreError>> open();
  Task<std::optional<StoreError>> shake_hands();
  Task<StoreError> read_until_lost();
  Task<> pause();

  void flush();
  void flush_soon();
  void watch_deadlines();
  void deliver(Pipeline<Waiter>::Answers answers);
  void drop(StoreError why);

  StoreError error(Kind kind, std::string_view what) const {
    return make_error(kind, settings.login.store, what);
  }

  net::any_io_executor executor;
  std::shared_ptr<Topology> topology;
  Settings settings;

  Phase phase = Phase::fresh;
  bool stopped = false;
  bool writing = false;
  bool flush_posted = false;
  bool proven =
      false;  // this connection has carried a reply that was no error: the next failure starts a new back-off
  std::uint64_t incarnation = 0;  // a write that ends after its connection died must not touch the next one
  std::optional<StoreError> drop_reason;
  StoreError last_error;
  Clock::time_point last_attempt{};

  std::shared_ptr<Link> link;  // a fresh one for each attempt
  net::steady_timer attempt_timer, pause_timer, expiry_timer;
  bool expiry_armed = false;
  Clock::time_point expiry_at{};
  Backoff backoff;
  std::minstd_rand chance{std::random_device{}()};  // spreads a fleet's retries: needs no secrecy

  Pipeline<Waiter> pipeline;
  std::string output;
  std::array<char, 16 * 1024> input{};
};

void Connection::State::submit(Waiter waiter, std::string commands, std::size_t replies,
                               std::chrono::milliseconds patience, bool durable) {
  const auto now = Clock::now();
  const auto refuse = [this, &waiter](StoreError why) {
    Pipeline<Waiter>::Answers answers;
    answers.push_back({std::move(waiter), std::move(why)});
    deliver(std::move(answers));
  };
  if (stopped) return refuse(error(Kind::unreachable, "the connection was given up"));
  if (!pipeline.has_room(commands.size()))
    return refuse(error(Kind::overloaded, "too many calls are waiting"));
  if (phase == Phase::pausing) {
    if (now - last_attempt < kPauseUnderDemand) return refuse(last_error);
    pause_timer.cancel();
  }
  pipeline.push(std::move(commands), replies, std::move(waiter), now, patience, durable);
  watch_deadlines();
  if (phase == Phase::ready) return flush_soon();
  if (phase != Phase::fresh) return;
  phase = Phase::opening;
  auto self = shared_from_this();
  auto driver = run(self);
  spawn(executor, std::move(driver), [self](std::exception_ptr failure) {
    if (!failure) return;
    // Only memory can run out here. The next call starts afresh.
    spdlog::error("{}: connection failed unexpectedly", self->settings.login.store);
    self->phase = Phase::fresh;
    if (self->link) self->link->close();
    Pipeline<Waiter>::Answers answers;
    self->pipeline.fail_all(self->error(Kind::unreachable, "out of memory"), answers);
    self->deliver(std::move(answers));
  });
}

void Connection::State::stop() {
  if (std::exchange(stopped, true)) return;
  drop(error(Kind::unreachable, "the connection was given up"));
  attempt_timer.cancel();
  pause_timer.cancel();
  expiry_timer.cancel();
  Pipeline<Waiter>::Answers answers;
  pipeline.fail_all(*drop_reason, answers);
  deliver(std::move(answers));
}

Task<> Connection::State::run(std::shared_ptr<State> self) {
  State& s = *self;
  while (!s.stopped) {
    s.phase = Phase::opening;
    s.proven = false;
    auto failure = co_await s.open();
    s.attempt_timer.cancel();
    if (s.stopped) co_return;
    Pipeline<Waiter>::Answers answers;
    if (!failure) {
      s.phase = Phase::ready;
      s.flush();
      auto why = co_await s.read_until_lost();
      s.phase = Phase::opening;
      // Whatever the reason was, for the others it means that their outcome is unknown.
      s.last_error = StoreError{Kind::unreachable, std::move(why.detail)};
      s.pipeline.lost(s.last_error, answers);
      if (s.proven || Clock::now() - s.last_attempt > Backoff::kLongest) s.backoff.reset();
    } else {
      s.last_error = std::move(*failure);
      s.pipeline.fail_all(s.last_error, answers);
    }
    s.link->close();
    s.deliver(std::move(answers));
    if (!s.stopped) co_await s.pause();
  }
}

// The whole attempt is under one clock: at its end the link is closed and whatever waits on it fails.
Task<std::optional<StoreError>> Connection::State::open() {
  last_attempt = Clock::now();
  drop_reason.reset();
  ++incarnation;
  link = std::make_shared<Link>(executor);
  attempt_timer.expires_after(settings.attempt);
  attempt_timer.async_wait([self = shared_from_this(), mine = incarnation](error_code ec) {
    if (ec || self->phase != Phase::opening || self->incarnation != mine) return;
    self->drop(self->error(Kind::timeout, "no connection in time"));
  });
  auto endpoint = co_await topology->master();
  if (drop_reason) co_return drop_reason;
  if (!endpoint) co_return endpoint.error();
  const auto flaw = co_await link->open(std::move(*endpoint), settings.tls);
  if (drop_reason) co_return drop_reason;
  if (flaw) co_return error(Kind::unreachable, *flaw);
  auto failure = co_await shake_hands();
  if (failure && drop_reason) co_return drop_reason;
  co_return failure;
}

Task<std::optional<StoreError>> Connection::State::shake_hands() {
  Handshake handshake = make_handshake(settings.login);
  const std::size_t expected = handshake.replies;
  if (expected == 0) co_return std::nullopt;
  const auto write_ec = co_await link->write(net::buffer(handshake.commands));
  OPENSSL_cleanse(handshake.commands.data(), handshake.commands.size());  // the password stood there
  if (write_ec) co_return error(Kind::unreachable, write_ec.message());
  ReplyReader reader;
  std::vector<Reply> replies;
  while (replies.size() < expected) {
    const auto [ec, n] = co_await link->read(net::buffer(input));
    if (ec) co_return error(Kind::unreachable, why_read_failed(ec));
    if (!reader.feed({input.data(), n})) co_return error(Kind::unreachable, "out of memory");
    for (;;) {
      auto next = reader.next();
      if (!next)
        co_return error(Kind::corrupt, "it doesn't answer as a Redis does: " + printable(next.error()));
      if (!*next) break;
      replies.push_back(std::move(**next));
    }
  }
  if (replies.size() > expected) co_return error(Kind::corrupt, "it doesn't answer as a Redis does");
  auto rejection = judge_handshake(settings.login, replies);
  if (!rejection) co_return std::nullopt;
  if (rejection->misled) topology->misled();
  co_return std::move(rejection->error);
}

Task<StoreError> Connection::State::read_until_lost() {
  for (;;) {
    const auto [ec, n] = co_await link->read(net::buffer(input));
    if (drop_reason) co_return *drop_reason;
    if (ec) co_return error(Kind::unreachable, why_read_failed(ec));
    Pipeline<Waiter>::Answers answers;
    const auto broken = pipeline.receive({input.data(), n}, answers);
    deliver(std::move(answers));
    if (broken) co_return error(Kind::unreachable, "it sent bytes that make no sense: " + printable(*broken));
    if (drop_reason) co_return *drop_reason;
    if (pipeline.has_output()) flush_soon();  // what was held back while the replicas were asked
    watch_deadlines();
  }
}

Task<> Connection::State::pause() {
  const double luck = std::uniform_real_distribution<double>(0, 1)(chance);
  const auto length = backoff.next(luck);
  if (length.count() == 0) co_return;
  phase = Phase::pausing;
  pause_timer.expires_after(length);
  auto [ec] = co_await pause_timer.async_wait(kAwait);
  static_cast<void>(ec);  // cut short by somebody who asks, or by stop()
}

// What was queued in one turn of the loop leaves in one send.
void Connection::State::flush_soon() {
  if (flush_posted || writing) return;
  flush_posted = true;
  net::post(executor, [self = shared_from_this()] {
    self->flush_posted = false;
    self->flush();
  });
}

void Connection::State::flush() {
  if (phase != Phase::ready || writing || drop_reason || !pipeline.has_output()) return;
  writing = true;
  output = pipeline.take_output(Clock::now());
  watch_deadlines();
  link->write(net::buffer(output), [self = shared_from_this(), mine = incarnation](error_code ec) {
    self->writing = false;
    if (mine == self->incarnation && ec) return self->drop(self->error(Kind::unreachable, ec.message()));
    self->flush();
  });
}

// One timer for all, armed for the earliest deadline and left alone while it is early enough.
void Connection::State::watch_deadlines() {
  const auto at = pipeline.next_deadline();
  if (!at || stopped || (expiry_armed && expiry_at <= *at)) return;
  expiry_armed = true;
  expiry_at = *at;
  expiry_timer.expires_at(*at);
  expiry_timer.async_wait([self = shared_from_this()](error_code ec) {
    if (ec || self->stopped) return;
    self->expiry_armed = false;
    Pipeline<Waiter>::Answers answers;
    const bool mute = self->pipeline.expire(Clock::now(), self->settings.login.store, answers);
    self->deliver(std::move(answers));
    if (mute && self->phase == Phase::ready)
      self->drop(
          self->error(Kind::unreachable, "the connection was closed: another call got no answer in time"));
    self->watch_deadlines();
  });
}

// Through the queue of the executor: who is woken may call again, or destroy the connection.
void Connection::State::deliver(Pipeline<Waiter>::Answers answers) {
  for (auto& answer : answers) {
    if (answer.result && answer.result->is_error()) {
      auto refusal = refusal_of(settings.login.store, answer.result->text);
      if (refusal.reconnect && phase == Phase::ready) drop(std::move(refusal.error));
    } else if (answer.result) {
      proven = true;
    }
    net::post(executor, [waiter = std::move(answer.waiter), result = std::move(answer.result)]() mutable {
      std::move(waiter)(std::move(result));
    });
  }
}

// Closing makes the pending read fail, and the driver goes on from there.
void Connection::State::drop(StoreError why) {
  if (!drop_reason) drop_reason = std::move(why);
  if (link) link->close();
}

Connection::Connection(net::any_io_executor executor, std::shared_ptr<Topology> topology, Settings settings)
    : state_(std::make_shared<State>(std::move(executor), std::move(topology), std::move(settings))) {}

Connection::~Connection() { state_->stop(); }

void Connection::close() { state_->stop(); }
const std::string& Connection::store() const { return state_->settings.login.store; }
std::chrono::milliseconds Connection::timeout() const { return state_->settings.timeout; }

Task<StoreResult<Reply>> Connection::execute(std::string commands, std::size_t replies,
                                             std::chrono::milliseconds more_patience, bool durable) {
  const std::shared_ptr<State> state = state_;
  const auto patience = state->settings.timeout + more_patience;
  const auto submit = [&](auto handler) {
    state->submit(State::Waiter(std::move(handler)), std::move(commands), replies, patience, durable);
  };
  auto [reply] =
      co_await net::async_initiate<const Await, void(StoreResult<Reply>)>(std::ref(submit), kAwait);
  co_return std::move(reply);
}

}  // namespace sallyport::stores::redis
