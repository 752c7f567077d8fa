// Where one WebSocket frame ends and the next begins, however the bytes are cut.
#include "gateway/http1/websocket_frames.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace sallyport::http1 {
namespace {

std::string frame(unsigned char first, std::size_t payload, bool masked = false) {
  std::string out(1, static_cast<char>(first));
  const int mask = masked ? 0x80 : 0;
  if (payload < 126) {
    out += static_cast<char>(mask | static_cast<int>(payload));
  } else if (payload < 65536) {
    out += static_cast<char>(mask | 126);
    out += static_cast<char>(payload >> 8);
    out += static_cast<char>(payload & 0xff);
  } else {
    out += static_cast<char>(mask | 127);
    for (int shift = 56; shift >= 0; shift -= 8) out += static_cast<char>(payload >> shift);
  }
  if (masked) out += "mask";
  return out + std::string(payload, '\x88');  // looks like a Close: payload must not be read as a head
}

struct Shape {
  const char* name;
  std::string bytes;
};

std::vector<Shape> shapes() {
  return {{"empty", frame(0x81, 0)},
          {"empty masked", frame(0x81, 0, true)},
          {"short", frame(0x82, 125)},
          {"short masked", frame(0x82, 125, true)},
          {"two bytes of length", frame(0x82, 126)},
          {"two bytes of length masked", frame(0x82, 65535, true)},
          {"eight bytes of length", frame(0x82, 65536)},
          {"eight bytes of length masked", frame(0x82, 70000, true)},
          {"fragment", frame(0x01, 3)},
          {"continuation", frame(0x80, 3)},
          {"compressed", frame(0xc1, 9)},
          {"ping", frame(0x89, 4, true)}};
}

TEST(FrameCounter, KnowsTheEndOfEachFrameHoweverItIsCut) {
  for (const Shape& shape : shapes())
    for (const std::size_t cut :
         {std::size_t{1}, std::size_t{2}, std::size_t{3}, std::size_t{7}, std::size_t{4096}}) {
      FrameCounter counter;
      for (std::size_t at = 0; at < shape.bytes.size(); at += cut) {
        if (at > 0 && counter.at_boundary()) ADD_FAILURE() << shape.name << " cut " << cut << " at " << at;
        counter.pass(std::string_view(shape.bytes).substr(at, cut));
      }
      EXPECT_TRUE(counter.at_boundary()) << shape.name << " cut " << cut;
      EXPECT_FALSE(counter.closed()) << shape.name;
    }
}

TEST(FrameCounter, SaysHowMuchOfTheNextBytesStillBelongsToTheFrame) {
  const std::string two = frame(0x82, 200, true) + frame(0x81, 5);
  const std::size_t first = frame(0x82, 200, true).size();
  for (std::size_t passed = 0; passed <= first; ++passed) {
    FrameCounter counter;
    counter.pass(std::string_view(two).substr(0, passed));
    const std::size_t left = passed == 0 ? 0 : first - passed;
    EXPECT_EQ(counter.to_boundary(std::string_view(two).substr(passed)), left) << passed;
  }
}

TEST(FrameCounter, SaysThatAllBytesBelongToAFrameThatGoesOnBehindThem) {
  FrameCounter counter;
  counter.pass(frame(0x82, 1000).substr(0, 10));
  EXPECT_EQ(counter.to_boundary("abc"), 3u);
}

TEST(FrameCounter, SeesACloseOnlyWhenItIsWhole) {
  FrameCounter counter;
  const std::string close = close_frame(1000, "bye");
  counter.pass(std::string_view(close).substr(0, close.size() - 1));
  EXPECT_FALSE(counter.closed());
  counter.pass(std::string_view(close).substr(close.size() - 1));
  EXPECT_TRUE(counter.closed());
  FrameCounter bare;
  bare.pass(std::string_view("\x88\x00", 2));
  EXPECT_TRUE(bare.closed());
}

TEST(FrameCounter, NeverEndsAFrameThatClaimsTheLongestLength) {
  FrameCounter counter;
  counter.pass("\x82\x7f\xff\xff\xff\xff\xff\xff\xff\xff");
  counter.pass(std::string(100'000, 'x'));
  EXPECT_FALSE(counter.at_boundary());
}

// RFC 6455 5.5.1, 7.4.2 (4000-4999: private use).
TEST(CloseFrame, IsAFinalControlFrameWithCodeAndReason) {
  EXPECT_EQ(close_frame(4401, "token_expired"), std::string("\x88\x0f\x11\x31", 4) + "token_expired");
}

TEST(CloseFrame, IsMaskedTowardsAServer) {
  const Mask mask{1, 2, 3, 4};
  std::string frame = close_frame(4401, "x", mask);
  ASSERT_EQ(frame.size(), 9u);
  EXPECT_EQ(frame.substr(0, 6), std::string("\x88\x83\x01\x02\x03\x04", 6));
  for (std::size_t i = 6; i < frame.size(); ++i) frame[i] = static_cast<char>(frame[i] ^ mask[i - 6]);
  EXPECT_EQ(frame.substr(6), "\x11\x31x");
}

TEST(CloseFrame, CutsAReasonThatDoesNotFitAControlFrame) {
  EXPECT_EQ(close_frame(4401, std::string(500, 'x')).size(), 127u);
}

TEST(WebSocketKey, IsSixteenBytesInBase64) {
  EXPECT_TRUE(is_websocket_key("dGhlIHNhbXBsZSBub25jZQ=="));  // RFC 6455 1.3
  for (const std::string_view bad :
       {"", "dGhlIHNhbXBsZSBub25jZQ", "dGhlIHNhbXBsZSBub25jZQ=", "dGhlIHNhbXBsZSBub25jZ===",
        "dGhlIHNhbXBsZSBub25jZ-==", "dGhlIHNhbXBsZSBub25jZQ==,dGhlIHNhbXBsZSBub25jZQ=="})
    EXPECT_FALSE(is_websocket_key(bad)) << bad;
}

}  // namespace
}  // namespace sallyport::http1
