// Responses as a broken or hostile upstream sends them: the first byte chooses whether they answer a HEAD,
// the rest is what the upstream sent before it closed. Beast reads the same head.
// Covers: gateway/http1/reader.cpp, gateway/http1/head_scan.cpp, gateway/http1/head_rules.cpp,
// gateway/http1/target.cpp, gateway/http1/chunk_reader.cpp, gateway/http1/field_ids.cpp
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "gateway/http1/reader.hpp"
#include "tests/support/beast_head.hpp"

namespace {

void require(bool held) {
  if (!held) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sallyport::http1;
  if (size == 0) return 0;
  std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  ResponseReader reader{HeadLimits{}};
  reader.reset((data[0] & 1) != 0);
  const HeadStep head = reader.read_head(bytes);
  if (head.progress != Progress::complete) return 0;
  require(head.consumed > 0 && head.consumed <= bytes.size());
  require(reader.head().status >= 100 && reader.head().status <= 999);
  require(sallyport::testing::beast_agrees(bytes.substr(0, head.consumed), reader.head()));
  bytes.remove_prefix(head.consumed);
  for (;;) {
    const BodyStep body = reader.read_body(bytes);
    require(body.consumed <= bytes.size());
    bytes.remove_prefix(body.consumed);
    if (body.progress != Progress::need_more) return 0;
    if (body.consumed == 0) break;
  }
  require(reader.end_of_stream().progress != Progress::need_more);
  return 0;
}
