// The story of a request, one coroutine: find what serves it, judge who sends it, answer or forward, log it.
#pragma once

#include "auth/task.hpp"
#include "gateway/exchange.hpp"
#include "gateway/forwarded.hpp"
#include "gateway/http1/reader.hpp"

namespace sallyport::gateway {

class Worker;

// `refusal`: the head was refused; it is answered and logged here too. Borrowed: all live until it returns.
Task<> handle_request(Worker& worker, Exchange& exchange, const Arrival& arrival,
                      const http1::Refusal* refusal);

}  // namespace sallyport::gateway
