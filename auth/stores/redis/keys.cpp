#include "auth/stores/redis/keys.hpp"

#include <openssl/evp.h>

#include <algorithm>

namespace sallyport::stores::redis {

std::string hex(const unsigned char* bytes, std::size_t size) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  out.reserve(size * 2);
  for (std::size_t i = 0; i < size; ++i) {
    out += kDigits[bytes[i] >> 4];
    out += kDigits[bytes[i] & 15];
  }
  return out;
}

Keys::Tag Keys::tag_of(const sessions::SessionId& id) {
  Tag tag;
  std::copy_n(id.bytes.begin(), tag.size(), tag.begin());
  return tag;
}

std::string Keys::tagged(const Tag& tag, std::string_view rest) const {
  std::string key = prefix_ + "{" + hex(tag.data(), tag.size()) + "}:";
  key += rest;
  return key;
}

std::string Keys::session(const sessions::SessionId& id) const {
  return tagged(tag_of(id), "s:" + id.text());
}
std::string Keys::session_index(const Tag& tag) const { return tagged(tag, "sessions"); }
std::string Keys::epoch(const Tag& tag) const { return tagged(tag, "epoch"); }

std::string Keys::events() const { return prefix_ + "{log}:revocations"; }
std::string Keys::marker() const { return prefix_ + "{log}:marker"; }
std::string Keys::trimmed() const { return prefix_ + "{log}:trimmed"; }

std::string Keys::user(std::string_view id) const {
  return tagged(sessions::user_tag(id), "user:" + std::string(id));
}
std::string Keys::names() const { return prefix_ + "{users}:names"; }
std::string Keys::ids() const { return prefix_ + "{users}:ids"; }

std::string Keys::key_ring() const { return prefix_ + "{keys}:ring"; }
std::string Keys::agreed() const { return prefix_ + "{keys}:agreed"; }

namespace {
std::string digest_of(std::string_view text) {
  std::array<unsigned char, 32> digest{};
  unsigned size = 0;
  EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha256(), nullptr);
  return hex(digest.data(), 16);
}
}  // namespace

std::string Keys::attempts(std::string_view key) const { return prefix_ + "attempts:" + digest_of(key); }
std::string Keys::one_time(std::string_view key) const { return prefix_ + "once:" + digest_of(key); }
std::string Keys::email(std::string_view folded) const {
  return prefix_ + "{users}:email:" + digest_of(folded);
}

}  // namespace sallyport::stores::redis
