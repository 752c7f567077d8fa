// Answers requests on a listener that only sends clients to https: 308 to the same host and path, so that
// method and body survive. A host or path that isn't clean is refused: nobody is sent where the request
// didn't ask to go.
#pragma once

#include <optional>
#include <string>

#include "auth/task.hpp"
#include "gateway/exchange.hpp"
#include "gateway/forwarded.hpp"
#include "gateway/http1/reader.hpp"

namespace sallyport::gateway {

class Worker;

// "https://host[:port]/path?query"; nullopt: this request names no place. `path` is normalised. Pure.
std::optional<std::string> https_location(const RequestHead& head, std::string_view path, unsigned port);

Task<> redirect_request(Worker& worker, Exchange& exchange, const Arrival& arrival,
                        const http1::Refusal* refusal, unsigned port);

}  // namespace sallyport::gateway
