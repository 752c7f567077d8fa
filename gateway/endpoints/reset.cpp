// POST password/reset-request: a one-time token to whoever owns the account, by mail. POST password/reset: a
// new password for such a token; every session of the user ends.
#include "gateway/endpoints/account_messages.hpp"
#include "gateway/endpoints/acts.hpp"
#include "gateway/endpoints/ask.hpp"
#include "gateway/endpoints/fields.hpp"

namespace sallyport::gateway::endpoints {

Task<> reset_request(Call call) {
  const auto body = co_await read_json(call, Body::required);
  if (!body) co_return;
  Fields fields(*body, call.dialect());
  Asked asked = asked_in(fields);
  const auto refused = co_await refuse_asking(call, fields, asked);
  if (refused) co_return co_await fail(call, *refused);
  send_reset(call, std::move(asked));
  co_await answer_accepted(call);
}

Task<> reset_password(Call call) {
  const auto body = co_await read_json(call, Body::required);
  if (!body) co_return;
  Fields fields(*body, call.dialect());
  config::Secret token = fields.required_secret("token");
  config::Secret wanted = fields.required_secret("new_password");
  if (!fields.good()) {
    const Failure failure = invalid_fields(fields.problems());
    co_return co_await fail(call, failure);
  }
  auto changed = co_await call.accounts().reset_password(std::move(token), std::move(wanted));
  if (!changed) {
    const Failure failure = failure_of(changed.error());
    audit(call, "password_reset_failed", {}, {},
          failure.fields.contains("token") ? "token_invalid" : failure.error);
    co_return co_await fail(call, failure);
  }
  audit(call, "password_reset", changed->user.id);
  std::string owner = changed->user.id;
  const auto ended = co_await end_for_new_password(call, std::move(owner), std::nullopt);
  if (!ended) {
    Failure failure = failure_of(ended.error());
    failure.description =
        "The password is changed, but the sessions could not be ended; log in and log out with scope=all";
    co_return co_await fail(call, failure);
  }
  co_await answer_nothing(call);
}

}  // namespace sallyport::gateway::endpoints
