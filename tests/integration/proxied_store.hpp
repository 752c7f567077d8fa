// A gateway's way to its Redis that a test can make slow or mute: the fault proxy on a thread of its own.
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>

#include <future>
#include <thread>

#include "tests/integration/stores/fault_proxy.hpp"
#include "tests/support/redis_server.hpp"

namespace sallyport::testing {

class ProxiedStore {
 public:
  explicit ProxiedStore(const RedisServer& redis)
      : proxy_(context_, redis.port()), thread_([this] { context_.run(); }) {}
  ~ProxiedStore() {
    context_.stop();
    thread_.join();
  }

  std::string url() const { return "redis://127.0.0.1:" + std::to_string(proxy_.port()) + "/0"; }

  // Each is in force when it returns.
  void mute(bool on) {
    tell([this, on] { proxy_.mute(on); });
  }
  void delay(std::chrono::milliseconds each) {
    tell([this, each] { proxy_.delay(each); });
  }
  // Of what Redis says from now on, on any connection; once.
  void cut_after(std::optional<std::size_t> bytes) {
    tell([this, bytes] { proxy_.cut_after(bytes); });
  }

 private:
  template <typename Act>
  void tell(Act act) {
    std::promise<void> done;
    net::post(context_, [&] {
      act();
      done.set_value();
    });
    done.get_future().get();
  }

  net::io_context context_{1};
  net::executor_work_guard<net::io_context::executor_type> work_{context_.get_executor()};
  FaultProxy proxy_;
  std::thread thread_;
};

}  // namespace sallyport::testing
