// GET sessions and DELETE sessions/{id}: where the user is logged in, and the end of one of them.
#include "gateway/endpoints/acts.hpp"
#include "gateway/endpoints/documents.hpp"
#include "gateway/refuse.hpp"

namespace sallyport::gateway::endpoints {

Task<> list_sessions(Call call) {
  std::string user = call.context.claims->subject;
  const auto found = co_await call.sessions().list(std::move(user));
  if (!found) {
    const Failure failure = failure_of(found.error());
    co_return co_await fail(call, failure);
  }
  std::string body = sessions_json(*found, call.context.claims->session_id);
  co_await answer_document(call, 200, std::move(body));
}

Task<> end_session(Call call) {
  const std::shared_ptr<const jose::Claims> claims = call.context.claims;
  std::string user = claims->subject;
  std::string id(call.match.id);
  const auto ended =
      co_await call.sessions().end_one(std::move(user), std::move(id), sessions::EndCause::logout);
  Failure failure;
  if (!ended) {
    failure = failure_of(ended.error());
  } else if (!*ended) {
    failure.status = 404;
    failure.error = "not_found";
    failure.description = "This user has no such session";
  } else {
    audit(call, "logout", claims->subject, call.match.id, "session");
    co_return co_await answer_nothing(call);
  }
  co_await fail(call, failure);
}

}  // namespace sallyport::gateway::endpoints
