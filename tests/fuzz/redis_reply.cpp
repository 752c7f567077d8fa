// Bytes that claim to come from Redis: whatever they are, reading ends, the limits hold, and it is the same
// whether they come at once or one by one.
// Covers: auth/stores/redis/resp.cpp
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "auth/stores/redis/resp.hpp"

namespace {

using namespace sallyport::stores::redis;

constexpr ReplyLimits kLimits{.elements = 1000, .depth = 5, .bytes = 4096};

void require(bool held) {
  if (!held) std::abort();
}

std::size_t elements_of(const Reply& reply, std::size_t depth) {
  require(depth <= kLimits.depth + 1);
  std::size_t all = reply.elements.size();
  for (const Reply& element : reply.elements) all += elements_of(element, depth + 1);
  return all;
}

void append(std::string& out, const Reply& reply) {
  out += std::to_string(static_cast<int>(reply.type)) + ":" + std::to_string(reply.integer) + ":" +
         reply.text + "(";
  for (const Reply& element : reply.elements) append(out, element);
  out += ")";
}

// Every reply that was whole, and whether the reader broke.
std::string read(std::string_view bytes, std::size_t step) {
  ReplyReader reader(kLimits);
  std::string seen;
  while (!bytes.empty()) {
    const std::string_view piece = bytes.substr(0, step);
    bytes.remove_prefix(piece.size());
    const bool fed = reader.feed(piece);
    for (;;) {
      const auto next = reader.next();
      if (!next) return seen + "broken";
      if (!*next) break;
      require(elements_of(**next, 0) <= kLimits.elements);
      append(seen, **next);
    }
    if (!fed) return seen + "broken";
  }
  return seen;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (size > kLimits.bytes / 2)
    return 0;  // the limit on bytes counts what is buffered, which differs by the step
  require(read(bytes, size + 1) == read(bytes, 1));
  return 0;
}
