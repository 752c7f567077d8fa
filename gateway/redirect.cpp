// See redirect.hpp.
#include "gateway/redirect.hpp"

#include "gateway/path.hpp"
#include "gateway/refuse.hpp"
#include "gateway/text.hpp"
#include "gateway/worker.hpp"

namespace sallyport::gateway {

std::optional<std::string> https_location(const RequestHead& head, std::string_view path, unsigned port) {
  if (head.host.empty() || path.empty() || path.front() != '/') return std::nullopt;
  std::string location = "https://";
  for (const char c : head.host) location += lower(c);
  if (location.back() == '.') location.pop_back();
  if (port != 443) location += ":" + std::to_string(port);
  location += path;
  if (head.has_query) {
    location += '?';
    location += head.query;
  }
  return location;
}

Task<> redirect_request(Worker& worker, Exchange& exchange, const Arrival& arrival,
                        const http1::Refusal* refusal, unsigned port) {
  std::unique_ptr<RequestContext> context = worker.take_context();
  context->serving = worker.serving();
  context->began = std::chrono::steady_clock::now();
  const RequestHead& head = exchange.request();
  decide_provenance(context->provenance, head, arrival, context->runtime().trusted_proxies, worker.chance());
  context->endpoint = "redirect";
  std::optional<std::string> location;
  if (refusal == nullptr) {
    const NormalPath path = normalise_path(head.raw_path, context->path_scratch);
    if (path.good()) {
      context->path = path.path;
      location = https_location(head, path.path, port);
    }
    if (!location) context->reason = path.good() ? "no_host" : std::string_view(path.refusal);
  } else {
    context->reason = refusal->code;
  }
  if (location) {
    const std::string line = "Location: " + *location + "\r\n";
    ReplyContext reply = reply_context(worker, *context);
    reply.extra = line;
    context->status = 308;
    OwnAnswer answer{308, nullptr, {}, {}};
    (void)co_await exchange.answer(answer, reply);  // a client that left is seen at the next read
  } else {
    const Verdict verdict = refusal ? verdict_for_status(refusal->status) : Verdict::bad_request;
    co_await refuse(worker, exchange, *context, verdict);
  }
  worker.log_access(*context, refusal == nullptr ? &head : nullptr, exchange);
  worker.give_back(std::move(context));
}

}  // namespace sallyport::gateway
