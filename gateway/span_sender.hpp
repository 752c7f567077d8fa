// Sends spans to the collector that `tracing` names, in the background: workers hand them over and go on.
// Bounded: what finds no room is dropped, what the collector doesn't take is given up, and both are counted.
// On the control thread, but for what says otherwise.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <atomic>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "config/config.hpp"
#include "gateway/net/http_call.hpp"

namespace sallyport::gateway {

class SpanSender {
 public:
  // A worker hands over what it has gathered at this many, and at each of its ticks.
  static constexpr unsigned kHandOver = 64;

  explicit SpanSender(net::io_context& control);

  // From now on; nothing: what waits and what still comes is dropped. Else it goes to the new place.
  void use(const std::optional<config::Tracing>& rules);
  void stop();  // what waits is offered for one second more

  // Any thread:
  // What append_spans() wrote, one or several times. Never waits.
  void submit(std::string spans, unsigned count);

  struct Counters {
    std::uint64_t sent = 0, dropped = 0, failed = 0;
  };
  Counters counters() const { return {sent_, dropped_, failed_}; }

 private:
  struct Piece {
    std::string spans;
    unsigned count = 0;
    SteadyTime since{};
  };
  struct Batch {
    std::string body;
    unsigned count = 0;
    unsigned attempts = 0;
  };

  void take(std::string spans, unsigned count);
  bool due(SteadyTime now) const;
  void send_due(SteadyTime now);
  Batch next_batch();
  HttpCall call_with(const Batch& batch) const;
  Task<> tick();
  Task<> deliver(Batch batch, HttpCall call);
  void end(const Batch& batch, bool sent, const std::string& problem);
  void drop_waiting();

  net::io_context& control_;
  Deadlines deadlines_;
  HttpCaller caller_;
  net::steady_timer ticker_;
  std::optional<config::Tracing> rules_;
  std::optional<HttpUrl> url_;
  std::deque<Piece> queue_;
  unsigned queued_ = 0;           // spans in it
  std::optional<Batch> offered_;  // by a collector that told us to come again, then
  SteadyTime again_{};
  bool in_flight_ = false;
  bool ticking_ = false;
  bool well_ = true;                        // the last batch was taken
  SteadyTime give_up_ = SteadyTime::max();  // once stopped
  std::atomic<std::size_t> waiting_{0}, limit_{0};
  std::atomic<std::uint64_t> sent_{0}, dropped_{0}, failed_{0};
};

}  // namespace sallyport::gateway
