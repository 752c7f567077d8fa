// What may leave: writes the head that goes to the upstream and the one that goes back to the client.
// Rebuilt, never copied: hop-by-hop fields end here, what we assert is ours alone, framing is stated anew.
// Pure appenders to a buffer of the caller's.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/config.hpp"
#include "gateway/message.hpp"

namespace sallyport::http1 {

// What the rules must know of a route; compiled once.
struct ForwardPolicy {
  std::vector<std::string> asserted;  // lower case, '-' for '_': names that only we may set, beside X-Auth-*
  std::vector<std::string> expired_names;  // the aliases of Token-Expired, as configured
  std::vector<std::string> trailers;       // lower case: trailers that travel on
  std::string strip_prefix;
  bool forward_authorization = false;
  bool has_cors = false;     // the upstream's Access-Control-* are replaced
  bool has_cookies = false;  // cookie mode: our cookies stay between us and the client

  static ForwardPolicy compile(const config::Route& route, const config::AuthEndpoints& auth);

  // Is this a name that a stranger must not set, in any case and with '_' for '-'? X-Auth-*, X-Forwarded-*,
  // those in `asserted`, the expiry header, Sallyport-Response.
  bool reserves(std::string_view name) const;
  bool asserts(std::string_view name) const;  // one of `asserted`
};

struct ForwardContext {
  std::string_view path;   // canonical (path.hpp), or "*"
  std::string_view query;  // as to be sent; has_query decides whether a '?' stands there
  bool has_query = false;
  std::string_view host;        // when the request had none (HTTP/1.0)
  std::string_view identity;    // identity_headers() lines, or empty
  std::string_view provenance;  // Provenance::lines
  std::string_view upgrade;     // protocol that may switch ("websocket"), or empty: the request asks for none
};

void append_request_head(std::string& out, const gateway::RequestHead& head, const ForwardPolicy& policy,
                         const ForwardContext& context);

struct ResponseContext {
  gateway::Version client_version = gateway::Version::http11;
  bool keep_alive = true;  // client and gateway want to keep the connection
  bool to_head_request = false;
  std::string_view request_id;
  std::string_view date;  // IMF-fixdate, for an answer without one
  std::string_view cors;  // complete lines, or empty
  std::string_view
      extra;  // complete lines of cookie mode: Set-Cookie and the Cache-Control to go with it, or empty
  std::string_view upgrade;  // with 101: the protocol
};

// How the body goes to the client.
struct ClientFraming {
  gateway::Framing framing = gateway::Framing::none;  // chunked: encode each piece with append_chunk
  bool keep_alive = true;                             // false: close after the message
};

ClientFraming client_framing(const gateway::ResponseHead& head, const ResponseContext& context);
// Writes the head and returns how the body must follow. For 1xx: no framing, no Connection (101: the
// upgrade).
ClientFraming append_response_head(std::string& out, const gateway::ResponseHead& head,
                                   const ForwardPolicy& policy, const ResponseContext& context);

// Chunked coding. A piece is: append_chunk_head(size), the piece, kChunkEnd. The body ends with kLastChunk,
// or with append_trailers where there are some. A chunk of size 0 would end the body: don't.
void append_chunk_head(std::string& out, std::size_t size);
inline constexpr std::string_view kChunkEnd = "\r\n";
inline constexpr std::string_view kLastChunk = "0\r\n\r\n";
// The last chunk with those trailers that the policy lets through; framing fields never.
void append_trailers(std::string& out, const gateway::Fields& trailers, const ForwardPolicy& policy);

}  // namespace sallyport::http1
