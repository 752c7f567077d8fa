#include "gateway/revoker.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <memory>

namespace sallyport::gateway {
namespace {

// Waits on the worker's loop for something that ends on another thread.
struct Signal {
  explicit Signal(const net::any_io_executor& executor) : timer(executor) {}
  net::steady_timer timer;
  bool given = false;
};

}  // namespace

Task<StoreResult<void>> WorkerRevoker::revoke(std::vector<revocation::Event> events) {
  if (events.empty()) co_return StoreResult<void>();
  std::vector<revocation::Event> copy = events;
  StoreResult<void> appended = co_await log_.append(std::move(copy));
  if (!appended) co_return appended.error();
  const auto signal = std::make_shared<Signal>(executor_);
  signal->timer.expires_after(kPatience);
  enforcer_.enforce(std::move(events), [signal, executor = executor_] {
    net::post(executor, [signal] {
      signal->given = true;
      signal->timer.cancel();
    });
  });
  if (!signal->given) {
    auto [ec] = co_await signal->timer.async_wait(kAwait);
    (void)ec;  // cancelled: in force; not: the time is over
  }
  if (!signal->given)
    co_return StoreError{StoreError::Kind::timeout,
                         "the revocation is in the log, but not in force in every worker yet"};
  co_return StoreResult<void>();
}

}  // namespace sallyport::gateway
