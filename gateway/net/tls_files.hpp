// Watches the certificate files of the listeners on the control thread and hands a new TlsServer to whoever
// serves once they changed: all files of a listener or none; what doesn't load leaves the last good one in
// force.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "auth/task.hpp"
#include "gateway/net/tls_server.hpp"

namespace sallyport::gateway {

using TlsServers = std::vector<std::shared_ptr<const TlsServer>>;  // by listener; null: plain

class TlsFilesWatch {
 public:
  using Use = std::function<void(std::size_t listener, std::shared_ptr<const TlsServer>)>;

  explicit TlsFilesWatch(net::io_context& control)
      : tickets_(std::chrono::steady_clock::now()), timer_(control) {}

  // What these listeners' files say: of all of them, or what is wrong with one. Changes nothing.
  struct Loaded {
    TlsServers servers;
    std::vector<std::string> states;  // of the files that they came from
  };
  boost::system::result<Loaded, std::string> load(const std::vector<config::Listener>& listeners);
  // From now on these listeners, whose servers are in force as loaded.
  void watch(std::vector<config::Listener> listeners, const Loaded& loaded);

  void start(Use use);  // looks at the files every few seconds
  void stop();
  void check();  // now

 private:
  // Of the files of one listener: which, how long, changed when. Follows links (Kubernetes swaps them).
  static std::string state_of(const config::Listener& listener);
  void wait();

  struct Watched {
    std::string loaded;  // the state that is in force
    std::string said;    // the last complaint, so that it is made once
  };
  std::vector<config::Listener> listeners_;
  TicketKeys tickets_;
  std::vector<Watched> watched_;
  net::steady_timer timer_;
  Use use_;
  bool stopped_ = false;
};

}  // namespace sallyport::gateway
