// SipHash-128 against the reference vectors of its authors (github.com/veorq/SipHash, vectors.h, CC0): key
// 00..0f, message 00 01 02 ... of each length.
#include "auth/revocation/siphash.hpp"

#include <gtest/gtest.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <array>
#include <memory>
#include <string>

namespace sallyport::revocation {
namespace {

std::string key_bytes() {
  std::string key;
  for (int i = 0; i < 16; ++i) key.push_back(static_cast<char>(i));
  return key;
}

std::string message(std::size_t length) {
  std::string text;
  for (std::size_t i = 0; i < length; ++i) text.push_back(static_cast<char>(i));
  return text;
}

SipHash128 keyed() {
  SipHash128::Key key;
  std::memcpy(key.data(), key_bytes().data(), 16);
  return SipHash128(key);
}

std::string bytes_of(SipHash128::Result result) {
  std::string out(16, '\0');
  std::memcpy(out.data(), &result.first, 8);
  std::memcpy(out.data() + 8, &result.second, 8);
  return out;
}

std::string hash_of(std::string_view text) {
  SipHash128 hash = keyed();
  hash.add(text);
  return bytes_of(hash.finish());
}

TEST(SipHash128, GivesTheReferenceVectors) {
  EXPECT_EQ(hash_of(""), std::string("\xa3\x81\x7f\x04\xba\x25\xa8\xe6\x6d\xf6\x72\x14\xc7\x55\x02\x93", 16));
  EXPECT_EQ(hash_of(message(1)),
            std::string("\xda\x87\xc1\xd8\x6b\x99\xaf\x44\x34\x76\x59\x11\x9b\x22\xfc\x45", 16));
}

// OpenSSL's own implementation as a second opinion for every length of tail.
TEST(SipHash128, AgreesWithOpensslForEveryLength) {
  const std::unique_ptr<EVP_MAC, decltype(&EVP_MAC_free)> mac(EVP_MAC_fetch(nullptr, "SIPHASH", nullptr),
                                                              EVP_MAC_free);
  ASSERT_TRUE(mac);
  for (std::size_t length = 0; length < 80; ++length) {
    const std::unique_ptr<EVP_MAC_CTX, decltype(&EVP_MAC_CTX_free)> ctx(EVP_MAC_CTX_new(mac.get()),
                                                                        EVP_MAC_CTX_free);
    std::size_t size = 16;
    const OSSL_PARAM params[] = {OSSL_PARAM_construct_size_t(OSSL_MAC_PARAM_SIZE, &size),
                                 OSSL_PARAM_construct_end()};
    const std::string key = key_bytes(), text = message(length);
    ASSERT_EQ(EVP_MAC_init(ctx.get(), reinterpret_cast<const unsigned char*>(key.data()), key.size(), params),
              1);
    ASSERT_EQ(EVP_MAC_update(ctx.get(), reinterpret_cast<const unsigned char*>(text.data()), text.size()), 1);
    std::string expected(16, '\0');
    std::size_t written = 0;
    ASSERT_EQ(EVP_MAC_final(ctx.get(), reinterpret_cast<unsigned char*>(expected.data()), &written,
                            expected.size()),
              1);
    EXPECT_EQ(hash_of(text), expected) << "length " << length;
  }
}

TEST(SipHash128, IsTheSameInWhateverPiecesItIsFed) {
  const std::string text = message(61);
  for (std::size_t first = 0; first <= text.size(); ++first)
    for (std::size_t second = first; second <= text.size(); second += 5) {
      SipHash128 hash = keyed();
      hash.add(std::string_view(text).substr(0, first));
      hash.add(std::string_view(text).substr(first, second - first));
      hash.add(std::string_view(text).substr(second));
      ASSERT_EQ(bytes_of(hash.finish()), hash_of(text)) << first << ' ' << second;
    }
}

}  // namespace
}  // namespace sallyport::revocation
