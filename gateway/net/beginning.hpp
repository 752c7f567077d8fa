// How a connection begins, before its first request: the PROXY header of a load balancer, then TLS. Each ends
// at a deadline of its own.
#pragma once

#include "auth/task.hpp"
#include "gateway/net/proxy_protocol.hpp"
#include "gateway/net/stream.hpp"
#include "gateway/net/tls_server.hpp"

namespace sallyport::gateway {

// Takes the PROXY header from the stream and not a byte more. A state of need_more: the client left or was
// too slow.
Task<ProxyHeader> read_proxy_header(Stream& stream, SteadyTime due);

// The TLS handshake as the server; memory for it is taken once the client's first byte is there. A client
// that speaks plain HTTP is told so. Keeps `server` alive as long as it is needed.
Task<error_code> accept_tls(Stream& stream, std::shared_ptr<const TlsServer> server, SteadyTime due);

}  // namespace sallyport::gateway
