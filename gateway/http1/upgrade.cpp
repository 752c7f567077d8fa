// See upgrade.hpp.
#include "gateway/http1/upgrade.hpp"

#include <algorithm>

#include "gateway/http1/websocket_frames.hpp"
#include "gateway/text.hpp"

namespace sallyport::http1 {

using gateway::Field;
using gateway::FieldId;
using gateway::iequals;
using gateway::RequestHead;

namespace {

constexpr std::string_view kWebSocket = "websocket";
constexpr std::string_view kVersion = "13";

const Field* only(const RequestHead& head, FieldId id) {
  const Field* found = nullptr;
  for (const Field& field : head.fields) {
    if (field.id != id) continue;
    if (found != nullptr) return nullptr;
    found = &field;
  }
  return found;
}

bool offers(const RequestHead& head, std::string_view protocol) {
  return std::any_of(head.fields.begin(), head.fields.end(), [&](const Field& field) {
    return field.id == FieldId::upgrade && gateway::list_contains(field.value, protocol);
  });
}

Upgrade websocket(const RequestHead& head) {
  const auto refused = [](unsigned status, std::string_view reason) {
    return Upgrade{{}, true, status, reason};
  };
  if (head.method != "GET") return refused(400, "websocket_method");
  if (head.version != gateway::Version::http11) return refused(400, "websocket_http_version");
  if (head.framing != gateway::Framing::none) return refused(400, "websocket_body");
  const Field* version = only(head, FieldId::sec_websocket_version);
  if (version == nullptr || version->value != kVersion) return refused(426, "websocket_version");
  const Field* key = only(head, FieldId::sec_websocket_key);
  if (key == nullptr || !is_websocket_key(key->value)) return refused(400, "websocket_key");
  return {kWebSocket, true, 0, {}};
}

}  // namespace

Upgrade wanted_upgrade(const RequestHead& head, std::span<const std::string> allowed) {
  if (!head.upgrade) return {};
  if (offers(head, kWebSocket)) return websocket(head);
  // The body of another protocol's request would have to be whole before the switch: nobody does that.
  if (head.version != gateway::Version::http11 || head.framing != gateway::Framing::none) return {};
  for (const std::string& protocol : allowed)
    if (!iequals(protocol, "h2c") && offers(head, protocol)) return {protocol, false, 0, {}};
  return {};
}

bool switches_to(const gateway::ResponseHead& head, std::string_view protocol) {
  const Field* found = nullptr;
  for (const Field& field : head.fields) {
    if (field.id != FieldId::upgrade) continue;
    if (found != nullptr) return false;
    found = &field;
  }
  return head.status == 101 && found != nullptr && iequals(found->value, protocol);
}

}  // namespace sallyport::http1
