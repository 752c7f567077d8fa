// Turns a server's address into endpoints. Literals and sockets at once; names through the system's resolver
// on a thread of their own, so that a DNS server that hangs holds up nobody but who has no answer yet, and
// him only until his deadline. Known names are asked again in the background; the last good answer is kept.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "auth/task.hpp"
#include "auth/time.hpp"
#include "config/config.hpp"
#include "gateway/net/stream.hpp"

namespace sallyport::upstream {

class Resolver {
 public:
  using Endpoint = gateway::Socket::Endpoint;
  using Endpoints = std::vector<Endpoint>;
  // Blocking, called on another thread; empty with `ec` when there is no answer.
  using Lookup =
      std::function<Endpoints(const std::string& host, std::uint16_t port, gateway::error_code& ec)>;
  static constexpr std::chrono::seconds kRemember{10};  // getaddrinfo tells no TTL

  explicit Resolver(net::any_io_executor executor, Lookup lookup = system_lookup,
                    std::chrono::milliseconds remember = kRemember);
  ~Resolver();  // doesn't wait for a lookup that hangs
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  // Waits only for a name that was never resolved, and never past `give_up`. Empty with `ec` then: what the
  // lookup said, or timed_out.
  Task<Endpoints> resolve(const config::Upstream::Server& server, SteadyTime give_up,
                          gateway::error_code& ec);

  static Endpoints system_lookup(const std::string& host, std::uint16_t port, gateway::error_code& ec);

 private:
  struct Waiter {
    net::steady_timer timer;
    bool answered = false;
  };
  struct Name {
    Endpoints endpoints;  // the last good answer
    gateway::error_code ec;
    SteadyTime until{};  // then it is asked again
    bool asking = false;
    std::list<Waiter*> waiters;
  };
  using Key = std::pair<std::string, std::uint16_t>;
  struct Mailbox;  // where a lookup's thread leaves its answer: outlives us

  void ask(const Key& key, Name& name);
  void answered(const Key& key, Endpoints endpoints, gateway::error_code ec);

  net::any_io_executor executor_;
  Lookup lookup_;
  std::chrono::milliseconds remember_;
  std::map<Key, Name> names_;
  std::shared_ptr<Mailbox> mailbox_;
};

}  // namespace sallyport::upstream
