// What clients and proxies say of where a request came from, a field on each line: what goes on to the
// upstream is whole lines of ours, and a stranger's word decides nothing.
// Covers: gateway/forwarded.cpp, gateway/addresses.cpp
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "gateway/forwarded.hpp"

namespace {

using namespace sallyport::gateway;

void require(bool held) {
  if (!held) std::abort();
}

constexpr std::array kFields{FieldId::x_forwarded_for,  FieldId::forwarded,    FieldId::x_forwarded_proto,
                             FieldId::x_forwarded_host, FieldId::x_request_id, FieldId::traceparent};

// What the head's reader lets into a value (RFC 9110 5.5).
bool is_field_value(std::string_view text) {
  for (const char c : text)
    if ((static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f) return false;
  return true;
}

void check(const Provenance& out) {
  require(valid_request_id(out.request_id));
  for (std::string_view lines = out.lines; !lines.empty();) {
    const auto end = lines.find("\r\n");
    require(end != lines.npos);
    const std::string_view line = lines.substr(0, end);
    require(line.find(": ") != line.npos && is_field_value(line));
    lines.remove_prefix(end + 2);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  RequestHead head;
  head.authority = "api.example";
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    if (line.empty() || !is_field_value(line)) continue;
    Field& field = head.fields.emplace_back();
    field.id = kFields[static_cast<unsigned char>(line[0]) % kFields.size()];
    field.name = "X";
    field.value = line.substr(1);
  }
  Arrival arrival;
  arrival.peer = "192.0.2.7";
  arrival.address = *parse_ip("192.0.2.7");
  AddressSet nobody, everybody;
  everybody.add("0.0.0.0/0");
  everybody.add("::/0");

  Provenance stranger, proxy;
  decide_provenance(stranger, head, arrival, nobody, {});
  check(stranger);
  require(!stranger.trusted && stranger.client == "192.0.2.7" && !stranger.https);
  require(stranger.request_id == std::string(32, '0'));
  decide_provenance(proxy, head, arrival, everybody, {});
  check(proxy);
  require(proxy.trusted && parse_ip(proxy.client).has_value());
  return 0;
}
