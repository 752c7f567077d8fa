#include "gateway/await_key.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <memory>

#include "auth/sessions/refresh_key.hpp"
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

Task<bool> await_key(Worker& worker, jose::KeyWish wish) {
  KeyKeeper* const keeper = worker.key_keeper();
  if (keeper == nullptr || worker.key_waits() >= kMaxKeyWaits) co_return false;
  if (!worker.serving()->runtime->may_learn(wish.issuer)) co_return false;

  const Place place(worker.key_waits());
  const net::any_io_executor executor = worker.executor();
  const auto signal = std::make_shared<Signal>(executor);
  signal->timer.expires_after(kKeyPatience);
  keeper->wish(std::move(wish), [signal, executor] {
    net::post(executor, [signal] {
      signal->given = true;
      signal->timer.cancel();
    });
  });
  auto [ec] = co_await signal->timer.async_wait(kAwait);
  (void)ec;  // cancelled: looked for; not: the time is over
  co_return signal->given;
}

Task<> await_refresh_key(Worker& worker, const std::string& token) {
  const std::optional<std::string> id = sessions::refresh_key_id(token);
  const auto keys = worker.keys();
  const bool known = std::any_of(keys->refresh.begin(), keys->refresh.end(),
                                 [&](const jose::MacKey& key) { return key.id == id; });
  if (!id || known) co_return;
  jose::KeyWish wish{worker.serving()->runtime->config.tokens.issuer, *id};
  const bool looked = co_await await_key(worker, std::move(wish));
  (void)looked;
}

Task<bool> await_key(Worker& worker, const RequestHead& head, RequestContext& context) {
  std::optional<jose::KeyWish> wish = jose::key_wish(credential_of(head).token);
  if (!wish) co_return false;
  const bool looked = co_await await_key(worker, std::move(*wish));
  if (looked) context.reason.clear();
  co_return looked;
}

}  // namespace sallyport::gateway
