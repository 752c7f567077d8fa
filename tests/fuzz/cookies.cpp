// Cookie fields as strangers write them: what is read is of token text, nothing of ours is left for an
// upstream, and taking it out twice changes nothing.
// Covers: gateway/cookies.cpp
#include "gateway/cookies.hpp"

#include <cstdint>
#include <cstdlib>

namespace {

using namespace sallyport::gateway;

void require(bool held) {
  if (!held) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t half = text.find('\n');
  RequestHead head;
  head.fields.push_back({FieldId::cookie, "Cookie", text.substr(0, half)});
  if (half != text.npos) head.fields.push_back({FieldId::cookie, "Cookie", text.substr(half + 1)});
  const SessionCookies cookies = read_cookies(head);
  require((cookies.state == SessionCookies::State::good) ==
          (!cookies.access.empty() || !cookies.refresh.empty()));
  for (const std::string_view value : {cookies.access, cookies.refresh})
    require(value.find_first_of(" \t;=\"\\\n,") == value.npos);

  for (const Field& field : head.fields) {
    const std::string left = without_our_cookies(field.value);
    require(left.size() <= field.value.size() + 2 * field.value.size());
    require(without_our_cookies(left) == left);
    RequestHead seen;
    seen.fields.push_back({FieldId::cookie, "Cookie", left});
    require(read_cookies(seen).state == SessionCookies::State::absent);
  }
  (void)sets_our_cookie(text);
  return 0;
}
