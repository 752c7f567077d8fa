// Asks every server of the upstreams that have `health` whether it is well, once per process, and tells the
// workers. A server is taken for well until `fall` checks in a row failed, and again after `rise` good ones.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "gateway/upstream/connection.hpp"

namespace sallyport::upstream {

// The rule alone. Pure.
class HealthState {
 public:
  HealthState(unsigned fall, unsigned rise, bool healthy = true)
      : fall_(fall), rise_(rise), healthy_(healthy) {}
  // The result of a check; true: the verdict changed.
  bool checked(bool good);
  bool healthy() const { return healthy_; }

 private:
  unsigned fall_, rise_;
  unsigned against_ = 0;  // results in a row that contradict the verdict
  bool healthy_ = true;
};

class HealthChecks {
 public:
  // Told on the executor's thread whenever a verdict changes.
  using Tell = std::function<void(std::size_t upstream, std::size_t server, bool healthy)>;

  // `before`: the checks that these replace; of a server that stays, the verdict does too. One thread.
  HealthChecks(net::any_io_executor executor, const std::vector<config::Upstream>& upstreams,
               const std::vector<std::shared_ptr<const TlsClient>>& tls, Tell tell,
               const HealthChecks* before = nullptr);
  ~HealthChecks();

  // Tells of the servers that are known to be unwell, then checks. `self` lives until the last check ended.
  void start(std::shared_ptr<HealthChecks> self);
  void stop();  // what is under way ends soon; the executor's loop then runs out of work

 private:
  struct Group;  // one upstream's
  bool is_well(const std::string& upstream, const std::string& url) const;
  Task<> watch(Group& group, std::size_t server);
  Task<bool> ask(Group& group, std::size_t server, std::string& reason);
  Task<> tick();

  net::any_io_executor executor_;
  Tell tell_;
  gateway::Deadlines deadlines_;
  Resolver resolver_;
  std::vector<std::unique_ptr<Group>> groups_;
  std::vector<std::unique_ptr<net::steady_timer>> pauses_;
  net::steady_timer ticker_;
  std::size_t running_ = 0;  // watches
  bool stopping_ = false;
};

}  // namespace sallyport::upstream
