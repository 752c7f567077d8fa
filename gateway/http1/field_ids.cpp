// Names sorted by length, then first letter, then one comparison: cheaper than hashing, and nothing to keep
// in step.
#include "gateway/http1/field_ids.hpp"

#include <array>
#include <cstdint>
#include <cstring>

#include "gateway/text.hpp"

namespace sallyport::http1 {
namespace {

using gateway::FieldId;

struct Name {
  std::string_view text;
  FieldId id;
};

constexpr std::array kNames{
    Name{"accept", FieldId::accept},
    Name{"age", FieldId::age},
    Name{"authorization", FieldId::authorization},
    Name{"cache-control", FieldId::cache_control},
    Name{"connection", FieldId::connection},
    Name{"content-length", FieldId::content_length},
    Name{"content-type", FieldId::content_type},
    Name{"cookie", FieldId::cookie},
    Name{"date", FieldId::date},
    Name{"expect", FieldId::expect},
    Name{"forwarded", FieldId::forwarded},
    Name{"host", FieldId::host},
    Name{"keep-alive", FieldId::keep_alive},
    Name{"location", FieldId::location},
    Name{"origin", FieldId::origin},
    Name{"proxy-authenticate", FieldId::proxy_authenticate},
    Name{"proxy-authorization", FieldId::proxy_authorization},
    Name{"proxy-connection", FieldId::proxy_connection},
    Name{"server", FieldId::server},
    Name{"set-cookie", FieldId::set_cookie},
    Name{"te", FieldId::te},
    Name{"trailer", FieldId::trailer},
    Name{"transfer-encoding", FieldId::transfer_encoding},
    Name{"upgrade", FieldId::upgrade},
    Name{"user-agent", FieldId::user_agent},
    Name{"vary", FieldId::vary},
    Name{"via", FieldId::via},
    Name{"www-authenticate", FieldId::www_authenticate},
    Name{"x-forwarded-for", FieldId::x_forwarded_for},
    Name{"x-forwarded-host", FieldId::x_forwarded_host},
    Name{"x-forwarded-proto", FieldId::x_forwarded_proto},
    Name{"x-request-id", FieldId::x_request_id},
    Name{"traceparent", FieldId::traceparent},
    Name{"access-control-request-method", FieldId::access_control_request_method},
    Name{"access-control-request-headers", FieldId::access_control_request_headers},
    Name{"sec-websocket-key", FieldId::sec_websocket_key},
    Name{"sec-websocket-version", FieldId::sec_websocket_version},
};

constexpr std::size_t kLongest = 32;
constexpr std::size_t kPerLength = 8;

// Names by their length, made by the compiler: at most kPerLength comparisons of equal length, most of them
// of one byte.
struct ByLength {
  std::array<std::array<std::uint8_t, kPerLength>, kLongest> names{};
  std::array<std::uint8_t, kLongest> count{};
};

constexpr ByLength sort_by_length() {
  ByLength sorted;
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    const std::size_t length = kNames[i].text.size();
    sorted.names[length][sorted.count[length]++] = static_cast<std::uint8_t>(i);
  }
  return sorted;
}

constexpr ByLength kByLength = sort_by_length();

std::uint64_t eight_lower(const char* at) {
  std::uint64_t eight;
  std::memcpy(&eight, at, sizeof eight);
  return eight | 0x2020202020202020;
}

// `known` is in lower case. The bit that makes a letter small leaves '-' as it is, and makes one of no other
// byte that a token may hold.
bool same(std::string_view known, std::string_view token) {
  const std::size_t size = known.size();
  if (size < 8) {
    unsigned differs = 0;
    for (std::size_t i = 0; i < size; ++i)
      differs |= static_cast<unsigned char>(known[i]) ^ (static_cast<unsigned char>(token[i]) | 0x20u);
    return differs == 0;
  }
  std::size_t at = 0;
  for (; at + 8 < size; at += 8)
    if (eight_lower(known.data() + at) != eight_lower(token.data() + at)) return false;
  return eight_lower(known.data() + size - 8) == eight_lower(token.data() + size - 8);
}

}  // namespace

FieldId field_id(std::string_view name) {
  if (name.size() >= kLongest || name.empty()) return FieldId::other;
  const char first = gateway::lower(name.front());
  for (std::size_t i = 0; i < kByLength.count[name.size()]; ++i) {
    const Name& known = kNames[kByLength.names[name.size()][i]];
    if (known.text.front() == first && same(known.text, name)) return known.id;
  }
  return FieldId::other;
}

}  // namespace sallyport::http1
