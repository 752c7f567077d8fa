#include "gateway/await_key.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <memory>

#include "auth/jose/key_wish.hpp"
#include "gateway/judge.hpp"
#include "gateway/key_keeper.hpp"
#include "gateway/worker.hpp"

namespace sallyport::gateway {
namespace {

// Waits on the worker's loop for something that ends on the control thread.
struct Signal {
  explicit Signal(const net::any_io_executor& executor) : timer(executor) {}
  net::steady_timer timer;
  bool given = false;
};

class Place {
 public:
  explicit Place(std::size_t& taken) : taken_(taken) { ++taken_; }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  ~Place() { --taken_; }

 private:
  std::size_t& taken_;
};

}  // namespace

Task<bool> await_key(Worker& worker, const RequestHead& head, RequestContext& context) {
  KeyKeeper* const keeper = worker.key_keeper();
  if (keeper == nullptr || worker.key_waits() >= kMaxKeyWaits) co_return false;
  std::optional<jose::KeyWish> wish = jose::key_wish(credential_of(head).token);
  if (!wish || !keeper->may_learn(wish->issuer)) co_return false;

  const Place place(worker.key_waits());
  const net::any_io_executor executor = worker.executor();
  const auto signal = std::make_shared<Signal>(executor);
  signal->timer.expires_after(kKeyPatience);
  keeper->wish(std::move(*wish), [signal, executor] {
    net::post(executor, [signal] {
      signal->given = true;
      signal->timer.cancel();
    });
  });
  auto [ec] = co_await signal->timer.async_wait(kAwait);
  (void)ec;  // cancelled: looked for; not: the time is over
  if (signal->given) context.reason.clear();
  co_return signal->given;
}

}  // namespace sallyport::gateway
