// Watches the folders of our own keys: sees within seconds what another process changed in them (rotate,
// revoke), and rotates by age what is due. Looks from a thread of its own, since disks and key generation
// take their time; tells the control thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "auth/jose/key_directory.hpp"
#include "auth/task.hpp"
#include "auth/time.hpp"
#include "config/config.hpp"
#include "gateway/own_key_source.hpp"

namespace sallyport::gateway {

class OwnKeyWatch final : public OwnKeySource {
 public:
  static constexpr std::chrono::milliseconds kEvery{1000};
  static constexpr std::chrono::milliseconds kGap{200};  // at least, however many wishes come

  OwnKeyWatch(net::io_context& control, const config::Tokens& tokens, Publish publish);
  ~OwnKeyWatch() override;

  static bool wanted(const config::Tokens& tokens);  // is there a folder to watch?

  void start(std::shared_ptr<OwnKeySource> self) override;
  void stop() override;
  void wish(std::function<void()> done) override;
  std::string problem() const override { return {}; }  // without keys there is no start

 private:
  struct Seen;   // what the thread knows; touched by one job at a time
  struct Found;  // what a job found
  void look(std::shared_ptr<OwnKeySource> self);
  void found(Found result, std::shared_ptr<OwnKeySource> self);
  void wait(std::shared_ptr<OwnKeySource> self);

  net::io_context& control_;
  Publish publish_;
  std::shared_ptr<Seen> seen_;
  net::thread_pool helper_{1};
  net::steady_timer timer_;
  SteadyTime looked_{};
  std::vector<std::function<void()>> waiting_, next_waiting_;
  std::string said_;  // the problem that was last told
  bool looking_ = false;
  bool stopped_ = false;
};

}  // namespace sallyport::gateway
