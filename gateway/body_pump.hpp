// Carries a request's body to the upstream beside the coroutine that waits for the response: the upstream may
// answer early. One buffer's worth is under way at any time.
#pragma once

#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <optional>
#include <string>

#include "gateway/exchange.hpp"
#include "gateway/net/stream.hpp"

namespace sallyport::gateway {

class BodyPump {
 public:
  struct Limits {
    std::uint64_t max_body = 0;  // 0: none; over it 413
    std::chrono::milliseconds write_stall{30'000};
    std::chrono::milliseconds response{30'000};    // from the end of the request to the head of the response
    const http1::ForwardPolicy* policy = nullptr;  // which trailers go along; null: none
  };
  enum class End : std::uint8_t { running, sent, client_gone, refused, too_large, upstream_failed, stopped };

  // Borrows both; they outlive finish().
  BodyPump(Exchange& exchange, Stream& upstream, const Limits& limits, net::any_io_executor executor)
      : exchange_(exchange), upstream_(upstream), limits_(limits), executor_(executor) {}
  BodyPump(const BodyPump&) = delete;
  BodyPump& operator=(const BodyPump&) = delete;

  // `first`: bytes that go before the body (the request head). Writes what is at hand; true: the whole
  // request is out, or the pump has ended in another way. Otherwise start() it.
  Task<bool> begin(std::string_view first);
  void start();
  // Stops it if it still runs and waits until it is gone. Call before the streams die.
  Task<> finish();

  End end() const { return end_; }
  const BodyPiece& refusal() const { return refusal_; }  // where end() is refused
  bool touched_body() const {
    return touched_body_;
  }  // bytes of the client's body have been taken: no second try

 private:
  Task<> run();
  Task<bool> begin_with_body(std::string_view first);
  Task<> wait_for_run();
  Task<bool> step(std::string_view first);  // one piece; false: ended
  void ended(End end);

  Exchange& exchange_;
  Stream& upstream_;
  Limits limits_;
  net::any_io_executor executor_;
  std::optional<net::steady_timer> ended_;  // once it is started
  std::string framing_, last_chunk_;
  std::uint64_t sent_ = 0;
  BodyPiece refusal_;
  End end_ = End::running;
  bool touched_body_ = false;
  bool running_ = false;
};

}  // namespace sallyport::gateway
