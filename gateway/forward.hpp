// Forwards a judged request to its upstream and streams the answer back: lease a connection, send the head,
// pump both bodies with back-pressure, retry only what is safe (RFC 9110 9.2.2).
#pragma once

#include "auth/task.hpp"
#include "gateway/exchange.hpp"
#include "gateway/request_context.hpp"

namespace sallyport::gateway {

class Worker;

Task<> forward(Worker& worker, Exchange& exchange, RequestContext& context);

}  // namespace sallyport::gateway
