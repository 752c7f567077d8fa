// A request head and a response head as every part of the gateway sees them, whatever protocol carried them.
// All views point into the connection's buffer (or into static text) and live until its next message is read.
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace sallyport::gateway {

// Names that some rule asks for; everything else is `other`. Set once by the reader, so that no rule compares
// text.
enum class FieldId : std::uint8_t {
  other,
  accept,
  age,
  authorization,
  cache_control,
  connection,
  content_length,
  content_type,
  cookie,
  date,
  expect,
  forwarded,
  host,
  keep_alive,
  location,
  origin,
  proxy_authenticate,
  proxy_authorization,
  proxy_connection,
  server,
  set_cookie,
  te,
  trailer,
  transfer_encoding,
  upgrade,
  user_agent,
  vary,
  via,
  www_authenticate,
  x_forwarded_for,
  x_forwarded_host,
  x_forwarded_proto,
  x_request_id,
  traceparent,
  access_control_request_method,
  access_control_request_headers,
  sec_websocket_key,
  sec_websocket_version,
};

struct Field {
  FieldId id = FieldId::other;
  std::string_view name;   // as sent
  std::string_view value;  // without surrounding blanks
};

enum class Framing : std::uint8_t {
  none,    // no body
  length,  // content_length bytes
  chunked,
  until_close,  // responses only
};

enum class Version : std::uint8_t { http10, http11 };

using Fields = std::vector<Field>;  // cleared, never shrunk: no allocation after the first requests

struct RequestHead {
  std::string_view method;
  std::string_view target;     // as sent
  std::string_view authority;  // host[:port] of the Host field (or of an absolute-form target), checked
  std::string_view host;       // the same without the port, as sent (compare without case)
  std::string_view raw_path;   // origin-form without the query, as sent; "*" for OPTIONS *
  std::string_view query;      // behind the first '?', without it
  bool has_query = false;
  Version version = Version::http11;
  Framing framing = Framing::none;
  std::uint64_t content_length = 0;
  bool keep_alive = true;  // what the client asks for
  bool expect_continue = false;
  bool upgrade = false;  // asks for an upgrade: Connection names it and Upgrade stands there
  Fields fields;

  const Field* find(FieldId id) const {
    for (const Field& field : fields)
      if (field.id == id) return &field;
    return nullptr;
  }
  void clear() {
    Fields kept = std::move(fields);
    kept.clear();
    *this = {};
    fields = std::move(kept);
  }
};

struct ResponseHead {
  unsigned status = 0;
  std::string_view reason;
  Version version = Version::http11;
  Framing framing = Framing::none;  // what the message on the wire has, HEAD and 204/304 considered
  std::uint64_t content_length = 0;
  bool keep_alive = true;  // may the connection to the upstream be used again?
  Fields fields;

  const Field* find(FieldId id) const {
    for (const Field& field : fields)
      if (field.id == id) return &field;
    return nullptr;
  }
  void clear() {
    Fields kept = std::move(fields);
    kept.clear();
    *this = {};
    fields = std::move(kept);
  }
};

}  // namespace sallyport::gateway
