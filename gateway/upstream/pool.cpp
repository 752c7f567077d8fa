#include "gateway/upstream/pool.hpp"

#include <algorithm>

#include "gateway/net/loop_clock.hpp"

namespace sallyport::upstream {

using gateway::error_code;
using gateway::loop_now;

Lease& Lease::operator=(Lease&& other) noexcept {
  if (this != &other) {
    discard();
    pool_ = std::exchange(other.pool_, nullptr);
    connection_ = std::move(other.connection_);
  }
  return *this;
}

void Lease::give_back() {
  if (connection_) pool_->take_back(std::move(connection_), true);
}

void Lease::discard() {
  if (connection_) pool_->take_back(std::move(connection_), false);
}

Pool::Pool(net::any_io_executor executor, gateway::Deadlines& deadlines, Resolver& resolver,
           const config::Upstream& config, const http1::HeadLimits& limits,
           std::shared_ptr<const TlsClient> tls)
    : executor_(executor),
      deadlines_(deadlines),
      config_(config),
      connector_(executor, deadlines, resolver, config_, limits, std::move(tls)),
      state_(config_),
      budget_(config_.retry.budget),
      idle_(config_.servers.size()) {}

void Pool::take_back(std::unique_ptr<Connection> connection, bool clean) {
  const std::size_t server = connection->server;
  state_.ended(server, connection->outcome, connection->probe, loop_now());
  connection->outcome = Outcome::undecided;
  connection->probe = false;
  if (clean && state_.keeps_idle(server)) {
    state_.returned(server);
    connection->stream.never_after(SteadyTime::max());
    connection->stream.read_until(SteadyTime::max());
    connection->stream.write_until(SteadyTime::max());
    connection->idle_since = deadlines_.now();
    idle_[server].push_back(std::move(connection));
  } else {
    connection.reset();
    state_.closed_busy(server);
  }
  wake_one();
}

void Pool::close() {
  closed_ = true;
  while (!waiters_.empty()) wake_one();
}

void Pool::retire() {
  state_.keep_at_most(0);
  for (std::size_t server = 0; server < idle_.size(); ++server) {
    for (; !idle_[server].empty(); idle_[server].pop_front()) state_.closed_idle(server);
  }
}

void Pool::wake_one() {
  if (waiters_.empty()) return;
  Waiter* first = waiters_.front();
  waiters_.pop_front();
  first->woken = true;
  first->timer.cancel();
}

// In the queue until a place is free. Who was woken and found the place taken again goes to the front.
Task<Pool::Waited> Pool::wait(SteadyTime give_up, bool again) {
  Waiter waiter{net::steady_timer(executor_, give_up)};
  const auto place = waiters_.insert(again ? waiters_.begin() : waiters_.end(), &waiter);
  state_.waiting(+1);
  auto [ec] = co_await waiter.timer.async_wait(kAwait);
  (void)ec;  // a timer that fired may have been woken too: the flag decides
  state_.waiting(-1);
  if (waiter.woken) co_return Waited::woken;
  waiters_.erase(place);
  co_return Waited::too_late;
}

// An idle connection on which the upstream has said anything (or goodbye) isn't clean: what it said would be
// taken for the next response. What the loop has heard so far is enough for a request that may be sent again.
// nullptr: it wasn't clean, and is gone.
std::unique_ptr<Connection> Pool::take_idle(const Choice& choice, bool repeatable, SteadyTime now) {
  std::unique_ptr<Connection> connection = std::move(idle_[choice.server].back());
  idle_[choice.server].pop_back();
  const bool heard_nothing = repeatable && connection->stream.known_quiet();
  if (!heard_nothing && connection->stream.peek() != gateway::Stream::Idle::quiet) {
    state_.ended(choice.server, Outcome::undecided, choice.probe, now);
    state_.closed_busy(choice.server);
    return nullptr;
  }
  connection->reused = true;
  connection->probe = choice.probe;
  return connection;
}

Task<std::unique_ptr<Connection>> Pool::connect(const Choice& choice, SteadyTime give_up, std::string& reason,
                                                AcquireError& error) {
  if (choice.instead_of_idle) idle_[choice.server].pop_front();
  const SteadyTime until = std::min(give_up, std::chrono::steady_clock::now() + config_.connect_timeout);
  error_code ec;
  std::string why;
  std::unique_ptr<Connection> connection = co_await connector_.open(choice.server, until, ec, why);
  const SteadyTime now = loop_now();
  if (connection) {
    state_.connected(choice.server, now);
    co_return connection;
  }
  const bool timed_out = ec == net::error::timed_out;
  state_.connect_failed(choice.server, timed_out, choice.probe, now);
  wake_one();
  reason = config_.servers[choice.server].url + ": " + why;
  error = timed_out ? AcquireError::timeout : AcquireError::unreachable;
  co_return nullptr;
}

Choice Pool::choose(const Wish& wish, SteadyTime now) {
  return state_.acquire(now, {wish.tried, wish.fresh_only, wish.key});
}

// A kept connection, which there nearly always is, costs no coroutine.
Task<Pool::Acquired> Pool::acquire(Wish& wish, std::string& reason) {
  if (closed_) return Task<Acquired>::done(AcquireError::overloaded);
  const SteadyTime now = loop_now();
  Choice choice = choose(wish, now);
  while (choice.act == Act::use_idle) {
    if (auto connection = take_idle(choice, wish.repeatable, now))
      return Task<Acquired>::done(Lease(this, std::move(connection)));
    choice = choose(wish, now);
  }
  return acquire_otherwise(choice, wish, reason);
}

Task<Pool::Acquired> Pool::acquire_otherwise(Choice choice, Wish& wish, std::string& reason) {
  AcquireError last = AcquireError::overloaded;
  bool waited = false, failed = false;
  for (;;) {
    switch (choice.act) {
      case Act::use_idle: {
        auto connection = take_idle(choice, wish.repeatable, loop_now());
        if (connection) co_return Lease(this, std::move(connection));
        break;
      }
      case Act::connect: {
        std::unique_ptr<Connection> connection = co_await connect(choice, wish.give_up, reason, last);
        if (connection) {
          connection->probe = choice.probe;
          co_return Lease(this, std::move(connection));
        }
        failed = true;
        wish.tried |= std::uint64_t{1} << (choice.server & 63);
        if (config_.retry.attempts < 2 || !names(config_.retry, config::RetryOn::connect)) co_return last;
        break;
      }
      case Act::wait: {
        const Waited how = co_await wait(wish.give_up, waited);
        waited = true;
        if (how == Waited::woken) break;
        reason = "no free connection in time";
        co_return AcquireError::timeout;
      }
      case Act::refuse:
        if (!failed) reason = "every connection is busy and the queue is full";
        co_return last;
      case Act::unavailable:
        if (failed) co_return last;
        reason = "every server failed its checks or has its breaker open";
        co_return AcquireError::unavailable;
    }
    if (closed_) co_return AcquireError::overloaded;
    choice = choose(wish, loop_now());
  }
}

void Pool::checked(std::size_t server, bool healthy) {
  state_.checked(server, healthy, loop_now());
  if (healthy) wake_one();
}

void Pool::close_idle(SteadyTime now) {
  for (std::size_t server = 0; server < idle_.size(); ++server) {
    auto& list = idle_[server];
    while (!list.empty() && now - list.front()->idle_since > config_.idle_timeout) {
      list.pop_front();
      state_.closed_idle(server);
    }
  }
}

}  // namespace sallyport::upstream
