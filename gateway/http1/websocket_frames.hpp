// Follows the frames of a WebSocket through a tunnel (RFC 6455 5.2) without keeping a byte of them: only to
// know where one frame ends and the next begins, which is the one place where a frame of our own may stand.
// Pure.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace sallyport::http1 {

// One direction of one tunnel.
class FrameCounter {
 public:
  // These bytes pass.
  void pass(std::string_view bytes);

  // How many of `bytes`, which come next, belong to the frame under way: 0 at a boundary, all of them where
  // it goes on behind them. Changes nothing.
  std::size_t to_boundary(std::string_view bytes) const;

  // Between two frames: here a frame of ours may stand, unless the peer has said Close.
  bool at_boundary() const { return head_size_ == 0 && payload_left_ == 0; }
  // The peer has said Close: nothing may follow it (5.5.1).
  bool closed() const { return closed_; }

 private:
  std::size_t step(std::string_view bytes);  // one head or the payload at hand; how much it took
  std::size_t wanted() const;                // size of the head under way, as far as is known

  std::array<unsigned char, 14> head_{};
  std::size_t head_size_ = 0;  // bytes of an unfinished head
  std::uint64_t payload_left_ = 0;
  bool closed_ = false;
  bool closing_frame_ = false;  // the frame under way is a Close
};

using Mask = std::array<unsigned char, 4>;

// A Close frame (5.5.1). A client masks what it sends, a server never (5.1): towards the upstream give four
// random bytes. `reason` at most 123 bytes of UTF-8.
std::string close_frame(std::uint16_t code, std::string_view reason);
std::string close_frame(std::uint16_t code, std::string_view reason, const Mask& mask);

// What a Sec-WebSocket-Key must be: 16 bytes in base64 (4.1).
bool is_websocket_key(std::string_view value);

}  // namespace sallyport::http1
