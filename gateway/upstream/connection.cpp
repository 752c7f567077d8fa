#include "gateway/upstream/connection.hpp"

namespace sallyport::upstream {

using gateway::error_code;

Connector::Connector(net::any_io_executor executor, gateway::Deadlines& deadlines, Resolver& resolver,
                     const config::Upstream& config, const http1::HeadLimits& limits,
                     std::shared_ptr<const TlsClient> tls)
    : executor_(std::move(executor)),
      deadlines_(deadlines),
      resolver_(resolver),
      config_(config),
      limits_(limits),
      tls_(std::move(tls)),
      sessions_(config.servers.size()),
      first_(config.servers.size(), 0) {}

Task<error_code> Connector::reach(Connection& connection, const Resolver::Endpoint& endpoint,
                                  SteadyTime until, std::string& reason) {
  connection.stream.write_until(until);
  error_code ec = co_await connection.stream.connect(endpoint);
  if (ec) {
    reason = ec.message();
  } else if (config_.servers[connection.server].tls) {
    gateway::Ssl ssl = tls_->start(connection.server, sessions_);
    ec = co_await connection.stream.handshake(std::move(ssl));
    if (ec) reason = tls_failure(connection.stream.ssl(), ec);
  }
  connection.stream.write_until(SteadyTime::max());
  co_return ec;
}

Task<std::unique_ptr<Connection>> Connector::open(std::size_t server, SteadyTime give_up, error_code& ec,
                                                  std::string& reason) {
  const config::Upstream::Server& where = config_.servers[server];
  const Resolver::Endpoints endpoints = co_await resolver_.resolve(where, give_up, ec);
  if (endpoints.empty()) {
    reason = "cannot resolve the name: " + ec.message();
    co_return nullptr;
  }
  for (std::size_t turn = 0; turn < endpoints.size(); ++turn) {
    const std::size_t index = (first_[server] + turn) % endpoints.size();
    const SteadyTime now = std::chrono::steady_clock::now();
    if (now >= give_up) {
      ec = net::error::timed_out;
      break;
    }
    const SteadyTime until = now + (give_up - now) / static_cast<std::ptrdiff_t>(endpoints.size() - turn);
    gateway::Stream::Socket socket(executor_);
    ec = socket.open(endpoints[index].protocol());
    if (ec) {
      reason = ec.message();
      continue;
    }
    auto connection = std::make_unique<Connection>(std::move(socket), deadlines_, limits_);
    connection->server = server;
    ec = co_await reach(*connection, endpoints[index], until, reason);
    if (ec) continue;
    first_[server] = index;
    co_return connection;
  }
  co_return nullptr;
}

}  // namespace sallyport::upstream
