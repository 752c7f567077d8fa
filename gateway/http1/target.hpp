// What the first line of a message says: a request's method, and its target in one of its forms (RFC
// 9112 3.2); a response's status (RFC 9112 4). Pure.
#pragma once

#include <optional>
#include <string_view>

#include "gateway/http1/reader.hpp"
#include "gateway/message.hpp"

namespace sallyport::http1 {

inline constexpr std::size_t kMaxMethod = 32;

// host[:port]: a name of letters, digits and "-._~" up to 255 bytes, or an IP literal in brackets; a port of
// 1 to 65535. Narrower than RFC 3986: no userinfo, no percent-encoding, no sub-delims, no empty port. `host`
// is set where true.
bool valid_authority(std::string_view authority, std::string_view& host);

// Splits the request line (without CRLF) and fills method, target, raw_path, query, version; for an
// absolute-form target authority and host too. CONNECT and TRACE are 501: the gateway builds no tunnel for
// strangers and echoes nothing.
std::optional<Refusal> read_request_line(std::string_view line, gateway::RequestHead& head);

// Splits the status line (without CRLF) and fills version, status and reason. Refuses with 502.
std::optional<Refusal> read_status_line(std::string_view line, gateway::ResponseHead& head);

// Fills `version`. Only "HTTP/1.0" and "HTTP/1.1"; another HTTP/d.d is 505, anything else 400.
std::optional<Refusal> read_version(std::string_view text, gateway::Version& version);

}  // namespace sallyport::http1
