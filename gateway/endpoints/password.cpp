// POST password: a new password for the old one; every other session of the user ends (SECURITY S8).
#include "gateway/endpoints/acts.hpp"
#include "gateway/endpoints/fields.hpp"
#include "gateway/judge.hpp"
#include "gateway/refuse.hpp"

namespace sallyport::gateway::endpoints {
Task<> change_password(Call call) {
  const auto body = co_await read_json(call, Body::required);
  if (!body) co_return;
  Fields fields(*body, call.dialect());
  config::Secret current = fields.required_secret("current_password");
  config::Secret wanted = fields.required_secret("new_password");
  if (!fields.good()) {
    const Failure failure = invalid_fields(fields.problems());
    co_return co_await fail(call, failure);
  }
  // A body may take its time; the session may have ended meanwhile.
  const RequestHead& head = call.exchange.request();
  if (const auto verdict = judge(call.worker, head, call.runtime().bearer_only, call.context))
    co_return co_await refuse(call.worker, call.exchange, call.context, *verdict);

  const std::shared_ptr<const jose::Claims> claims = call.context.claims;
  std::string user = claims->subject;
  std::string address = call.context.provenance.client;
  const auto changed = co_await call.users().change_password(std::move(user), std::move(current),
                                                             std::move(wanted), std::move(address));
  if (!changed) {
    const Failure failure = failure_of(changed.error());
    co_return co_await fail(call, failure);
  }
  audit(call, "password_changed", claims->subject, claims->session_id);

  std::string owner = claims->subject;
  const auto session = sessions::SessionId::parse(claims->session_id);
  const auto ended = co_await end_for_new_password(call, std::move(owner), session);
  if (!ended) {
    Failure failure = failure_of(ended.error());
    failure.description =
        "The password is changed, but the other sessions could not be ended; log out with scope=others";
    co_return co_await fail(call, failure);
  }
  co_await answer_nothing(call);
}

}  // namespace sallyport::gateway::endpoints
