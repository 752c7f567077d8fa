// Follows our own keys in the store: sees within a second what another gateway or a command changed there,
// and takes part in rotating what is due.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "auth/jose/stored_keys.hpp"
#include "auth/task.hpp"
#include "gateway/own_key_source.hpp"

namespace sallyport::gateway {

class StoredKeyWatch final : public OwnKeySource {
 public:
  static constexpr std::chrono::milliseconds kEvery{1000};
  static constexpr std::chrono::milliseconds kGap{200};  // at least, however many wishes come

  StoredKeyWatch(net::io_context& control, std::shared_ptr<jose::KeyRingStore> store,
                 const config::Tokens& tokens, Publish publish);

  void start(std::shared_ptr<OwnKeySource> self) override;
  void stop() override;
  void wish(std::function<void()> done) override;
  std::string problem() const override { return known_ ? std::string() : problem_; }

 private:
  Task<> run();
  Task<> look();
  Task<> pause();

  net::io_context& control_;
  std::shared_ptr<jose::KeyRingStore> store_;  // until stop(): its connection keeps the loop running
  jose::StoredKeys keys_;
  Publish publish_;
  net::steady_timer timer_;
  std::vector<std::function<void()>> waiting_;
  std::string problem_ = "our own keys have not been read from the store yet";
  bool known_ = false;  // keys were published
  bool stopped_ = false;
};

}  // namespace sallyport::gateway
