// Posts messages to the webhook, in the background: workers hand them over and go on. Bounded; a message that
// isn't taken is tried again with growing pauses until its attempts or its token are used up, and then given
// up with a line in the log. On the control thread, but for what says otherwise.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <atomic>
#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <string>

#include "config/config.hpp"
#include "gateway/messages.hpp"
#include "gateway/net/http_call.hpp"

namespace sallyport::gateway {

class Webhook {
 public:
  explicit Webhook(net::io_context& control);

  // From now on; nothing: messages are dropped. Those that wait go to the new place.
  void use(const std::optional<config::Webhook>& rules);
  void stop();  // what waits is lost, and the log says how much

  // Any thread:
  // Before a message is made: is there room for one? It stays taken until post() or release().
  bool reserve();
  void release() { --waiting_; }
  void post(Message message, std::string page);

  struct Counters {
    std::uint64_t sent = 0, failed = 0, dropped = 0;
    std::size_t waiting = 0;
  };
  Counters counters() const { return {sent_, failed_, dropped_, waiting_}; }

 private:
  struct Pending {
    std::string_view event;
    std::string id;
    config::Secret body;
    UnixSeconds expires{};
    unsigned attempts = 0;
  };
  using Queue = std::multimap<SteadyTime, Pending>;  // by the moment when it is due

  void take(Pending pending);
  void send_due();
  Task<> tick();
  Task<> deliver(Pending pending);
  void again(Pending pending, const std::string& problem);
  void end(const Pending& pending, bool sent, const std::string& problem);

  net::io_context& control_;
  Deadlines deadlines_;
  HttpCaller caller_;
  net::steady_timer ticker_;
  std::optional<config::Webhook> rules_;
  std::optional<HttpUrl> url_;
  Queue queue_;
  unsigned in_flight_ = 0;
  bool ticking_ = false;
  bool stopped_ = false;
  std::minstd_rand random_{std::random_device{}()};
  std::atomic<std::size_t> waiting_{0}, limit_{0};
  std::atomic<std::uint64_t> sent_{0}, failed_{0}, dropped_{0};
};

}  // namespace sallyport::gateway
