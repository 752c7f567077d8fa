// GET me, jwks and metadata: what needs no store, only what is known here.
#include <boost/json/serialize.hpp>

#include "gateway/endpoints/acts.hpp"
#include "gateway/endpoints/documents.hpp"

namespace sallyport::gateway::endpoints {
namespace {

// Short enough that a new key is known before its first token is old.
constexpr std::string_view kPublic = "public, max-age=300";

}  // namespace

Task<> me(Call call) {
  const std::string body = boost::json::serialize(call.context.claims->all);
  co_await answer_json(call, 200, body);
}

Task<> jwks(Call call) {
  const std::shared_ptr<const KeySnapshot> keys = call.worker.keys();
  const std::string_view body =
      keys->jwks.empty() ? std::string_view(R"({"keys":[]})") : std::string_view(keys->jwks);
  co_await answer_json(call, 200, body, kPublic);
}

Task<> metadata(Call call) {
  const std::string body = metadata_json(call.config());
  co_await answer_json(call, 200, body, kPublic);
}

}  // namespace sallyport::gateway::endpoints
