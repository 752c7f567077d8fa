// See forwarded.hpp.
#include "gateway/forwarded.hpp"

#include <array>
#include <tuple>

#include "gateway/http1/target.hpp"
#include "gateway/text.hpp"

namespace sallyport::gateway {
namespace {

constexpr std::size_t kMaxKept =
    2048;  // bytes of a trusted proxy's X-Forwarded-For or Forwarded that travel on

void append_hex(std::string& out, const Chance& chance) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::array<char, 2 * std::tuple_size_v<Chance>> text;
  for (std::size_t i = 0; i < chance.size(); ++i) {
    text[2 * i] = digits[chance[i] >> 4];
    text[2 * i + 1] = digits[chance[i] & 15];
  }
  out.append(text.data(), text.size());
}

// All fields of one id as a single list.
void append_joined(std::string& out, const RequestHead& head, FieldId id) {
  const std::size_t before = out.size();
  for (const Field& field : head.fields) {
    if (field.id != id || field.value.empty() || out.size() - before + field.value.size() > kMaxKept)
      continue;
    append(out, field.value, ", ");
  }
}

// The value of a field that must stand there once.
std::string_view only(const RequestHead& head, FieldId id) {
  std::string_view value;
  for (const Field& field : head.fields) {
    if (field.id != id) continue;
    if (!value.empty()) return {};
    value = field.value;
  }
  return value;
}

// An element of X-Forwarded-For that is an address, without brackets and port.
std::string_view bare_address(std::string_view element) {
  if (element.front() == '[') return element.substr(1, element.find(']') - 1);
  const std::size_t colon = element.find(':');
  return colon != element.npos && element.find(':', colon + 1) == element.npos ? element.substr(0, colon)
                                                                               : element;
}

void find_client(Provenance& out, const RequestHead& head, const Arrival& arrival,
                 const AddressSet& trusted) {
  out.client = arrival.peer;
  if (!out.trusted) return;
  // From the right: each proxy appended the peer that it saw. The first that isn't ours is the client.
  for (auto field = head.fields.rbegin(); field != head.fields.rend(); ++field) {
    if (field->id != FieldId::x_forwarded_for) continue;
    std::string_view list = field->value;
    while (!list.empty()) {
      const std::size_t comma = list.rfind(',');
      const std::string_view element = trim(comma == list.npos ? list : list.substr(comma + 1));
      const auto address = parse_forwarded_address(element);
      if (!address) return;
      out.client = bare_address(element);
      if (!trusted.contains(*address)) return;
      list = comma == list.npos ? std::string_view{} : list.substr(0, comma);
    }
  }
}

}  // namespace

bool valid_request_id(std::string_view text) {
  if (text.empty() || text.size() > 128) return false;
  for (const char c : text)
    if (!is_a(c, kUnreserved) || c == '~') return false;
  return true;
}

void decide_provenance(Provenance& out, const RequestHead& head, const Arrival& arrival,
                       const AddressSet& trusted_proxies, const Chance& chance, const Trace& trace) {
  out.trusted = !trusted_proxies.empty() && trusted_proxies.contains(arrival.address);
  find_client(out, head, arrival, trusted_proxies);

  const std::string_view offered = out.trusted ? only(head, FieldId::x_request_id) : std::string_view{};
  out.request_id.clear();
  if (valid_request_id(offered))
    out.request_id = offered;
  else
    append_hex(out.request_id, chance);

  std::string_view proto = arrival.tls ? "https" : "http";
  std::string_view host = head.authority;
  if (out.trusted) {
    const std::string_view their_proto = only(head, FieldId::x_forwarded_proto);
    if (iequals(their_proto, "http") || iequals(their_proto, "https")) proto = their_proto;
    std::string_view name;
    const std::string_view their_host = only(head, FieldId::x_forwarded_host);
    if (http1::valid_authority(their_host, name)) host = their_host;
  }
  out.https = iequals(proto, "https");

  std::string& lines = out.lines;
  lines.clear();
  const std::string_view peer = arrival.peer.empty() ? "unknown" : arrival.peer;
  if (!arrival.peer.empty() || out.trusted) {
    lines += "X-Forwarded-For: ";
    if (out.trusted) append_joined(lines, head, FieldId::x_forwarded_for);
    append(lines, peer, "\r\n");
  }
  append_line(lines, "X-Forwarded-Proto", proto);
  if (!host.empty()) append_line(lines, "X-Forwarded-Host", host);
  lines += "Forwarded: ";
  if (out.trusted) append_joined(lines, head, FieldId::forwarded);
  // RFC 7239 4: an IPv6 address is quoted and in brackets.
  const bool quoted = peer.find(':') != peer.npos;
  append(lines, "for=", quoted ? "\"[" : "", peer, quoted ? "]\"" : "");
  if (!host.empty()) append(lines, ";host=\"", host, "\"");
  append(lines, ";proto=", proto, "\r\nX-Request-Id: ", out.request_id, "\r\n");
  if (trace.sampled)
    append_line(lines, "traceparent", traceparent_for_upstream(trace));
  else if (const std::string_view theirs = traceparent_of(head); !theirs.empty())
    append_line(lines, "traceparent", theirs);
}

}  // namespace sallyport::gateway
