// Requests as strangers send them: whatever the bytes, the reader ends, stays inside them, and says the same
// whether they come at once or one by one, and the same as Beast (a difference is how smuggling begins).
// Covers: gateway/http1/reader.cpp, gateway/http1/head_scan.cpp, gateway/http1/head_rules.cpp,
// gateway/http1/target.cpp, gateway/http1/chunk_reader.cpp, gateway/http1/field_ids.cpp
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "gateway/http1/reader.hpp"
#include "tests/support/beast_head.hpp"

namespace {

using namespace sallyport::http1;

void require(bool held) {
  if (!held) std::abort();
}

struct Seen {
  bool refused = false;
  bool whole = false;
  unsigned status = 0;
  std::string text;  // method, target, fields and body
};

// Gives the reader `step` more bytes at a time.
Seen read(std::string_view bytes, std::size_t step) {
  RequestReader reader{HeadLimits{}};
  reader.reset();
  Seen seen;
  std::size_t given = 0;
  HeadStep head;
  do {
    given = given + step < bytes.size() ? given + step : bytes.size();
    head = reader.read_head(bytes.substr(0, given));
  } while (head.progress == Progress::need_more && given < bytes.size());
  if (head.progress == Progress::refused) {
    seen.refused = true;
    seen.status = head.refusal.status;
    return seen;
  }
  if (head.progress == Progress::need_more) return seen;
  require(head.consumed > 0 && head.consumed <= given);
  require(sallyport::testing::beast_agrees(bytes.substr(0, head.consumed), reader.head()));
  seen.text = std::string(reader.head().method) + ' ' + std::string(reader.head().target) + '\n';
  for (const auto& field : reader.head().fields)
    seen.text += std::string(field.name) + ':' + std::string(field.value) + '\n';

  std::size_t at = head.consumed;
  for (;;) {
    const std::string_view window = bytes.substr(at, given - at);
    const BodyStep body = reader.read_body(window);
    require(body.consumed <= window.size());
    require(body.piece.empty() || (body.piece.data() >= window.data() &&
                                   body.piece.data() + body.piece.size() <= window.data() + window.size()));
    seen.text += body.piece;
    at += body.consumed;
    if (body.progress == Progress::refused) {
      seen.refused = true;
      seen.status = body.refusal.status;
      return seen;
    }
    if (body.progress == Progress::complete) {
      seen.whole = true;
      return seen;
    }
    if (body.consumed > 0) continue;
    if (given == bytes.size()) return seen;
    given = given + step < bytes.size() ? given + step : bytes.size();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const Seen at_once = read(bytes, size + 1);
  const Seen slowly = read(bytes, 1);
  require(at_once.refused == slowly.refused && at_once.whole == slowly.whole);
  if (at_once.whole) require(at_once.text == slowly.text);
  if (at_once.refused) require(at_once.status >= 400 && at_once.status < 600);
  return 0;
}
