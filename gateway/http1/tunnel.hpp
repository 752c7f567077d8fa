// Carries bytes both ways between a client and an upstream that have left HTTP, until one of them ends, both
// fall silent, or the tunnel is told to end: then a WebSocket hears Close at the next frame boundary, in both
// directions, and is cut a little later. Holds no buffer while nothing comes.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "auth/task.hpp"
#include "gateway/http1/websocket_frames.hpp"
#include "gateway/net/buffers.hpp"
#include "gateway/net/deadlines.hpp"
#include "gateway/net/stream.hpp"

namespace sallyport::http1 {

class Tunnel {
 public:
  struct Limits {
    std::chrono::milliseconds idle{3'600'000};      // no byte in either direction
    std::chrono::milliseconds write_stall{30'000};  // a side that takes no byte
  };
  static constexpr std::chrono::seconds kLastWords{2};  // from end() to the cut
  static constexpr std::uint16_t kUnauthorized = 4401;  // RFC 6455 7.4.2: private use

  // Borrows all of them; they outlive run().
  Tunnel(gateway::Stream& client, gateway::Stream& upstream, gateway::Deadlines& deadlines,
         gateway::BufferPool& blocks, const Limits& limits, net::any_io_executor executor);
  Tunnel(const Tunnel&) = delete;
  Tunnel& operator=(const Tunnel&) = delete;

  // What goes through are WebSocket frames; `mask` (random) is for the Close towards the upstream.
  void speaks_websocket(const Mask& mask) { mask_ = mask; }

  // First what came together with the heads.
  Task<> begin(std::string_view from_client, std::string_view from_upstream);
  // Until it has ended. Afterwards the streams are to be closed.
  Task<> run();
  // Ends it; `reason` is for the peers (a Close carries it) and must outlive run(). From within the thread.
  void end(std::string_view reason);

  std::uint64_t bytes_from_client() const { return up_.bytes; }
  std::uint64_t bytes_from_upstream() const { return down_.bytes; }
  std::string_view cause() const { return cause_; }  // for the log; empty: the peers ended it

 private:
  struct Direction {
    gateway::Stream& from;
    gateway::Stream& to;
    FrameCounter frames{};
    std::uint64_t bytes = 0;
    bool said_close = false;  // our Close is out: nothing follows it
    bool done = false;        // nothing more comes, or is of interest
    bool woken = false;       // end() interrupted a wait
  };
  struct Timer final : gateway::Deadline {
    explicit Timer(Tunnel& owner) : tunnel(owner) {}
    void expire() override;
    Tunnel& tunnel;
  };

  Task<> pump(Direction& d);
  Task<> pump_beside();
  Task<bool> pass(Direction& d, std::string_view bytes);
  Task<bool> say_close(Direction& d);
  Task<bool> write(Direction& d, std::string_view bytes);
  void heard(Direction& d);  // the last that this direction will bring
  void touch();
  void cut(std::string_view cause);
  bool ending() const { return !reason_.empty(); }

  Direction up_, down_;
  gateway::Deadlines& deadlines_;
  gateway::BufferPool& blocks_;
  Limits limits_;
  net::any_io_executor executor_;
  net::steady_timer both_ended_;
  Timer timer_{*this};  // the silence, then the cut
  std::optional<Mask> mask_;
  std::string_view reason_;
  std::string_view cause_;
  bool cut_ = false;
  bool beside_ = false;
};

}  // namespace sallyport::http1
