#include "auth/stores/postgres/pool.hpp"

#include <algorithm>
#include <exception>
#include <utility>

namespace sallyport::stores::postgres {
namespace {

using std::chrono::milliseconds;
constexpr milliseconds kFirstBackOff{100}, kLongestBackOff{2'000};

Connection::Failure failure(StoreError::Kind kind, std::string what) {
  Connection::Failure failure;
  failure.error = {kind, "PostgreSQL: " + std::move(what)};
  return failure;
}

SteadyTime now() { return std::chrono::steady_clock::now(); }

}  // namespace

Pool::Pool(net::any_io_executor executor, Target target, const config::PostgresUsers& rules)
    : executor_(std::move(executor)),
      target_(std::move(target)),
      most_(rules.connections),
      queue_(rules.queue),
      timeout_(rules.timeout) {}

Task<Connection::Asked> Pool::ask(std::string query, std::vector<std::string> parameters) {
  const auto self = shared_from_this();
  const SteadyTime deadline = now() + timeout_;
  for (;;) {
    auto lease = co_await take(deadline);
    if (!lease) co_return lease.error();
    std::string text = query;
    std::vector<std::string> values = parameters;
    Connection::Asked answer = co_await lease->connection->ask(std::move(text), std::move(values), deadline);
    const bool fresh = lease->fresh;
    give_back(std::move(lease->connection));
    const bool died = !answer && answer.error().error.kind == StoreError::Kind::unreachable;
    if (!died || fresh) co_return answer;
  }
}

std::unique_ptr<Connection> Pool::take_idle() {
  while (!idle_.empty()) {
    std::unique_ptr<Connection> connection = std::move(idle_.back());
    idle_.pop_back();
    if (!connection->stale()) return connection;
    --count_;
  }
  return nullptr;
}

Task<boost::system::result<Pool::Lease, Connection::Failure>> Pool::take(SteadyTime deadline) {
  if (auto connection = take_idle()) {
    Lease lease{std::move(connection), false};
    co_return std::move(lease);
  }
  if (count_ == 0 && now() < retry_at_) co_return failure(StoreError::Kind::unreachable, last_problem_);
  if (waiters_.size() >= queue_)
    co_return failure(StoreError::Kind::overloaded,
                      std::to_string(queue_) + " questions wait already (users.postgres.queue)");
  if (count_ < most_) open_one();
  const auto waiter = waiters_.insert(waiters_.end(), Waiter{net::steady_timer(executor_, deadline), {}, {}});
  auto [ec] = co_await waiter->timer.async_wait(kAwait);
  (void)ec;
  Lease lease{std::move(waiter->got), true};
  const std::string problem = std::move(waiter->problem);
  waiters_.erase(waiter);
  if (lease.connection) co_return std::move(lease);
  if (!problem.empty()) co_return failure(StoreError::Kind::unreachable, problem);
  co_return failure(StoreError::Kind::timeout,
                    "no connection was free in time (users.postgres.connections, timeout)");
}

void Pool::give_back(std::unique_ptr<Connection> connection) {
  if (connection->open()) return opened(std::move(connection));
  --count_;
  const bool wanted = std::any_of(waiters_.begin(), waiters_.end(),
                                  [](const Waiter& w) { return !w.got && w.problem.empty(); });
  if (wanted) open_one();
}

// To the one who waits longest, else to the idle ones.
void Pool::opened(std::unique_ptr<Connection> connection) {
  for (Waiter& waiter : waiters_) {
    if (waiter.got || !waiter.problem.empty()) continue;
    waiter.got = std::move(connection);
    waiter.timer.cancel();
    return;
  }
  idle_.push_back(std::move(connection));
}

void Pool::failed(const std::string& problem) {
  --count_;
  last_problem_ = problem;
  back_off_ = std::clamp(2 * back_off_, kFirstBackOff, kLongestBackOff);
  retry_at_ = now() + back_off_;
  if (count_ > 0) return;  // others still answer, or will tell
  for (Waiter& waiter : waiters_) {
    if (waiter.got) continue;
    waiter.problem = problem;
    waiter.timer.cancel();
  }
}

void Pool::open_one() {
  ++count_;
  spawn(executor_, connect(shared_from_this()), [pool = shared_from_this()](std::exception_ptr error) {
    if (error) pool->failed("opening a connection failed: out of memory?");
  });
}

Task<> Pool::connect(std::shared_ptr<Pool> pool) {
  Target copy = pool->target_;
  auto target = co_await resolved(std::move(copy));
  if (!target) {
    pool->failed(target.error());
    co_return;
  }
  auto connection = std::make_unique<Connection>(pool->executor_);
  const std::string problem = co_await connection->connect(std::move(*target), now() + pool->timeout_);
  if (!problem.empty()) {
    pool->failed(problem);
    co_return;
  }
  pool->back_off_ = {};
  pool->opened(std::move(connection));
}

}  // namespace sallyport::stores::postgres
