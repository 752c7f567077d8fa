#include "gateway/stored_key_watch.hpp"

#include <spdlog/spdlog.h>

#include <utility>

namespace sallyport::gateway {
namespace {

UnixSeconds wall_now() { return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()); }

}  // namespace

StoredKeyWatch::StoredKeyWatch(net::io_context& control, std::shared_ptr<jose::KeyRingStore> store,
                               const config::Tokens& tokens, Publish publish)
    : control_(control),
      store_(std::move(store)),
      keys_(*store_, tokens, rotation_rules(tokens)),
      publish_(std::move(publish)),
      timer_(control) {}

void StoredKeyWatch::start(std::shared_ptr<OwnKeySource> self) {
  spawn(control_, run(), [self = std::move(self)](std::exception_ptr error) {
    if (error) spdlog::critical("following our own keys in the store failed; those in use stay");
  });
}

void StoredKeyWatch::stop() {
  stopped_ = true;
  timer_.cancel();
}

void StoredKeyWatch::wish(std::function<void()> done) {
  if (stopped_) return done();
  waiting_.push_back(std::move(done));
  timer_.cancel();
}

Task<> StoredKeyWatch::pause() {
  timer_.expires_after(kGap);
  auto [gap] = co_await timer_.async_wait(kAwait);
  (void)gap;
  if (stopped_ || !waiting_.empty()) co_return;
  timer_.expires_after(kEvery - kGap);
  auto [rest] = co_await timer_.async_wait(kAwait);
  (void)rest;
}

Task<> StoredKeyWatch::look() {
  const auto waiting = std::exchange(waiting_, {});
  auto found = co_await keys_.look(wall_now());
  if (!found) {
    if (problem_ != found.error()) spdlog::error("our own keys: {}", found.error());
    problem_ = found.error();
  } else {
    problem_.clear();
    if (*found && !stopped_) {
      known_ = true;
      publish_(std::move(**found));
    }
  }
  for (const auto& done : waiting) done();
}

Task<> StoredKeyWatch::run() {
  while (!stopped_) {
    co_await look();
    if (stopped_) break;
    co_await pause();
  }
  for (const auto& done : std::exchange(waiting_, {})) done();
  store_.reset();
}

}  // namespace sallyport::gateway
