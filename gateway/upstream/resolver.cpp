#include "gateway/upstream/resolver.hpp"

#include <boost/asio/local/stream_protocol.hpp>

namespace sallyport::upstream {

using gateway::error_code;

Task<std::vector<Resolver::Endpoint>> Resolver::resolve(const config::Upstream::Server& server,
                                                        error_code& ec) {
  ec = {};
  std::vector<Endpoint> found;
  if (!server.unix_path.empty()) {
    found.emplace_back(net::local::stream_protocol::endpoint(server.unix_path));
    co_return found;
  }
  error_code not_literal;
  const auto literal = net::ip::make_address(server.host, not_literal);
  if (!not_literal) {
    found.emplace_back(net::ip::tcp::endpoint(literal, server.port));
    co_return found;
  }
  const auto key = std::make_pair(server.host, server.port);
  if (const auto it = known_.find(key);
      it != known_.end() && it->second.until > std::chrono::steady_clock::now())
    co_return it->second.endpoints;
  const std::string service = std::to_string(server.port);
  auto [error, results] = co_await resolver_.async_resolve(server.host, service, kAwait);
  Known& known = known_[key];
  if (!error) {
    known.endpoints.clear();
    for (const auto& entry : results) known.endpoints.emplace_back(entry.endpoint());
    known.until = std::chrono::steady_clock::now() + kRemember;
  } else if (known.endpoints.empty()) {
    ec = error;
  }
  co_return known.endpoints;
}

}  // namespace sallyport::upstream
