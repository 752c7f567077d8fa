// Opens connections to the servers of one upstream: name, address, TLS, all under one deadline.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "gateway/http1/reader.hpp"
#include "gateway/net/stream.hpp"
#include "gateway/upstream/breaker.hpp"
#include "gateway/upstream/resolver.hpp"
#include "gateway/upstream/tls_client.hpp"

namespace sallyport::upstream {

struct Connection {
  Connection(gateway::Stream::Socket socket, gateway::Deadlines& deadlines, const http1::HeadLimits& limits)
      : stream(std::move(socket), deadlines), reader(limits) {}
  gateway::Stream stream;
  http1::ResponseReader reader;
  std::size_t server = 0;
  bool reused = false;
  bool probe = false;                    // the request under way decides whether a breaker closes
  Outcome outcome = Outcome::undecided;  // of the request under way
  SteadyTime idle_since{};
};

class Connector {
 public:
  // Borrows all but `tls` (null where no server is https); they outlive it and its connections.
  Connector(net::any_io_executor executor, gateway::Deadlines& deadlines, Resolver& resolver,
            const config::Upstream& config, const http1::HeadLimits& limits,
            std::shared_ptr<const TlsClient> tls);

  // A connection ready for a request, or null with `ec` and a text for the log. Tries the addresses of the
  // server in turn, each with its share of the time left.
  Task<std::unique_ptr<Connection>> open(std::size_t server, SteadyTime give_up, gateway::error_code& ec,
                                         std::string& reason);

 private:
  Task<gateway::error_code> reach(Connection& connection, const Resolver::Endpoint& endpoint,
                                  SteadyTime until, std::string& reason);

  net::any_io_executor executor_;
  gateway::Deadlines& deadlines_;
  Resolver& resolver_;
  const config::Upstream& config_;
  http1::HeadLimits limits_;
  std::shared_ptr<const TlsClient> tls_;
  TlsSessions sessions_;
  std::vector<std::size_t> first_;  // by server: the address that answered last
};

}  // namespace sallyport::upstream
