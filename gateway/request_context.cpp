#include "gateway/request_context.hpp"

namespace sallyport::gateway {

void RequestContext::clear() {
  began = upstream_asked = upstream_answered = {};
  trace.sampled = false;
  path_scratch.clear();
  cors.clear();
  cookies.clear();
  upstream_head.clear();
  reason.clear();
  path = endpoint = refusal = server = {};
  query.reset();
  route = nullptr;
  claims.reset();
  status = 0;
  attempts = 0;
  serving.reset();  // last: views above may lead into it
}

}  // namespace sallyport::gateway
