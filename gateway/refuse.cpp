#include "gateway/refuse.hpp"

#include "gateway/worker.hpp"

namespace sallyport::gateway {

ReplyContext reply_context(Worker& worker, const RequestContext& context) {
  ReplyContext reply;
  reply.request_id = context.provenance.request_id;
  reply.expired_names = context.runtime().config.auth.expired_header;
  reply.date = worker.date();
  reply.cors = context.cors;
  reply.cookies = context.cookies;
  return reply;
}

Task<> refuse(Worker& worker, Exchange& exchange, RequestContext& context, Verdict verdict,
              std::string_view allow) {
  const Reply& reply = reply_for(verdict);
  context.status = reply.status;
  context.refusal = reply.error;
  ReplyContext how = reply_context(worker, context);
  how.allow = allow;
  OwnAnswer answer{reply.status, &reply, {}, {}};
  if (const error_code ec = co_await exchange.answer(answer, how)) exchange.cut();
}

}  // namespace sallyport::gateway
