// Turns a server's address into endpoints: literals at once, names through the system's resolver
// (asynchronously, on Asio's resolver thread), remembered for a while; when a name can't be resolved, the
// last good answer is used.
#pragma once

#include <boost/asio/ip/tcp.hpp>

#include <map>
#include <string>
#include <vector>

#include "auth/task.hpp"
#include "auth/time.hpp"
#include "config/config.hpp"
#include "gateway/net/stream.hpp"

namespace sallyport::upstream {

class Resolver {
 public:
  using Endpoint = gateway::Stream::Socket::endpoint_type;
  static constexpr std::chrono::seconds kRemember{10};

  explicit Resolver(net::any_io_executor executor) : resolver_(std::move(executor)) {}
  // Empty with `ec` when nothing was ever known.
  Task<std::vector<Endpoint>> resolve(const config::Upstream::Server& server, gateway::error_code& ec);

 private:
  struct Known {
    std::vector<Endpoint> endpoints;
    SteadyTime until{};
  };
  net::ip::tcp::resolver resolver_;
  std::map<std::pair<std::string, std::uint16_t>, Known> known_;
};

}  // namespace sallyport::upstream
