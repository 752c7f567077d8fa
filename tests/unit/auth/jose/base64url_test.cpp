// J4: one byte string has one spelling.
#include "auth/jose/base64url.hpp"

#include <gtest/gtest.h>

namespace sallyport::jose {
namespace {

struct Pair {
  const char* name;
  std::string_view bytes, text;
};
constexpr Pair kPairs[] = {
    {"nothing", "", ""},
    {"one byte", "f", "Zg"},
    {"two bytes", "fo", "Zm8"},
    {"three bytes", "foo", "Zm9v"},
    {"four bytes", "foob", "Zm9vYg"},
    {"minus and underscore", "\xfb\xff\xbf", "-_-_"},
};

TEST(Base64url, WritesAndReadsRfc4648) {
  for (const Pair& pair : kPairs) {
    EXPECT_EQ(base64url_encode(pair.bytes), pair.text) << pair.name;
    EXPECT_EQ(base64url_decode(pair.text), pair.bytes) << pair.name;
  }
}

TEST(Base64url, RefusesEveryOtherSpelling) {
  const std::pair<const char*, std::string_view> rows[] = {
      {"padding", "Zg=="},
      {"one character", "Z"},
      {"five characters", "Zm9vY"},
      {"plus", "+_-_"},
      {"slash", "/_-_"},
      {"blank inside", "Zm 9v"},
      {"blank behind", "Zm9v "},
      {"line end", "Zm9v\n"},
      {"low bits of one byte", "Zh"},
      {"low bits of two bytes", "Zm9"},
      {"NUL", std::string_view("Zm\0v", 4)},
      {"high byte", "Zm\xe9v"},
      {"only padding", "===="},
      {"a dot", "Zm.v"},
  };
  for (const auto& [name, text] : rows) EXPECT_FALSE(base64url_decode(text)) << name;
}

TEST(Base64url, IsABijectionOverAllPairsOfBytes) {
  std::string buffer, spelled;
  for (int a = 0; a < 256; ++a)
    for (int b = 0; b < 256; ++b) {
      const std::string bytes{static_cast<char>(a), static_cast<char>(b)};
      spelled.clear();
      base64url_append(spelled, bytes);
      ASSERT_TRUE(base64url_decode_into(spelled, buffer));
      ASSERT_EQ(buffer, bytes);
    }
}

TEST(Base64url, AcceptsOnlyCanonicalLastCharacters) {
  int accepted = 0;
  for (int c = 0; c < 256; ++c) accepted += base64url_decode(std::string("A") + static_cast<char>(c)) ? 1 : 0;
  EXPECT_EQ(accepted, 4);  // two of its six bits count
  accepted = 0;
  for (int c = 0; c < 256; ++c)
    accepted += base64url_decode(std::string("AA") + static_cast<char>(c)) ? 1 : 0;
  EXPECT_EQ(accepted, 16);
}

}  // namespace
}  // namespace sallyport::jose
