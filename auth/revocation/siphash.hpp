// SipHash-2-4 with 128 bits of output (Aumasson and Bernstein): a keyed hash that is fast for short strings
// and that a stranger without the key can't steer. Fed in pieces.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace sallyport::revocation {

static_assert(std::endian::native == std::endian::little, "words are read as they lie in memory");

class SipHash128 {
 public:
  using Key = std::array<std::uint64_t, 2>;
  struct Result {
    std::uint64_t first = 0, second = 0;  // bytes 0-7 and 8-15 of the output, little endian
  };

  explicit SipHash128(const Key& key)
      : v0_(key[0] ^ 0x736f6d6570736575u),
        v1_(key[1] ^ 0x646f72616e646f6du ^ 0xee),
        v2_(key[0] ^ 0x6c7967656e657261u),
        v3_(key[1] ^ 0x7465646279746573u) {}

  void add(std::string_view bytes) {
    total_ += bytes.size();
    for (; bytes.size() >= 8; bytes.remove_prefix(8)) {
      std::uint64_t word;
      std::memcpy(&word, bytes.data(), 8);
      add_word(word, 8);
    }
    std::uint64_t rest = 0;
    if (bytes.size() >= 4) {
      std::uint32_t low, high;  // these may overlap
      std::memcpy(&low, bytes.data(), 4);
      std::memcpy(&high, bytes.data() + bytes.size() - 4, 4);
      rest = low | std::uint64_t{high} << (8 * (bytes.size() - 4));
    } else {
      for (std::size_t i = 0; i < bytes.size(); ++i)
        rest |= std::uint64_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
    }
    add_word(rest, static_cast<unsigned>(bytes.size()));
  }

  Result finish() {
    take(word_ | total_ << 56);
    v2_ ^= 0xee;
    for (int i = 0; i < 4; ++i) round();
    Result out;
    out.first = v0_ ^ v1_ ^ v2_ ^ v3_;
    v1_ ^= 0xdd;
    for (int i = 0; i < 4; ++i) round();
    out.second = v0_ ^ v1_ ^ v2_ ^ v3_;
    return out;
  }

 private:
  // The lowest `size` bytes of `word`; the others are 0.
  void add_word(std::uint64_t word, unsigned size) {
    word_ |= word << (8 * held_);
    if (held_ + size >= 8) {
      take(word_);
      word_ = held_ == 0 ? 0 : word >> (8 * (8 - held_));
      held_ -= 8;
    }
    held_ += size;
  }

  void take(std::uint64_t word) {
    v3_ ^= word;
    round(), round();
    v0_ ^= word;
  }

  void round() {
    v0_ += v1_, v1_ = std::rotl(v1_, 13) ^ v0_, v0_ = std::rotl(v0_, 32);
    v2_ += v3_, v3_ = std::rotl(v3_, 16) ^ v2_;
    v0_ += v3_, v3_ = std::rotl(v3_, 21) ^ v0_;
    v2_ += v1_, v1_ = std::rotl(v1_, 17) ^ v2_, v2_ = std::rotl(v2_, 32);
  }

  std::uint64_t v0_, v1_, v2_, v3_;
  std::uint64_t word_ = 0;  // bytes that don't fill a word yet
  unsigned held_ = 0;
  std::uint64_t total_ = 0;
};

}  // namespace sallyport::revocation
