// The refresh token's codec: one spelling, no forgery, keys that rotate.
#include "auth/sessions/refresh_token.hpp"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

#include "auth/jose/base64url.hpp"

namespace sallyport::sessions {
namespace {

jose::MacKey key(std::string id, char fill) { return {std::move(id), config::Secret(std::string(32, fill))}; }

RefreshClaim claim(std::uint32_t generation = 0x01020304) {
  RefreshClaim claim;
  for (std::size_t i = 0; i < claim.session.bytes.size(); ++i)
    claim.session.bytes[i] = static_cast<unsigned char>(i);
  claim.generation = generation;
  return claim;
}

TEST(RefreshToken, ReadsWhatItWrote) {
  const RefreshCodec codec({key("keyAAAAA", 'a')});
  for (const std::uint32_t generation : {0u, 1u, 0x01020304u, 0xffffffffu}) {
    const std::string text = codec.write(claim(generation));
    EXPECT_EQ(text.size(), kRefreshTokenLength);
    EXPECT_EQ(text.substr(0, 3), "v1.");
    EXPECT_EQ(codec.read(text), claim(generation));
  }
}

// A lost reply is answered with the same successor: S4.
TEST(RefreshToken, IsTheSameTextForTheSameSessionAndGeneration) {
  const RefreshCodec one({key("keyAAAAA", 'a')}), two({key("keyAAAAA", 'a'), key("keyBBBBB", 'b')});
  EXPECT_EQ(one.write(claim()), two.write(claim()));
  EXPECT_NE(one.write(claim(1)), one.write(claim(2)));
}

// HMAC-SHA256 of label, key id, session id and generation, made with another implementation (Python's hmac
// module).
TEST(RefreshToken, HasTheLayoutThatItsHeaderPromises) {
  const RefreshCodec codec({key("keyAAAAA", 'a')});
  const auto bytes = jose::base64url_decode(codec.write(claim()).substr(3));
  ASSERT_TRUE(bytes);
  ASSERT_EQ(bytes->size(), 68u);
  EXPECT_EQ(bytes->substr(0, 8), "keyAAAAA");
  EXPECT_EQ(bytes->substr(32, 4), std::string("\x01\x02\x03\x04", 4));
  static constexpr unsigned char kExpected[] = {
      0xf4, 0xad, 0xd1, 0x0a, 0x63, 0xec, 0xab, 0x39, 0xd4, 0x36, 0x59, 0xd6, 0xc4, 0xca, 0x2e, 0xaa,
      0x9a, 0x24, 0xde, 0xd1, 0xe7, 0x44, 0x8c, 0xd0, 0xf2, 0x8c, 0x14, 0x48, 0x03, 0x3f, 0xaf, 0x10};
  EXPECT_EQ(bytes->substr(36), std::string(reinterpret_cast<const char*>(kExpected), sizeof kExpected));
}

TEST(RefreshToken, RefusesEveryChangeOfOneBit) {
  const RefreshCodec codec({key("keyAAAAA", 'a'), key("keyBBBBB", 'b')});
  const std::string bytes = *jose::base64url_decode(codec.write(claim()).substr(3));
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::string forged = bytes;
    forged[bit / 8] = static_cast<char>(forged[bit / 8] ^ (1 << bit % 8));
    EXPECT_FALSE(codec.read("v1." + jose::base64url_encode(forged))) << "bit " << bit;
  }
}

TEST(RefreshToken, RefusesEveryOtherSpelling) {
  const RefreshCodec codec({key("keyAAAAA", 'a')});
  const std::string good = codec.write(claim());
  ASSERT_TRUE(codec.read(good));
  std::string stray = good;  // 68 bytes leave 2 stray bits in the last character
  stray.back() = static_cast<char>(stray.back() + 1);
  for (const std::string& wrong :
       {std::string(), good.substr(3), "v2." + good.substr(3), "V1." + good.substr(3), good + "=", " " + good,
        good + "\n", good.substr(0, good.size() - 1), good + "A", stray, "v1." + std::string(91, '.'),
        std::string(94, '\0')})
    EXPECT_FALSE(codec.read(wrong)) << wrong;
}

// Rotation of the MAC key: the newest signs, all verify, a removed one no longer.
TEST(RefreshToken, IsReadUnderAnyKeyThatIsStillThere) {
  const RefreshCodec old_only({key("keyAAAAA", 'a')});
  const RefreshCodec both({key("keyBBBBB", 'b'), key("keyAAAAA", 'a')});
  const RefreshCodec new_only({key("keyBBBBB", 'b')});
  EXPECT_EQ(both.read(old_only.write(claim())), claim());
  EXPECT_EQ(new_only.read(both.write(claim())), claim());
  EXPECT_FALSE(new_only.read(old_only.write(claim())));
}

TEST(RefreshToken, RefusesTheSameIdWithAnotherSecret) {
  EXPECT_FALSE(
      RefreshCodec({key("keyAAAAA", 'x')}).read(RefreshCodec({key("keyAAAAA", 'a')}).write(claim())));
}

TEST(RefreshCodec, BindsATokenToTheClientThatGotIt) {
  const RefreshCodec codec({key("keyAAAAA", 'a')});
  const std::string shop = codec.write(claim(), "shop"), ours = codec.write(claim());
  EXPECT_EQ(codec.read(shop, "shop"), claim());
  EXPECT_FALSE(codec.read(shop));
  EXPECT_FALSE(codec.read(shop, "shops"));
  EXPECT_FALSE(codec.read(ours, "shop"));
  EXPECT_EQ(codec.read(ours), claim());
  EXPECT_EQ(shop.size(), ours.size());
}

TEST(RefreshCodec, RefusesKeysThatCannotServe) {
  EXPECT_THROW(RefreshCodec(std::vector<jose::MacKey>{}), std::invalid_argument);
  EXPECT_THROW(RefreshCodec({key("short", 'a')}), std::invalid_argument);
  EXPECT_THROW(RefreshCodec({jose::MacKey{"keyAAAAA", config::Secret("weak")}}), std::invalid_argument);
}

}  // namespace
}  // namespace sallyport::sessions
