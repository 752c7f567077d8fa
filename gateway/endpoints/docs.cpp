// GET openapi and docs: the endpoints described, and a page to try them from.
#include <boost/json/serialize.hpp>

#include "gateway/endpoints/acts.hpp"
#include "gateway/endpoints/openapi.hpp"
#include "gateway/inline_page.hpp"

namespace sallyport::gateway::endpoints {
namespace {

constexpr std::string_view kNoCache = "no-cache";  // it changes with the configuration

std::string document_of(Call call) {
  return boost::json::serialize(openapi_document(call.config(), call.dialect()));
}

}  // namespace

Task<> openapi(Call call) {
  const std::string body = document_of(call);
  co_await answer_json(call, 200, body, kNoCache);
}

Task<> docs(Call call) {
  const InlinePage page = inline_page("docs", document_of(call));
  Answer answer;
  answer.content_type = "text/html; charset=utf-8";
  answer.body = page.html;
  answer.cache_control = kNoCache;
  answer.lines = page.lines;
  co_await answer_with(call, answer);
}

}  // namespace sallyport::gateway::endpoints
