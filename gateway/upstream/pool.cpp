#include "gateway/upstream/pool.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>

namespace sallyport::upstream {

using gateway::error_code;

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
           const config::Upstream& config, const http1::HeadLimits& limits)
    : executor_(std::move(executor)),
      deadlines_(deadlines),
      resolver_(resolver),
      config_(config),
      limits_(limits),
      state_(config),
      idle_(config.servers.size()) {}

void Pool::take_back(std::unique_ptr<Connection> connection, bool clean) {
  const std::size_t server = connection->server;
  if (clean && state_.keeps_idle(server)) {
    state_.returned(server);
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

void Pool::wake_one() {
  if (waiters_.empty()) return;
  net::steady_timer* first = waiters_.front();
  waiters_.pop_front();
  first->cancel();
}

// An idle connection on which the upstream has said anything (or goodbye) isn't clean: what it said would be
// taken for the next response.
std::unique_ptr<Connection> Pool::pop_idle(std::size_t server) {
  std::unique_ptr<Connection> connection = std::move(idle_[server].back());
  idle_[server].pop_back();
  if (connection->stream.peek() == gateway::Stream::Idle::quiet) return connection;
  state_.closed_busy(server);
  return nullptr;
}

Task<std::unique_ptr<Connection>> Pool::connect(std::size_t server, error_code& ec) {
  const config::Upstream::Server& where = config_.servers[server];
  std::vector<gateway::Stream::Socket::endpoint_type> endpoints = co_await resolver_.resolve(where, ec);
  for (const auto& endpoint : endpoints) {
    gateway::Stream::Socket socket(executor_);
    socket.open(endpoint.protocol(), ec);
    if (ec) continue;
    auto connection = std::make_unique<Connection>(std::move(socket), deadlines_, limits_);
    connection->server = server;
    connection->stream.write_until(std::chrono::steady_clock::now() + config_.connect_timeout);
    ec = co_await connection->stream.connect(endpoint);
    connection->stream.write_until(SteadyTime::max());
    if (ec) continue;
    co_return connection;
  }
  if (!ec) ec = net::error::host_not_found;
  co_return nullptr;
}

Task<boost::system::result<Lease, AcquireError>> Pool::acquire(Wish wish, std::string& reason) {
  std::uint64_t tried = 0;
  AcquireError last = AcquireError::overloaded;
  for (;;) {
    if (closed_) co_return AcquireError::overloaded;
    const Choice choice = state_.acquire(deadlines_.now(), tried, wish.fresh_only);
    switch (choice.act) {
      case Act::use_idle: {
        std::unique_ptr<Connection> connection = pop_idle(choice.server);
        if (!connection) break;  // asks again: another idle one, or a new one
        connection->reused = true;
        co_return Lease(this, std::move(connection));
      }
      case Act::connect: {
        error_code ec;
        std::unique_ptr<Connection> connection = co_await connect(choice.server, ec);
        if (connection) {
          state_.connected(choice.server);
          co_return Lease(this, std::move(connection));
        }
        state_.connect_failed(choice.server, deadlines_.now());
        wake_one();
        reason = config_.servers[choice.server].url + ": " + ec.message();
        last = ec == net::error::timed_out ? AcquireError::timeout : AcquireError::unreachable;
        if (choice.server < 64) tried |= std::uint64_t{1} << choice.server;
        if (config_.servers.size() > 64) co_return last;
        break;
      }
      case Act::wait: {
        net::steady_timer timer(executor_, wish.give_up);
        state_.waiting(+1);
        const auto place = waiters_.insert(waiters_.end(), &timer);
        auto [ec] = co_await timer.async_wait(kAwait);
        state_.waiting(-1);
        if (!ec) {  // not woken: the time is over
          waiters_.erase(place);
          reason = "no free connection in time";
          co_return AcquireError::timeout;
        }
        break;
      }
      case Act::refuse:
        if (tried == 0) reason = "every connection is busy and the queue is full";
        co_return last;
    }
  }
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
