// Follows the revocation log for the whole process, on the control thread: reads it whole, then as it grows,
// and hands every worker the newest index. revocation/log_follower.hpp decides; this performs.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>

#include <atomic>
#include <functional>
#include <memory>
#include <vector>

#include "auth/revocation/log_follower.hpp"
#include "auth/stores/stores.hpp"
#include "gateway/observe/metrics.hpp"
#include "gateway/revoker.hpp"
#include "gateway/worker.hpp"

namespace sallyport::gateway {

class Follower final : public Enforcer {
 public:
  // Borrows all; they outlive its loop.
  Follower(net::io_context& control, stores::Backend& store, const config::Config& config, Shared& shared,
           Metrics& metrics);

  void follow(std::vector<Worker*> workers);  // starts the loop
  void use(const config::Config& config);     // on the control thread, after a reload
  void stop();                                // on the control thread

  // Any thread.
  void enforce(std::vector<revocation::Event> events, std::function<void()> done) override;

  struct Status {
    bool ready = false;
    std::uint64_t entries = 0;                           // read so far
    std::string problem;                                 // why it isn't ready; empty when it is
    std::optional<std::chrono::milliseconds> staleness;  // since the last answered read; none: not read yet
    std::size_t revoked = 0;                             // entries of the index
    std::size_t bytes = 0;                               // that it takes
    std::uint64_t resyncs = 0;  // times that the store had been replaced or lost entries
  };
  Status status() const;  // on the control thread

 private:
  Task<> run();
  Task<> read_on();
  Task<bool> healthy();  // probes until the store is fit to be ours
  Task<> pause(std::chrono::milliseconds time);
  Task<> repeat(std::vector<revocation::Event> acknowledged);
  Task<bool> end_again(const revocation::Event& event);  // false: the store failed
  void publish(bool changed, std::function<void()> done);
  void compact(revocation::LogFollower::Compaction due);

  net::io_context& control_;
  stores::Backend& store_;
  Shared& shared_;
  const std::string own_issuer_;
  std::chrono::milliseconds max_staleness_;
  Metrics& metrics_;
  revocation::LogFollower follower_;
  std::vector<Worker*> workers_;
  stores::Stores stores_;
  net::steady_timer timer_;
  std::string problem_ = "the revocation log has not been read yet";
  bool stopped_ = false;
  net::thread_pool compactor_{1};
};

}  // namespace sallyport::gateway
