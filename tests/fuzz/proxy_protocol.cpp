// PROXY headers as strangers send them: whatever the bytes, the reader stays inside them, never wants more
// than its limit, and says the same of a header whether it came at once or byte by byte.
// Covers: gateway/net/proxy_protocol.cpp
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "gateway/net/proxy_protocol.hpp"

namespace {

using namespace sallyport::gateway;
using State = ProxyHeader::State;

void require(bool held) {
  if (!held) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const ProxyHeader at_once = read_proxy_header(bytes);
  require(at_once.state != State::need_more || size < kMaxProxyHeader);
  require(at_once.consumed <= size);
  require((at_once.state == State::complete) == (at_once.consumed > 0));
  require((at_once.state == State::refused) == !at_once.reason.empty());
  ProxyHeader slowly;
  for (std::size_t n = 0; n <= size && slowly.state == State::need_more; ++n)
    slowly = read_proxy_header(bytes.substr(0, n));
  require(slowly.state == at_once.state);
  if (at_once.state != State::complete) return 0;
  require(slowly.consumed == at_once.consumed && slowly.client == at_once.client &&
          slowly.port == at_once.port && slowly.names_client == at_once.names_client);
  return 0;
}
