// The gateway's own endpoints (CONTRACT section 2): who serves which.
#pragma once

#include "auth/task.hpp"
#include "gateway/exchange.hpp"
#include "gateway/request_context.hpp"
#include "gateway/router.hpp"

namespace sallyport::gateway {
class Worker;
}

namespace sallyport::gateway::endpoints {

// false: serve() must find a live, own, allowed token's claims in the context.
bool needs_no_token(OwnEndpoint endpoint);

// Answers the request and fills the context for the access log. Borrowed: all live until it returns.
Task<> serve(Worker& worker, Exchange& exchange, RequestContext& context, const Match& match);

}  // namespace sallyport::gateway::endpoints
