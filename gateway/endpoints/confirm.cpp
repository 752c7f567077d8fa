// POST confirm: a one-time token shows that the e-mail address is the user's; or, with a name or an address
// in its place, asks for another one.
#include "gateway/endpoints/account_messages.hpp"
#include "gateway/endpoints/acts.hpp"
#include "gateway/endpoints/ask.hpp"
#include "gateway/endpoints/fields.hpp"

namespace sallyport::gateway::endpoints {
namespace {

Task<> ask_again(Call call, const Fields& fields, Asked asked) {
  const auto refused = co_await refuse_asking(call, fields, asked);
  if (refused) co_return co_await fail(call, *refused);
  send_confirmation(call, std::move(asked));
  co_await answer_accepted(call);
}

}  // namespace

Task<> confirm(Call call) {
  const auto body = co_await read_json(call, Body::required);
  if (!body) co_return;
  Fields fields(*body, call.dialect());
  config::Secret token = fields.optional_secret("token");
  Asked asked = asked_in(fields);
  if (token.empty() && (!asked.name.empty() || !asked.email.empty()))
    co_return co_await ask_again(call, fields, std::move(asked));
  if (token.empty()) token = fields.required_secret("token");
  if (!fields.good()) {
    const Failure failure = invalid_fields(fields.problems());
    co_return co_await fail(call, failure);
  }
  const auto confirmed = co_await call.accounts().confirm_email(std::move(token));
  if (!confirmed) {
    const Failure failure = failure_of(confirmed.error());
    audit(call, "confirmation_failed", {}, {},
          failure.fields.contains("token") ? "token_invalid" : failure.error);
    co_return co_await fail(call, failure);
  }
  audit(call, "email_confirmed", confirmed->id);
  co_await answer_nothing(call);
}

}  // namespace sallyport::gateway::endpoints
