// Answers a request with a row of the contract's table.
#pragma once

#include <string_view>

#include "auth/task.hpp"
#include "gateway/exchange.hpp"
#include "gateway/replies.hpp"
#include "gateway/request_context.hpp"

namespace sallyport::gateway {

class Worker;

// The reply context of this request: id, date, CORS lines, names of the expiry header. Views into `context`
// and worker.
ReplyContext reply_context(Worker& worker, const RequestContext& context);

Task<> refuse(Worker& worker, Exchange& exchange, RequestContext& context, Verdict verdict,
              std::string_view allow = {});

}  // namespace sallyport::gateway
