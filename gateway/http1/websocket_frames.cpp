// See websocket_frames.hpp.
#include "gateway/http1/websocket_frames.hpp"

#include <algorithm>

namespace sallyport::http1 {
namespace {

constexpr unsigned char kOpcode = 0x0f;
constexpr unsigned char kClose = 0x08;
constexpr unsigned char kFinal = 0x80;
constexpr unsigned char kMasked = 0x80;
constexpr unsigned char kLength = 0x7f;
constexpr std::size_t kMaxReason = 123;  // a control frame carries 125 bytes, two of them the code

std::string head_of(std::size_t payload, bool masked) {
  std::string frame;
  frame.push_back(static_cast<char>(kFinal | kClose));
  frame.push_back(static_cast<char>(payload | (masked ? kMasked : 0)));
  return frame;
}

std::string payload_of(std::uint16_t code, std::string_view reason) {
  std::string payload;
  payload.push_back(static_cast<char>(code >> 8));
  payload.push_back(static_cast<char>(code & 0xff));
  payload.append(reason.substr(0, kMaxReason));
  return payload;
}

bool is_base64(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/';
}

}  // namespace

std::size_t FrameCounter::wanted() const {
  if (head_size_ < 2) return 2;
  const unsigned char length = head_[1] & kLength;
  return 2u + (length == 126 ? 2u : length == 127 ? 8u : 0u) + ((head_[1] & kMasked) != 0 ? 4u : 0u);
}

std::size_t FrameCounter::step(std::string_view bytes) {
  if (payload_left_ > 0) {
    const auto taken = static_cast<std::size_t>(std::min<std::uint64_t>(payload_left_, bytes.size()));
    payload_left_ -= taken;
    if (payload_left_ == 0) closed_ = closed_ || closing_frame_;
    return taken;
  }
  const std::size_t taken = std::min(wanted() - head_size_, bytes.size());
  std::copy_n(bytes.begin(), taken, head_.begin() + static_cast<std::ptrdiff_t>(head_size_));
  head_size_ += taken;
  if (head_size_ < wanted()) return taken;
  const unsigned char length = head_[1] & kLength;
  const std::size_t extended = length == 126 ? 2 : length == 127 ? 8 : 0;
  payload_left_ = extended == 0 ? length : 0;
  for (std::size_t i = 0; i < extended; ++i) payload_left_ = payload_left_ << 8 | head_[2 + i];
  head_size_ = 0;
  closing_frame_ = (head_[0] & kOpcode) == kClose;
  if (payload_left_ == 0) closed_ = closed_ || closing_frame_;
  return taken;
}

void FrameCounter::pass(std::string_view bytes) {
  while (!bytes.empty()) bytes.remove_prefix(step(bytes));
}

std::size_t FrameCounter::to_boundary(std::string_view bytes) const {
  FrameCounter ahead = *this;
  std::size_t count = 0;
  while (!ahead.at_boundary() && count < bytes.size()) count += ahead.step(bytes.substr(count));
  return count;
}

std::string close_frame(std::uint16_t code, std::string_view reason) {
  const std::string payload = payload_of(code, reason);
  return head_of(payload.size(), false) + payload;
}

std::string close_frame(std::uint16_t code, std::string_view reason, const Mask& mask) {
  std::string payload = payload_of(code, reason);
  for (std::size_t i = 0; i < payload.size(); ++i)
    payload[i] = static_cast<char>(static_cast<unsigned char>(payload[i]) ^ mask[i % mask.size()]);
  std::string frame = head_of(payload.size(), true);
  frame.append(mask.begin(), mask.end());
  return frame + payload;
}

bool is_websocket_key(std::string_view value) {
  return value.size() == 24 && value.ends_with("==") &&
         std::all_of(value.begin(), value.begin() + 22, is_base64);
}

}  // namespace sallyport::http1
